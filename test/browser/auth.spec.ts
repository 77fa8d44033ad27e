import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { launchChromium, openPage } from '../support/browser.js';
import { missing } from '../support/requirements.js';
import { type RunningSample, startSample } from '../support/sample.js';

const families = ['classic', 'core'] as const;
type Family = (typeof families)[number];

/** What browsers themselves report of refused requests. */
const REFUSED =
  /401 \(Unauthorized\)|HTTP Authentication failed|Failed to complete negotiation|Failed to start the connection/;

describe.skipIf(missing('chromium'))('sample 04-auth', () => {
  let lasting: RunningSample;
  let hasty: RunningSample;
  let browser: Browser;
  let complaints: string[];

  beforeAll(async () => {
    [lasting, hasty, browser] = await Promise.all([
      startSample('04-auth', { TOKEN_LIFETIME: '600' }),
      startSample('04-auth', { TOKEN_LIFETIME: '3' }),
      launchChromium(),
    ]);
  });

  afterAll(async () => {
    await browser?.close();
    lasting?.stop();
    hasty?.stop();
  });

  beforeEach(() => {
    complaints = [];
  });

  afterEach(() => {
    expect(complaints.filter((complaint) => !REFUSED.test(complaint))).toEqual([]);
  });

  const open = (family: Family, sample = lasting): Promise<Page> =>
    openPage(browser, complaints, `${sample.url}?client=${family}`);

  async function signIn(page: Page, name: string, password: string): Promise<void> {
    await page
      .locator('.login select')
      .selectOption({ label: `${name} (${name.toLowerCase()}@example.com)` });
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function enter(family: Family, name: string, password: string, sample = lasting): Promise<Page> {
    const page = await open(family, sample);
    await signIn(page, name, password);
    await page.locator('.member', { hasText: name }).waitFor();
    return page;
  }

  async function send(page: Page, to: string, text: string): Promise<void> {
    await page.locator('.compose select').selectOption({ label: to });
    await page.getByLabel('Text').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  }

  const post = (operation: string, body?: object): Promise<Response> =>
    fetch(`${lasting.url}/auth/${operation}`, {
      method: 'POST',
      ...(body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    });

  const negotiate = (token: string): Promise<Response> =>
    fetch(`${lasting.url}/signalr/mail/negotiate?negotiateVersion=1`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
    });

  const inbox = (page: Page): Promise<string[]> => page.locator('.inbox li').allTextContents();

  test.each(families)('nobody gets in without a token or with a wrong password: %s', async (family) => {
    const page = await open(family);
    await signIn(page, 'Ann', 'wrong');
    await page.locator('.error', { hasText: 'Wrong address or password.' }).waitFor();
    await page.getByRole('button', { name: 'Connect without a token' }).click();
    await page.locator('.error', { hasText: /401|Unauthorized|Error during negotiation/ }).waitFor();
    await page.locator('.state[data-state="disconnected"]').waitFor();
    expect(await page.locator('.member').textContent()).toBe('');
    // Who was refused can still sign in.
    await signIn(page, 'Ann', 'apple');
    await page.locator('.member', { hasText: 'Ann' }).waitFor();
    await page.close();
  });

  test.each([
    ['login', undefined, 'Wrong address or password.'],
    ['login', { email: 'ann@example.com' }, 'Wrong address or password.'],
    ['refresh', undefined, 'Please sign in again.'],
    ['refresh', { refreshToken: 'made up' }, 'Please sign in again.'],
  ])('%s with %j is refused', async (operation, body, message) => {
    const answer = await post(operation, body);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ message });
  });

  test('neither token does the work of the other', async () => {
    const signedIn = await post('login', { email: 'ann@example.com', password: 'apple' });
    const tokens = (await signedIn.json()) as { accessToken: string; refreshToken: string };
    const { accessToken, refreshToken } = tokens;
    expect((await post('refresh', { refreshToken: accessToken })).status).toBe(401);
    expect((await post('refresh', { refreshToken })).status).toBe(200);
    expect((await negotiate(refreshToken)).status).toBe(401);
    expect((await negotiate(accessToken)).status).toBe(200);
  });

  test('mail reaches a user on every connection, whatever the client', async () => {
    const [ann, bob, bobToo] = [
      await enter('classic', 'Ann', 'apple'),
      await enter('core', 'Bob', 'banana'),
      await enter('classic', 'Bob', 'banana'),
    ];
    await send(ann, 'Bob (bob@example.com)', 'hello Bob');
    await expect.poll(() => inbox(bob)).toEqual(['Ann <ann@example.com>hello Bob']);
    await expect.poll(() => inbox(bobToo)).toEqual(['Ann <ann@example.com>hello Bob']);
    await send(bob, 'Ann (ann@example.com)', 'hello <b>Ann</b>');
    await expect.poll(() => inbox(ann)).toEqual(['Bob <bob@example.com>hello <b>Ann</b>']);
    expect(await inbox(bob)).toHaveLength(1);
    await Promise.all([ann, bob, bobToo].map((page) => page.close()));
  });

  test.each(families)('a token expires, and the %s client comes back with a new one', async (family) => {
    const page = await enter(family, 'Cleo', 'cherry', hasty);
    await page.locator('.events li', { hasText: 'The token has expired.' }).first().waitFor();
    await page.locator('.events li', { hasText: 'Got a new token.' }).first().waitFor();
    // The second greeting is that of the second connection.
    await expect
      .poll(() => page.locator('.events li', { hasText: 'Connected with a token of Cleo.' }).count(), {
        timeout: 20_000,
      })
      .toBeGreaterThan(1);
    await page.locator('.state[data-state="connected"]').waitFor();
    await send(page, 'Cleo (cleo@example.com)', 'still here');
    await expect.poll(async () => (await inbox(page)).length).toBe(1);
    await page.close();
  });

  test('a classic connection outlives its token, but may not act with it', async () => {
    const page = await open('classic', hasty);
    // No new token is to be had.
    await page.route('**/auth/refresh', (route) =>
      route.fulfill({ status: 401, json: { message: 'Please sign in again.' } }),
    );
    await signIn(page, 'Cleo', 'cherry');
    await page.locator('.member', { hasText: 'Cleo' }).waitFor();
    await page.locator('.error', { hasText: 'Please sign in again.' }).waitFor();
    await page.locator('.state[data-state="connected"]').waitFor();
    await send(page, 'Cleo (cleo@example.com)', 'too late');
    await page.locator('.error', { hasText: 'Your token has expired.' }).waitFor();
    expect(await inbox(page)).toEqual([]);
    await page.close();
  });
});
