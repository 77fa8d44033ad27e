import type { SignalRModuleOptions } from 'nestjs-signalr';
import { redisBackplane } from 'nestjs-signalr/redis';

/** What all processes have to agree on: the key of tokens, and where messages go. */
export const signalROptions: SignalRModuleOptions = {
  secret: process.env.SIGNALR_SECRET,
  backplane: redisBackplane({ url: process.env.REDIS_URL, keyPrefix: 'scale-out' }),
};
