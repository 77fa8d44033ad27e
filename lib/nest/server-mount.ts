import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Serves a request; false leaves it to others. */
export type ServeRequest = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves requests before the HTTP framework gets to see them. What is not served goes on as if nothing had been. */
export function mountOnServer(server: Server, serve: ServeRequest): void {
  const others = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!serve(request, response)) {
      for (const listener of others) {
        listener.call(server, request, response);
      }
    }
  });
}
