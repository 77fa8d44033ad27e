import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { AppProcess } from './farm/app-process.js';
import { handleControl } from './farm/control.js';
import { Farm } from './farm/farm.js';
import { startRedis } from './farm/redis-server.js';
import { RoundRobinProxy } from './farm/round-robin-proxy.js';

const { values } = parseArgs({ options: { 'restart-every': { type: 'string' } } });
const restartEvery = Number(values['restart-every'] ?? 0);

const redis = await startRedis(process.env.REDIS_URL);
// Whatever one node has handed out, such as the token of a connection, every other one must be able to read.
const shared = { REDIS_URL: redis.url, SIGNALR_SECRET: randomBytes(32).toString('base64') };

const farm = new Farm(['A', 'B', 'C'], shared);
const [sender] = await Promise.all([AppProcess.start('sender', shared), farm.start()]);

const proxy = new RoundRobinProxy(() => farm.ports);
const server = createServer((request, response) => {
  if (!handleControl(farm, request, response)) {
    void proxy.pass(request, response);
  }
});
server.on('upgrade', (request, socket, head) => void proxy.passUpgrade(request, socket, head));
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
await once(server, 'listening');
console.log(`Open http://127.0.0.1:${(server.address() as AddressInfo).port}`);

if (restartEvery > 0) {
  setInterval(() => void farm.restartNext(), restartEvery * 1_000);
}

const stop = async (): Promise<void> => {
  await Promise.all([sender.stop(), farm.stop()]);
  await redis.stop();
  process.exit();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
