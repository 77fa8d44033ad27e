import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, INQUIRER, Reflector, REQUEST } from '@nestjs/core';
import { ConnectedSocket, MessageBody, WsException } from '@nestjs/websockets';
import { IsInt, IsString, Max } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  Hub,
  HubCallerContext,
  HubException,
  HubMethod,
  SignalRExecutionContext,
  SignalRHub,
} from 'nestjs-signalr';

import { type AppOptions, platforms, startApp, type TestApp } from '../../support/app.js';
import { RawClassicClient } from '../../support/classic-client.js';
import { type CoreFrame, RawCoreClient } from '../../support/core-client.js';

/** Refuses methods that need a role the caller does not claim; written for calls and for connecting alike. */
@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.getAllAndOverride<string | undefined>('role', [
      context.getHandler(),
      context.getClass(),
    ]);
    const { query, url } = context
      .switchToHttp()
      .getRequest<{ query?: Record<string, string>; url: string }>();
    const claimed = query?.['role'] ?? new URLSearchParams(url.split('?')[1]).get('role');
    return role === undefined || claimed === role;
  }
}

@Injectable()
class Trace implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { call } = SignalRExecutionContext.create(context);
    return next
      .handle()
      .pipe(map((result) => `${context.getType()}:${call.method?.name}(${String(result)})`));
  }
}

class Brackets implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((result) => `[${String(result)}]`));
  }
}

const Caller = createParamDecorator((member: 'protocol' | 'connectionId', context: ExecutionContext) => {
  const { caller } = SignalRExecutionContext.create(context);
  return caller[member];
});

const Pattern = createParamDecorator((_: unknown, context: ExecutionContext) =>
  context.switchToWs().getPattern(),
);

class Order {
  @IsString()
  name!: string;

  @IsInt()
  @Max(10)
  count!: number;
}

@Catch(WsException)
class RethrowFilter implements ExceptionFilter {
  catch(error: WsException): never {
    throw new HubException(`filtered: ${error.message}`);
  }
}

@Catch()
class AnswerFilter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): string {
    return `instead of ${error.message} for ${host.getArgByIndex<HubCallerContext>(0).protocol}`;
  }
}

@Catch()
class GlobalFilter implements ExceptionFilter {
  catch(error: Error): string {
    return `globally instead of ${error.message}`;
  }
}

@Injectable()
class ShoutPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

@Hub()
class EnhancedHub extends SignalRHub {
  private touched = 0;

  @HubMethod()
  plain(text: string): string {
    return text;
  }

  @HubMethod()
  @SetMetadata('role', 'admin')
  @UseGuards(RolesGuard)
  forAdmins(): string {
    return 'admin';
  }

  @HubMethod()
  @UseInterceptors(Trace, Brackets)
  traced(text: string): string {
    return text;
  }

  @HubMethod()
  mixed(
    @Caller('protocol') protocol: string,
    first: string,
    @Pattern() pattern: string,
    second: string,
  ): string {
    return [protocol, first, pattern, second].join(' ');
  }

  @HubMethod()
  sockets(@ConnectedSocket() caller: HubCallerContext, @MessageBody(ParseIntPipe) value: number): unknown {
    return [caller instanceof HubCallerContext, value];
  }

  @HubMethod()
  member(@MessageBody('name') name: string): string {
    return name;
  }

  @HubMethod()
  @UsePipes(new ValidationPipe({ transform: true }))
  place(order: Order): unknown {
    return [order instanceof Order, order.name];
  }

  @HubMethod()
  @UsePipes(ShoutPipe)
  shout(first: string, ...rest: string[]): string {
    return [first, ...rest].join(' ');
  }

  @HubMethod()
  @UseFilters(RethrowFilter)
  rethrown(): never {
    throw new HubException('the original');
  }

  @HubMethod()
  @UseFilters(AnswerFilter)
  answered(): never {
    throw new Error('failure');
  }

  @HubMethod()
  failing(): never {
    throw new Error('failure');
  }

  @HubMethod()
  touch(): number {
    this.touched += 1;
    return this.touched;
  }

  @HubMethod()
  greet(name = 'you', ...more: string[]): string {
    return `hello ${[name, ...more].join(', ')}`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class CallDetails {
  constructor(@Inject(REQUEST) readonly request: HubCallerContext) {}
}

@Hub()
class RequestHub extends SignalRHub {
  private readonly id = Math.random();

  constructor(private readonly details: CallDetails) {
    super();
  }

  @HubMethod()
  details_(): unknown {
    const { request } = this.details;
    return [request.connectionId === this.context.connectionId, request.headers['x-tenant'], this.id];
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Inquirer {
  constructor(@Inject(INQUIRER) readonly host: object) {}
}

@Hub(undefined, { scope: Scope.TRANSIENT })
class TransientHub extends SignalRHub {
  private calls = 0;

  constructor(private readonly inquirer: Inquirer) {
    super();
  }

  @HubMethod()
  host(): unknown {
    this.calls += 1;
    return [this.inquirer.host.constructor.name, this.calls];
  }
}

@Hub()
class PrivateHub extends SignalRHub {
  #calls = 0;

  @HubMethod()
  next(): number {
    this.#calls += 1;
    return this.#calls;
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}

  canActivate(): boolean {
    return this.request.headers['x-pass'] === 'yes';
  }
}

describe.each(platforms)('enhancers of hub methods on %s', (platform) => {
  const apps: TestApp[] = [];

  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function start(options: Partial<AppOptions> = {}): Promise<TestApp> {
    const app = await startApp({ platform, hubs: [EnhancedHub], ...options });
    apps.push(app);
    return app;
  }

  async function connect(
    options: Partial<AppOptions> = {},
    query = '',
    headers: Record<string, string> = {},
    hub = 'enhancedHub',
  ): Promise<RawCoreClient> {
    const { url } = await start(options);
    const client = await RawCoreClient.openDirectly(`${url}/signalr/${hub}${query}`, headers);
    await client.shakeHands();
    return client;
  }

  const outcome = ({ result, error }: CoreFrame): unknown => result ?? error;

  test('a guard reads metadata of the method, and the caller', async () => {
    const guest = await connect();
    expect(outcome(await guest.invoke('forAdmins'))).toBe(
      `Failed to invoke 'forAdmins' because user is unauthorized`,
    );
    const admin = await connect({}, '?role=admin');
    expect(outcome(await admin.invoke('forAdmins'))).toBe('admin');
  });

  test('[classic 196] to a classic client a refusal is an error like any other', async () => {
    for (const [enableDetailedErrors, text] of [
      [false, `There was an error invoking Hub method 'enhancedhub.forAdmins'.`],
      [true, 'Caller is not authorized to invoke the forAdmins method on EnhancedHub.'],
    ] as const) {
      const { url } = await start({ signalr: { classic: { enableDetailedErrors } } });
      const client = await RawClassicClient.connect(`${url}/signalr`, { hubs: ['EnhancedHub'] });
      expect((await client.invoke('enhancedhub', 'forAdmins')).E).toBe(text);
    }
  });

  test('interceptors wrap the result, the first outermost', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('traced', 'x'))).toBe('signalr:traced([x])');
  });

  test('decorated parameters take no argument of the client', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('mixed', 'one', 'two'))).toBe('core one mixed two');
    expect(outcome(await client.invoke('mixed', 'one', 'two', 'three'))).toBe(
      `Failed to invoke 'mixed' due to an error on the server.`,
    );
  });

  test('decorators of gateways are understood', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('sockets', '7'))).toEqual([true, 7]);
    expect(outcome(await client.invoke('member', { name: 'ann' }))).toBe('ann');
  });

  test('ValidationPipe checks an undecorated parameter', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('place', { name: 'tea', count: 2 }))).toEqual([true, 'tea']);
    expect(outcome(await client.invoke('place', { name: 'tea', count: 11 }))).toContain(
      `The argument 'order' of EnhancedHub.place is not valid: count must not be greater than 10.`,
    );
  });

  test('pipes see every argument that has a parameter', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('shout', 'a', 'b', 'c'))).toBe('A b c');
  });

  test('a filter may throw another error, or answer', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('rethrown'))).toBe(
      `An unexpected error occurred invoking 'rethrown' on the server. HubException: filtered: the original`,
    );
    expect(outcome(await client.invoke('answered'))).toBe('instead of failure for core');
  });

  test('global enhancers apply, filters only if asked for', async () => {
    const providers = [
      { provide: APP_INTERCEPTOR, useClass: Brackets },
      { provide: APP_PIPE, useClass: ShoutPipe },
      { provide: APP_GUARD, useClass: RolesGuard },
      { provide: APP_FILTER, useClass: GlobalFilter },
    ];
    const client = await connect({ providers });
    expect(outcome(await client.invoke('plain', 'x'))).toBe('[X]');
    expect(outcome(await client.invoke('forAdmins'))).toContain('unauthorized');
    expect(outcome(await client.invoke('failing'))).toContain('An unexpected error occurred');
    const asked = await connect({ providers, signalr: { useGlobalFilters: true } });
    expect(outcome(await asked.invoke('failing'))).toBe('globally instead of failure');
  });

  test('useGlobal… of the application applies as well', async () => {
    const client = await connect({
      configure: (app) => app.useGlobalInterceptors(new Brackets()).useGlobalPipes(new ShoutPipe()),
    });
    expect(outcome(await client.invoke('plain', 'x'))).toBe('[X]');
  });

  test('a request-scoped global guard is never skipped', async () => {
    const providers = [{ provide: APP_GUARD, useClass: ScopedGuard, scope: Scope.REQUEST }];
    const { url } = await start({ providers });
    await expect(RawCoreClient.openDirectly(`${url}/signalr/enhancedHub`)).rejects.toThrow('401');
    const client = await RawCoreClient.openDirectly(`${url}/signalr/enhancedHub`, { 'X-Pass': 'yes' });
    await client.shakeHands();
    expect(outcome(await client.invoke('plain', 'x'))).toBe('x');
  });

  test('fields of a hub belong to the call', async () => {
    const client = await connect();
    expect([(await client.invoke('touch')).result, (await client.invoke('touch')).result]).toEqual([1, 1]);
  });

  test('defaults and rest parameters', async () => {
    const client = await connect();
    expect(outcome(await client.invoke('greet'))).toBe('hello you');
    expect(outcome(await client.invoke('greet', 'ann', 'bob', 'kim'))).toBe('hello ann, bob, kim');
  });

  test('[core 161] a request-scoped hub, and what it injects, are made for the call', async () => {
    const options = { hubs: [RequestHub], providers: [CallDetails] };
    const client = await connect(options, '', { 'X-Tenant': 'blue' }, 'requestHub');
    const first = (await client.invoke('details_')).result as unknown[];
    const second = (await client.invoke('details_')).result as unknown[];
    expect(first.slice(0, 2)).toEqual([true, 'blue']);
    expect(second[2]).not.toBe(first[2]);
  });

  test('a transient hub is made for the call', async () => {
    const options = { hubs: [TransientHub], providers: [Inquirer] };
    const client = await connect(options, '', {}, 'transientHub');
    for (let round = 0; round < 2; round++) {
      expect((await client.invoke('host')).result).toEqual(['TransientHub', 1]);
    }
  });

  test('a hub with #private members is made for the call, and the log says what that costs', async () => {
    const app = await start({ hubs: [PrivateHub] });
    const client = await RawCoreClient.connect(`${app.url}/signalr/privateHub`);
    expect([(await client.invoke('next')).result, (await client.invoke('next')).result]).toEqual([1, 1]);
    expect(app.logged.join()).toContain('#private');
  });

  test('an error nobody meant for the client is logged once, with its stack', async () => {
    const app = await start();
    const client = await RawCoreClient.connect(`${app.url}/signalr/enhancedHub`);
    await client.invoke('failing');
    await client.invoke('rethrown');
    expect(app.logged).toHaveLength(1);
    expect(app.logged[0]).toMatch(
      /EnhancedHub\.failing failed for connection .*Error: failure.*enhancers\.spec/s,
    );
  });

  test('an HTTP exception is no message for the client', async () => {
    class HttpHub extends SignalRHub {
      method(): never {
        throw new BadRequestException('internal detail');
      }
    }
    HubMethod()(
      HttpHub.prototype,
      'method',
      Object.getOwnPropertyDescriptor(HttpHub.prototype, 'method') ?? {},
    );
    Hub('http')(HttpHub);
    const app = await start({ hubs: [HttpHub] });
    const client = await RawCoreClient.connect(`${app.url}/signalr/http`);
    expect(outcome(await client.invoke('method'))).toBe(
      `An unexpected error occurred invoking 'method' on the server.`,
    );
    expect(app.logged.join()).toContain('internal detail');
  });
});
