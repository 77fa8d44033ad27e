import type { INestApplication, LoggerService, ModuleMetadata, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SignalRModule, type SignalRModuleOptions } from 'nestjs-signalr';

/** The HTTP platforms that every end-to-end suite runs on. */
export const platforms = ['express', 'fastify'] as const;
export type Platform = (typeof platforms)[number];

/** What a test wants to have in its application. */
export interface AppOptions {
  readonly platform?: Platform;
  readonly hubs: readonly Type[];
  readonly signalr?: SignalRModuleOptions;
  readonly imports?: ModuleMetadata['imports'];
  readonly providers?: ModuleMetadata['providers'];
  readonly controllers?: ModuleMetadata['controllers'];
  /** Default: any free port. */
  readonly port?: number;
  /** Serves over TLS. */
  readonly tls?: Certificate;
  /** Changes the application before it starts: prefixes, global enhancers, middleware. */
  readonly configure?: (app: INestApplication) => void;
}

/** What a server over TLS shows its clients, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** An application that listens, and what it has logged. */
export interface TestApp {
  readonly app: INestApplication;
  /** Address with scheme and port, without a path. */
  readonly url: string;
  /** The same for WebSockets. */
  readonly wsUrl: string;
  /** Errors and warnings that were logged, as text. A test that expects none checks that this is empty. */
  readonly logged: string[];
  close(): Promise<void>;
}

/** Starts an application with hubs on a free port. */
export async function startApp(options: AppOptions): Promise<TestApp> {
  const {
    platform = 'express',
    hubs,
    signalr = {},
    imports = [],
    providers = [],
    controllers = [],
    tls,
  } = options;
  const logged: string[] = [];
  const testing = await Test.createTestingModule({
    imports: [SignalRModule.forRoot(signalr), ...imports],
    providers: [...hubs, ...providers],
    controllers: [...controllers],
  })
    .setLogger(recordingLogger(logged))
    .compile();
  const app =
    platform === 'express'
      ? testing.createNestApplication(new ExpressAdapter(), { httpsOptions: tls })
      : testing.createNestApplication<NestFastifyApplication>(
          new FastifyAdapter(tls === undefined ? {} : { https: tls }),
        );
  options.configure?.(app);
  await app.listen(options.port ?? 0, '127.0.0.1');
  const secure = tls === undefined ? '' : 's';
  const { port } = (app.getHttpServer() as { address(): { port: number } }).address();
  return {
    app,
    url: `http${secure}://127.0.0.1:${port}`,
    wsUrl: `ws${secure}://127.0.0.1:${port}`,
    logged,
    close: () => app.close(),
  };
}

function recordingLogger(logged: string[]): LoggerService {
  const record = (...parts: unknown[]): void => {
    logged.push(
      parts.map((part) => (part instanceof Error ? (part.stack ?? part.message) : String(part))).join(' '),
    );
  };
  const ignore = (): void => undefined;
  return { log: ignore, debug: ignore, verbose: ignore, warn: record, error: record, fatal: record };
}
