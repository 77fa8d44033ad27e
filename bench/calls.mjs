/**
 * What a call costs on its way from the bytes of a client to the bytes of the answer, and what each enhancer adds. There is no
 * network in it: `npm run bench -- …` measures that.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SignalRModule } from 'nestjs-signalr';
import { createTestClient } from 'nestjs-signalr/testing';
import { HubCatalog } from '../dist/hubs/hub-catalog.js';
import { SignalRServer } from '../dist/nest/signalr.server.js';
import { SERVER_OPTIONS } from '../dist/nest/signalr.tokens.js';
import { families } from './calls/families.mjs';
import { variants } from './calls/hubs.mjs';
import { environment, environmentLine } from './runner/environment.mjs';
import { median } from './runner/statistics.mjs';
import { decorateClass } from './servers/decorate.mjs';

const isQuick = process.argv.includes('--quick');
const ROUNDS = isQuick ? 2 : 9;
const CALLS = isQuick ? 500 : 20_000;
/** Nothing bound may cost so much more than a direct call. */
const GOAL = 1.3;

class AppModule {}
decorateClass(
  AppModule,
  Module({ imports: [SignalRModule.forRoot()], providers: variants.map(({ hub }) => hub) }),
);
const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.init();

const server = app.get(SignalRServer, { strict: false });
const parts = {
  invoker: server.invoker,
  catalog: app.get(HubCatalog, { strict: false }),
  options: app.get(SERVER_OPTIONS, { strict: false }),
};

const rows = [];
for (const family of families(parts)) {
  const client = await createTestClient(app, variants[0].hub, { protocol: family.name });
  const [connection] = server.registry;
  const entrants = [
    { title: 'direct call', run: family.direct() },
    ...variants.map(({ title, name }) => ({
      title,
      run: family.through(parts.catalog.get(name), connection),
    })),
  ];
  const costs = entrants.map(() => []);
  for (const { run } of entrants) {
    await measure(run, CALLS);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { run }] of entrants.entries()) {
      costs[index].push(await measure(run, CALLS));
    }
  }
  for (const [index, { title }] of entrants.entries()) {
    const ratios = costs[index].map((cost, round) => cost / costs[0][round]);
    rows.push({ family: family.name, title, micros: median(costs[index]), ratio: median(ratios) });
  }
  await client.close();
}
await app.close();

console.log(`${environmentLine(environment(false))}\n`);
console.log('| A call with | core, µs | ratio | classic, µs | ratio |\n|---|---|---|---|---|');
for (const { title } of rows.filter(({ family }) => family === 'core')) {
  const cells = ['core', 'classic'].map((family) => {
    const row = rows.find((each) => each.family === family && each.title === title);
    return `${row.micros.toFixed(2)} | ${row.ratio.toFixed(2)}`;
  });
  console.log(`| ${title} | ${cells.join(' | ')} |`);
}
const bare = rows.filter(({ title }) => title === 'nothing bound');
const isMet = isQuick || bare.every(({ ratio }) => ratio <= GOAL);
console.log(
  `\nnothing bound: ${bare.map(({ family, ratio }) => `${family} ${ratio.toFixed(2)}`).join(', ')}; goal ${GOAL}`,
);
process.exit(isMet ? 0 : 1);

/** CPU time per call in microseconds. @param {() => unknown} run @param {number} calls */
async function measure(run, calls) {
  const begin = process.cpuUsage();
  for (let call = 0; call < calls; call++) {
    const answer = run();
    if (answer instanceof Promise) {
      await answer;
    }
  }
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / calls;
}
