import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';

/** The client libraries, served as they were published. */
const libraries = {
  '/lib/jquery.min.js': 'jquery/dist/jquery.min.js',
  '/lib/jquery.signalR.min.js': 'signalr/jquery.signalR.min.js',
  '/lib/signalr.min.js': '@microsoft/signalr/dist/browser/signalr.min.js',
};

const app = await NestFactory.create<NestExpressApplication>(AppModule);
app.enableShutdownHooks();

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
app.useStaticAssets(folder('../public'));
app.useStaticAssets(folder('../../shared/public'), { prefix: '/shared' });
const require = createRequire(import.meta.url);
for (const [url, file] of Object.entries(libraries)) {
  app.useStaticAssets(require.resolve(file), { prefix: url });
}

await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`Open ${await app.getUrl()}`);
