import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { SignalRService } from 'nestjs-signalr';
import { untilStopped } from '../farm/app-process.js';
import { NodeModule } from './node.module.js';

/** The client libraries, served as they were published. */
const libraries = {
  '/lib/jquery.min.js': 'jquery/dist/jquery.min.js',
  '/lib/jquery.signalR.min.js': 'signalr/jquery.signalR.min.js',
  '/lib/signalr.min.js': '@microsoft/signalr/dist/browser/signalr.min.js',
};

const app = await NestFactory.create<NestExpressApplication>(NodeModule, { logger: ['warn', 'error'] });

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
app.useStaticAssets(folder('../../public'));
app.useStaticAssets(folder('../../../shared/public'), { prefix: '/shared' });
const require = createRequire(import.meta.url);
for (const [url, file] of Object.entries(libraries)) {
  app.useStaticAssets(require.resolve(file), { prefix: url });
}

await app.listen(0, '127.0.0.1');
await untilStopped({ port: (app.getHttpServer().address() as AddressInfo).port });

// In batches, so that the clients of a full node do not all come back to the others at once.
await app.get(SignalRService).drain({ deadline: 10_000, batch: 100, interval: 200 });
await app.close();
process.exit();
