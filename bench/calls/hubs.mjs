import {
  Catch,
  createParamDecorator,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { IsString } from 'class-validator';
import { map } from 'rxjs';
import { Hub, HubMethod, HubPipelineModule, SignalRHub, UsePipeline } from 'nestjs-signalr';
import { decorateClass, decorateMethod, decorateParameter, decorateProperty } from '../servers/decorate.mjs';

class Guard {
  canActivate() {
    return true;
  }
}

class AsyncGuard {
  async canActivate() {
    return true;
  }
}

class Pipe {
  /** @param {unknown} value */
  transform(value) {
    return value;
  }
}

class Interceptor {
  /** @param {unknown} _ @param {import('@nestjs/common').CallHandler} next */
  intercept(_, next) {
    return next.handle().pipe(map((value) => value));
  }
}

class Filter {
  catch() {
    return 'never';
  }
}
decorateClass(Filter, Catch(TypeError));

class Text {
  text = '';
}
decorateProperty(Text, 'text', IsString());

class Module extends HubPipelineModule {
  onBeforeIncoming() {
    return true;
  }
}

const Nothing = createParamDecorator(() => 'nothing');

/** What is measured: a hub each, all with the same method. */
export const variants = [
  variant('nothing bound', () => []),
  variant('guard on the class', (hub) => decorateClass(hub, UseGuards(Guard))),
  variant('guard on the method', (hub) => decorateMethod(hub, 'echo', UseGuards(Guard))),
  variant('guard that is asynchronous', (hub) => decorateMethod(hub, 'echo', UseGuards(AsyncGuard))),
  variant('pipe on the method', (hub) => decorateMethod(hub, 'echo', UsePipes(Pipe))),
  variant('ValidationPipe with a class', (hub) => {
    Reflect.defineMetadata('design:paramtypes', [Text], hub.prototype, 'echo');
    decorateMethod(hub, 'echo', UsePipes(new ValidationPipe({ transform: true })));
  }),
  variant('interceptor', (hub) => decorateMethod(hub, 'echo', UseInterceptors(Interceptor))),
  variant('exception filter', (hub) => decorateMethod(hub, 'echo', UseFilters(Filter))),
  variant('param decorator', (hub) => {
    hub.prototype.echo = function echo(value, _nothing) {
      return value;
    };
    decorateMethod(hub, 'echo', HubMethod());
    decorateParameter(hub, 'echo', 1, Nothing());
  }),
  variant('pipeline module', (hub) => decorateClass(hub, UsePipeline(new Module()))),
  variant('transient hub', () => [], Scope.TRANSIENT),
  variant('request-scoped hub', () => [], Scope.REQUEST),
];

/**
 * @param {string} title
 * @param {(hub: any) => unknown} bind
 * @param {Scope} [scope]
 */
function variant(title, bind, scope = Scope.DEFAULT) {
  const name = title.replaceAll(/\W+/g, '-');
  class EchoHub extends SignalRHub {
    /** @param {unknown} value */
    echo(value) {
      return value;
    }
  }
  decorateMethod(EchoHub, 'echo', HubMethod());
  bind(EchoHub);
  decorateClass(EchoHub, Hub(name, { scope }));
  return { title, name, hub: EchoHub };
}

for (const type of [Guard, AsyncGuard, Pipe, Interceptor]) {
  decorateClass(type, Injectable());
}
