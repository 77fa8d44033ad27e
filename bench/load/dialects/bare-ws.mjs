/** @type {import('./dialect.mjs').Dialect} */
export const bareWs = {
  begin: () => ({ path: '/' }),
  greeting: [],
  call: (id, text) => JSON.stringify({ event: 'echo', id, data: text }),
  decode(message) {
    const { id, data } = JSON.parse(message);
    return [{ id, text: data }];
  },
};
