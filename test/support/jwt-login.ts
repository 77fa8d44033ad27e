import type { IncomingMessage } from 'node:http';

import { Injectable, Module, UseGuards } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';

import type { TestApp } from './app.js';
import type { CoreTransportName } from './core-lines.js';

const SECRET = 'the secret of the tokens';

/** The strategy of the Nest guide, word for word. */
@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: SECRET });
  }

  validate({ sub, username }: { sub: string; username: string }): unknown {
    return { userId: sub, username };
  }
}

@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {}

@Hub('secured')
@UseGuards(JwtAuthGuard)
export class SecuredHub extends SignalRHub {
  @HubMethod()
  who(): unknown {
    return this.context.user;
  }
}

/** Passport with JWT, and the service that signs tokens. */
@Module({
  imports: [PassportModule, JwtModule.register({ secret: SECRET, signOptions: { expiresIn: '1h' } })],
  providers: [JwtStrategy],
  exports: [JwtModule],
})
export class AuthModule {}

/** What a token of Ann says, and the user that it makes. */
export const ANN_CLAIMS = { sub: 'a1', username: 'ann' };
export const ANN = { userId: 'a1', username: 'ann' };

/** Where a request has its token. */
export type TokenPlace = 'header' | 'query' | 'nowhere';

const withoutSocket = {
  ServerSentEvents: { 'POST negotiate': 'header', 'GET stream': 'query', 'POST send': 'header' },
  LongPolling: {
    'POST negotiate': 'header',
    'GET poll': 'header',
    'POST send': 'header',
    'DELETE leave': 'header',
  },
} as const;

/** Where the JavaScript client puts the token of each of its requests (signalr-core §10.2). */
export const tokenPlaces: Readonly<
  Record<'browser' | 'Node', Record<CoreTransportName, Readonly<Record<string, TokenPlace>>>>
> = {
  browser: { WebSockets: { 'POST negotiate': 'header', upgrade: 'query' }, ...withoutSocket },
  Node: { WebSockets: { 'POST negotiate': 'header', upgrade: 'header' }, ...withoutSocket },
};

/** Writes down where each kind of request of hubs has its token. */
export function watchTokens({ app }: Pick<TestApp, 'app'>): Record<string, TokenPlace> {
  const places: Record<string, TokenPlace> = {};
  const watch = (request: IncomingMessage): void => {
    const { method, url = '', headers } = request;
    if (url.startsWith('/signalr/') && method !== 'OPTIONS') {
      places[kindOf(request)] =
        headers.authorization !== undefined
          ? 'header'
          : new URLSearchParams(url.split('?')[1]).has('access_token')
            ? 'query'
            : 'nowhere';
    }
  };
  const server = app.getHttpServer() as { prependListener(event: string, listener: typeof watch): void };
  // The library puts a token of the query where headers are: this has to look first.
  server.prependListener('request', watch);
  server.prependListener('upgrade', watch);
  return places;
}

function kindOf({ method, url = '', headers }: IncomingMessage): string {
  if (headers.upgrade !== undefined) {
    return 'upgrade';
  }
  if (method === 'POST') {
    return url.includes('/negotiate') ? 'POST negotiate' : 'POST send';
  }
  return method === 'DELETE'
    ? 'DELETE leave'
    : headers.accept === 'text/event-stream'
      ? 'GET stream'
      : 'GET poll';
}
