import { createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * An HTTP server that hands its requests on at once, or with `express` among its settings has them go through Express as an
 * application of Nest sets it up.
 *
 * @param {string[]} settings
 * @param {import('node:http').RequestListener} listener
 * @returns {import('node:http').Server}
 */
export function platformServer(settings, listener) {
  if (!settings.includes('express')) {
    return createServer(listener);
  }
  const adapter = new ExpressAdapter();
  adapter.initHttpServer({});
  adapter.registerParserMiddleware();
  adapter.use(listener);
  return adapter.getHttpServer();
}
