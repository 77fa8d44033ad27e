import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/**
 * A request without body whose answer must be 200.
 *
 * @param {'GET' | 'POST'} method
 * @param {number} port
 * @param {string} path with the query
 * @returns {Promise<string>} the body
 */
export async function send(method, port, path) {
  const { status, body } = await exchange(method, port, path);
  if (status !== 200) {
    throw new Error(`${method} ${path} was answered with ${status} ${body}`);
  }
  return body;
}

/**
 * @param {string} method
 * @param {number} port
 * @param {string} path with the query
 * @param {string} [content] of the request
 * @returns {Promise<{ status: number | undefined, body: string }>}
 */
export function exchange(method, port, path, content = '') {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { 'Content-Length': Buffer.byteLength(content) },
    });
    const onError = (error) => {
      // The server may close an idle connection in the moment in which it is used again; browsers ask once more, too.
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') {
        resolve(exchange(method, port, path, content));
      } else {
        reject(new Error(`${method} ${path} failed: ${error.message}`));
      }
    };
    outgoing.on('error', onError);
    outgoing.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (body += part));
      response.on('error', onError);
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    outgoing.end(content);
  });
}
