import { UseInterceptors } from '@nestjs/common';
import { finalize, interval, type Observable, of } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hub, HubMethod, HubPipelineModule, HubProgress, type IProgress, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { classicTransports, TransportClient } from '../../support/classic-transports.js';
import { RawCoreClient } from '../../support/core-client.js';
import { Inbox } from '../../support/inbox.js';

/** What hub code has noticed. */
const notes = new Inbox<string>();

/** Does nothing, but stands between the client and the method. */
class Silent extends HubPipelineModule {}

@Hub('works')
class WorkHub extends SignalRHub {
  private kept: IProgress<string> | undefined;

  @HubMethod()
  async count(upTo: number, @HubProgress() progress: IProgress<number>): Promise<string> {
    for (let step = 1; step <= upTo; step++) {
      await progress.report(step);
    }
    return 'done';
  }

  @HubMethod()
  atOnce(@HubProgress() progress: IProgress<string>): string {
    void progress.report('nearly');
    return 'done';
  }

  @HubMethod()
  @UseInterceptors(Silent)
  intercepted(@HubProgress() progress: IProgress<string>, text: string): string {
    void progress.report(text);
    return text;
  }

  @HubMethod()
  withState(@HubProgress() progress: IProgress<string>): void {
    this.clients.callerState['step'] = 1;
    void progress.report('x');
  }

  @HubMethod()
  lateReport(@HubProgress() progress: IProgress<string>): void {
    this.kept = progress;
    setImmediate(() => {
      try {
        void this.kept?.report('late');
        notes.put('reported');
      } catch (error) {
        notes.put((error as Error).message);
      }
    });
  }

  @HubMethod()
  unsendable(@HubProgress() progress: IProgress<bigint>): string {
    progress.report(1n).catch((error: Error) => notes.put(error.message));
    return 'done';
  }

  @HubMethod()
  observed(): Observable<number> {
    return of(1, 2, 3);
  }

  @HubMethod()
  async *iterated(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }

  @HubMethod()
  endless(): Observable<number> {
    return interval(5).pipe(finalize(() => notes.put('the stream has ended')));
  }
}

describe.each(platforms)('progress on %s', (platform) => {
  let app: TestApp;
  let url: string;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [WorkHub], signalr: { classic: { enableDetailedErrors: true } } });
    url = `${app.url}/signalr`;
  });

  afterAll(async () => {
    await app.close();
    expect(app.logged.filter((line) => !line.includes('BigInt'))).toEqual([]);
  });

  /** All frames of a call over WebSockets, without cursors, up to the response. */
  async function frames(
    client: RawClassicClient,
    method: string,
    ...args: unknown[]
  ): Promise<Record<string, unknown>[]> {
    client.socket.send(JSON.stringify({ H: 'works', M: method, A: args, I: 3 }));
    const seen: Record<string, unknown>[] = [];
    for (;;) {
      const { C: cursor, ...frame } = await client.nextFrame(`a frame of ${method}`);
      seen.push(frame);
      if (cursor === undefined) {
        return seen;
      }
    }
  }

  async function connected(hubs = ['works']): Promise<RawClassicClient> {
    return RawClassicClient.connect(url, { hubs });
  }

  test.each(classicTransports)('[classic 168] reports and then the result over %s', async (transport) => {
    const client = new TransportClient(await RawClassicClient.negotiate(url, { hubs: ['works'] }), transport);
    await client.connect();
    await client.invoke('works', 'count', 3);
    const reports: unknown[] = [];
    while (reports.length < 3) {
      const { M = [] } = await client.nextFrame(({ M: messages }) => (messages ?? []).length > 0);
      reports.push(...M);
    }
    expect(reports).toEqual([1, 2, 3].map((step) => ({ I: 'P|0', P: { I: '0', D: step } })));
    await client.end();
  });

  test('[classic 168] every report comes before the result over WebSockets, also the last one', async () => {
    const client = await connected();
    expect(await frames(client, 'atOnce')).toEqual([
      { M: [{ I: 'P|3', P: { I: '3', D: 'nearly' } }] },
      { R: 'done', I: '3' },
    ]);
    await client.abort();
  });

  test('a client that lists no hub gets the reports of its calls', async () => {
    const client = await connected([]);
    expect(await frames(client, 'atOnce')).toHaveLength(2);
    await client.abort();
  });

  test('[classic 169] the progress parameter takes no argument, wherever it stands', async () => {
    const client = await connected();
    expect((await frames(client, 'count', 1)).at(-1)).toEqual({ R: 'done', I: '3' });
    expect(await frames(client, 'intercepted', 'text')).toEqual([
      { M: [{ I: 'P|3', P: { I: '3', D: 'text' } }] },
      { R: 'text', I: '3' },
    ]);
    expect((await frames(client, 'count', 1, 'more'))[0]?.['E']).toBe(
      `'count' method could not be resolved. Potential candidates are: \ncount(upTo:Number):Promise`,
    );
    await client.abort();
  });

  test('changed state travels with a report', async () => {
    const client = await connected();
    expect(await frames(client, 'withState')).toEqual([
      { M: [{ S: { step: 1 }, I: 'P|3', P: { I: '3', D: 'x' } }] },
      { S: { step: 1 }, I: '3' },
    ]);
    await client.abort();
  });

  test('[classic 170] a report after the method has completed throws in the server, and nothing is sent', async () => {
    const client = await connected();
    expect(await frames(client, 'lateReport')).toEqual([{ I: '3' }]);
    expect(await notes.next('the error')).toBe(
      'You cannot report progress on a hub method invocation that has already completed.',
    );
    expect(await frames(client, 'atOnce')).toHaveLength(2);
    await client.abort();
  });

  test('a report that cannot be serialized is refused to the method alone', async () => {
    const client = await connected();
    expect(await frames(client, 'unsendable')).toEqual([{ R: 'done', I: '3' }]);
    expect(await notes.next('the error')).toContain('BigInt');
    await client.abort();
  });

  test.each([
    ['observed', [1, 2, 3]],
    ['iterated', [1, 2]],
  ])('the items of a stream are reported, the last one is the result: %s', async (method, items) => {
    const client = await connected();
    const seen = await frames(client, method);
    const reported = seen.flatMap(({ M: messages = [] }) => messages as { P: { D: number } }[]);
    expect(reported.map(({ P }) => P.D)).toEqual(items);
    expect(seen.at(-1)).toEqual({ R: items.at(-1), I: '3' });
    await client.abort();
  });

  test('a stream ends with its connection', async () => {
    const client = await connected();
    client.socket.send(JSON.stringify({ H: 'works', M: 'endless', A: [], I: 3 }));
    await client.nextFrame('the first item');
    await client.abort();
    expect(await notes.next('the end of the stream')).toBe('the stream has ended');
  });

  test('a Core client gets the result; reports go nowhere', async () => {
    const client = await RawCoreClient.connect(`${app.wsUrl}/signalr/works`);
    client.send({ type: 1, invocationId: '1', target: 'count', arguments: [3] });
    expect(await client.next('the completion')).toEqual({ type: 3, invocationId: '1', result: 'done' });
    client.close();
  });
});
