/// <reference lib="dom" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { Browser } from 'playwright-core';

import { openPage } from './browser.js';
import type { ClassicTransportName } from './classic-transports.js';
import { Inbox } from './inbox.js';

const require = createRequire(import.meta.url);
const libraries = ['jquery/dist/jquery.min.js', 'signalr/jquery.signalR.min.js'].map(
  (file) => `<script>${readFileSync(require.resolve(file), 'utf8')}</script>`,
);

/** A page with jquery.signalR and the generated proxy of the hubs of its server. */
const PAGE = `<!doctype html><title>client</title>${libraries.join('')}<script src="/signalr/hubs"></script>`;

/** `$.signalR.connectionState.connected` */
const CONNECTED = 1;

/** What the page has of jquery.signalR, and what was given to it. */
interface ClassicWindow {
  EventSource: unknown;
  tell(call: unknown): void;
  $: {
    signalR: { transports: Record<string, { reconnectDelay: number }> };
    connection: Record<string, unknown> & {
      hub: {
        id: string;
        state: number;
        qs: object;
        reconnectDelay: number;
        start(options: object): Promise<unknown>;
        stop(): void;
      };
    };
  };
}

interface HubProxy {
  readonly client: Record<string, unknown>;
  readonly server: Record<string, (...args: unknown[]) => JQueryPromise>;
}

/** A promise that tells how far it is. */
interface JQueryPromise extends Promise<unknown> {
  progress(listener: (value: unknown) => void): Promise<unknown>;
}

/** jquery.signalR in a page of its own. Pages do not share anything, connections to their server included. */
export class ClassicPageClient {
  private constructor(
    private readonly page: Awaited<ReturnType<typeof openPage>>,
    private readonly hub: string,
    readonly connectionId: string,
    /** The first argument of each call of the client method `hear`. */
    readonly heard: Inbox<string>,
    private readonly complained: readonly string[],
  ) {}

  /** @param url of the hubs. @param options `hub` as the proxy calls it; `query` of its requests */
  static async start(
    browser: Browser,
    url: string,
    {
      hub,
      transport,
      query = {},
      deadline,
    }: {
      readonly hub: string;
      readonly transport: ClassicTransportName;
      readonly query?: Readonly<Record<string, string>>;
      /** How long, in milliseconds, calls of client methods are waited for. */
      readonly deadline?: number;
    },
  ): Promise<ClassicPageClient> {
    const context = await browser.newContext();
    const heard = new Inbox<string>(deadline);
    await context.exposeFunction('tell', (text: string) => heard.put(text));
    if (transport === 'foreverFrame') {
      // It refuses browsers that know event streams.
      await context.addInitScript(() => {
        delete (window as unknown as Partial<ClassicWindow>).EventSource;
      });
    }
    const complaints: string[] = [];
    // The browser has to have got something of the server: it lets no other page open sockets to this machine.
    const page = await openPage(context, complaints, `${url}/hubs`);
    await page.setContent(PAGE);
    const id = await page.evaluate(
      async ([name, wanted, parameters]) => {
        const view = window as unknown as ClassicWindow;
        const { connection, signalR } = view.$;
        connection.hub.qs = parameters;
        connection.hub.reconnectDelay = 10;
        signalR.transports['longPolling']!.reconnectDelay = 10;
        (connection[name] as HubProxy).client['hear'] = (text: string) => view.tell(text);
        await connection.hub.start({ transport: wanted });
        return connection.hub.id;
      },
      [hub, transport, query] as const,
    );
    return new ClassicPageClient(page, hub, id, heard, complaints);
  }

  /** What the page complained about, but for lines that broke: the browser itself reports them. */
  get complaints(): readonly string[] {
    return this.complained.filter((line) => !/ERR_|WebSocket/.test(line));
  }

  /** Calls a hub method. */
  async invoke(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const { result } = await this.follow(method, ...args);
    return result;
  }

  /** Calls a hub method, and gives what it told on its way as well. */
  follow(method: string, ...args: readonly unknown[]): Promise<{ steps: unknown[]; result: unknown }> {
    return this.page.evaluate(
      async ([name, called, values]) => {
        const { server } = (window as unknown as ClassicWindow).$.connection[name] as HubProxy;
        const steps: unknown[] = [];
        const result = await server[called]!(...values).progress((step) => steps.push(step));
        return { steps, result };
      },
      [this.hub, method, args] as const,
    );
  }

  /** Resolves when it has its line, again or still. */
  async whenConnected(): Promise<void> {
    await this.page.waitForFunction(
      (connected) => (window as unknown as ClassicWindow).$.connection.hub.state === connected,
      CONNECTED,
    );
  }

  /** Says goodbye. */
  stop(): Promise<void> {
    return this.page.evaluate(() => (window as unknown as ClassicWindow).$.connection.hub.stop());
  }

  /** Closes the page, with or without a goodbye. */
  close(): Promise<void> {
    return this.page.context().close();
  }
}
