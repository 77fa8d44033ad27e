import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Farm } from './farm.js';

/**
 * What the page shows of the farm and does to it. That is no matter of the nodes: whoever answers has to outlive them.
 *
 * @returns false if the request is for the nodes.
 */
export function handleControl(farm: Farm, request: IncomingMessage, response: ServerResponse): boolean {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (`${request.method} ${pathname}`) {
    case 'GET /farm':
      report(farm, response);
      return true;
    case 'POST /farm/restart':
      void farm.restartAll();
      response.writeHead(202).end();
      return true;
    case 'POST /farm/kill':
      response.writeHead(farm.kill(searchParams.get('node')) ? 202 : 404).end();
      return true;
    default:
      return false;
  }
}

function report(farm: Farm, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const subscription = farm.reports.subscribe((reports) =>
    response.write(`data: ${JSON.stringify(reports)}\n\n`),
  );
  response.on('close', () => subscription.unsubscribe());
}
