import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import { platforms, startApp } from '../support/app.js';
import { RawClassicClient } from '../support/classic-client.js';
import { RawCoreClient } from '../support/core-client.js';
import { http } from '../support/http.js';

@Hub()
class TargetHub extends SignalRHub {
  @HubMethod()
  echo(value: unknown): unknown {
    return value;
  }
}

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);

/** Some of any kind, the same for the same seed. */
function some<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed });
}

const garbage = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.json());

describe.each(platforms)(`garbage on %s (FUZZ_SEED=${seed})`, (platform) => {
  test('[core 190] the process lives on, and others are served', async () => {
    const app = await startApp({ platform, hubs: [TargetHub] });
    const classicUrl = `${app.url}/signalr`;
    const coreUrl = `${classicUrl}/targetHub`;

    const pathText = fc.stringMatching(/^[!-~]{0,40}$/).map((text) => text.replaceAll('#', ''));
    for (const [method, text] of some(
      fc.tuple(fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'), pathText),
      150,
    )) {
      for (const url of [`${classicUrl}/${text}`, `${classicUrl}/connect?${text}`, `${coreUrl}?id=${text}`]) {
        const { status } = await http(method, url);
        expect(status, `${method} ${url}`).toBeGreaterThanOrEqual(200);
      }
    }

    const classic = await RawClassicClient.connect(classicUrl, { hubs: ['TargetHub'] });
    for (const message of some(garbage, 400)) {
      classic.socket.send(message);
    }
    expect((await classic.invoke('TargetHub', 'echo', 'still here')).R).toBe('still here');

    for (const message of some(garbage, 150)) {
      const victim = await RawCoreClient.connect(coreUrl);
      victim.socket.send(`${message}\u001e`);
      victim.socket.send(message);
      victim.socket.destroy();
    }
    const core = await RawCoreClient.connect(coreUrl);
    expect((await core.invoke('echo', 'me too')).result).toBe('me too');

    await app.close();
    expect(app.logged).toEqual([]);
  });
});
