import { Injectable } from '@nestjs/common';
import { type HubRequest, IUserIdProvider } from 'nestjs-signalr';
import type { Member } from './tokens.js';

/** Users are known by their e-mail address: `clients.user('ann@example.com')`. */
@Injectable()
export class EmailUserIdProvider extends IUserIdProvider {
  override getUserId({ user }: HubRequest): string | undefined {
    return (user as Member | undefined)?.email;
  }
}
