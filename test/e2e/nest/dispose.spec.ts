import { Scope } from '@nestjs/common';
import { finalize, interval, take, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { RawCoreClient } from '../../support/core-client.js';

/** What the hubs below did, in order. */
let steps: string[] = [];
const objects = new Set<object>();

abstract class DisposableHub extends SignalRHub {
  override onConnected(): void {
    this.note('connected');
  }

  override onDisconnected(): void {
    this.note('disconnected');
  }

  @HubMethod()
  async work(): Promise<string> {
    this.note('working');
    await Promise.resolve();
    return 'done';
  }

  @HubMethod()
  atOnce(): string {
    this.note('working');
    return 'done';
  }

  @HubMethod()
  fail(): never {
    this.note('failing');
    throw new Error('expected');
  }

  @HubMethod()
  stream(): Observable<number> {
    return interval(1).pipe(
      take(2),
      finalize(() => this.note('streamed')),
    );
  }

  override dispose(): void {
    this.note('disposed');
  }

  /** The object that was disposed is the one that has worked. */
  private note(step: string): void {
    objects.add(this);
    steps.push(step);
  }
}

@Hub('shared')
class SharedHub extends DisposableHub {}

@Hub('scoped', { scope: Scope.REQUEST })
class ScopedHub extends DisposableHub {}

@Hub('sealed')
class SealedHub extends DisposableHub {
  #value = 1;

  @HubMethod()
  value(): number {
    return this.#value++;
  }
}

@Hub('clumsy')
class ClumsyHub extends SignalRHub {
  @HubMethod()
  work(): string {
    return 'done';
  }

  override dispose(): Promise<void> {
    return Promise.reject(new Error('dispose is clumsy'));
  }
}

describe.each(platforms)('disposal of hubs on %s', (platform) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ platform, hubs: [SharedHub, ScopedHub, SealedHub, ClumsyHub] });
  });

  afterAll(async () => {
    await app.close();
    const expected = /expected|dispose is clumsy|#private/;
    expect(app.logged.filter((line) => !expected.test(line))).toEqual([]);
    expect(app.logged.some((line) => line.includes('dispose is clumsy'))).toBe(true);
  });

  beforeEach(() => {
    steps = [];
    objects.clear();
  });

  /** The last event of a client, and its disposal, must not reach the next test. */
  const goodbye = (): Promise<boolean> =>
    vi.waitUntil(() => steps.at(-2) === 'disconnected' && steps.at(-1) === 'disposed');

  describe.each(['shared', 'scoped', 'sealed'])('a hub that is %s', (hub) => {
    test('[classic 171] each call and event has an object of its own, disposed once', async () => {
      const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: [hub] });
      expect(steps).toEqual(['connected', 'disposed']);
      for (const method of ['work', 'atOnce']) {
        expect(await client.invoke(hub, method)).toMatchObject({ R: 'done' });
      }
      await client.invoke(hub, 'fail');
      expect(steps.slice(2)).toEqual(['working', 'disposed', 'working', 'disposed', 'failing', 'disposed']);
      expect(objects.size).toBe(4);
      await client.abort();
      await goodbye();
    });

    test('a stream is over before its hub is disposed', async () => {
      const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: [hub] });
      steps = [];
      expect(await client.invoke(hub, 'stream')).toMatchObject({ R: 1 });
      expect(steps).toEqual(['streamed', 'disposed']);
      await client.abort();
      await goodbye();
    });

    test('the same for Core clients', async () => {
      const client = await RawCoreClient.connect(`${app.url}/signalr/${hub}`);
      client.send({ type: 1, invocationId: '1', target: 'work', arguments: [] });
      expect(await client.next('the completion')).toMatchObject({ result: 'done' });
      expect(steps).toEqual(['connected', 'disposed', 'working', 'disposed']);
      client.close();
      await goodbye();
    });
  });

  test('a failure to dispose is logged and harms no call', async () => {
    const client = await RawClassicClient.connect(`${app.url}/signalr`, { hubs: ['clumsy'] });
    expect(await client.invoke('clumsy', 'work')).toMatchObject({ R: 'done' });
    await client.abort();
  });
});
