import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  type Type,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { SignalRExecutionContext } from 'nestjs-signalr';

/** The dimensions of the matrix. */
export const kinds = ['guards', 'pipes', 'interceptors', 'filters', 'param decorators'] as const;
export const bindings = ['class', 'method', 'global'] as const;
export const scopes = ['static', 'request', 'transient'] as const;
export const phases = ['call', 'stream', 'connect'] as const;

export type Kind = (typeof kinds)[number];
export type Binding = (typeof bindings)[number];
export type ScopeName = (typeof scopes)[number];
export type Phase = (typeof phases)[number];

/** An enhancer has run. */
export interface Run {
  readonly tag: string;
  readonly instance: object;
}

/** What has run since a test has last looked. */
export const runs: Run[] = [];

/** What stands for an enhancer in commands and results. */
export const tagOf = (kind: Kind, binding: Binding, scope: ScopeName): string =>
  `${kind}/${binding}/${scope}`;

const SCOPES: Readonly<Record<ScopeName, Scope>> = {
  static: Scope.DEFAULT,
  request: Scope.REQUEST,
  transient: Scope.TRANSIENT,
};

const note = (tag: string, instance: object): void => {
  runs.push({ tag, instance });
};

/** Refuses a call whose command says so, and a client that says so in its query. */
export function guard(binding: Binding, scope: ScopeName): Type<CanActivate> {
  const tag = tagOf('guards', binding, scope);
  @Injectable({ scope: SCOPES[scope] })
  class MatrixGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      note(tag, this);
      const { isCall, args } = SignalRExecutionContext.create(context);
      const command = isCall
        ? args[0]
        : new URLSearchParams(context.switchToHttp().getRequest<{ url: string }>().url.split('?')[1]).get(
            'command',
          );
      return command !== `refuse ${tag}`;
    }
  }
  return MatrixGuard;
}

/** Adds its tag to the argument. */
export function pipe(binding: Binding, scope: ScopeName): Type<PipeTransform> {
  const tag = tagOf('pipes', binding, scope);
  @Injectable({ scope: SCOPES[scope] })
  class MatrixPipe implements PipeTransform {
    transform(value: unknown, { type }: ArgumentMetadata): unknown {
      // Values of param decorators go through pipes as well.
      if (type !== 'body') {
        return value;
      }
      note(tag, this);
      return `${String(value)}|${tag}`;
    }
  }
  return MatrixPipe;
}

/** Adds its tag to the result, or to each item of a stream. */
export function interceptor(binding: Binding, scope: ScopeName): Type<NestInterceptor> {
  const tag = tagOf('interceptors', binding, scope);
  @Injectable({ scope: SCOPES[scope] })
  class MatrixInterceptor implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      note(tag, this);
      return next.handle().pipe(map((value) => `${String(value)}|${tag}`));
    }
  }
  return MatrixInterceptor;
}

const errors = new Map<string, Type<Error>>();

/** Answers for errors of its own kind. */
export function filter(binding: Binding, scope: ScopeName): Type<ExceptionFilter> {
  const tag = tagOf('filters', binding, scope);
  const MatrixError = errors.get(tag) ?? class extends Error {};
  errors.set(tag, MatrixError);
  @Catch(MatrixError)
  @Injectable({ scope: SCOPES[scope] })
  class MatrixFilter implements ExceptionFilter {
    catch(): string {
      note(tag, this);
      return `handled by ${tag}`;
    }
  }
  return MatrixFilter;
}

const DECORATOR = tagOf('param decorators', 'method', 'static');
const decorator = {};

/** Gives a parameter its tag. */
export const Mark = createParamDecorator(() => {
  note(DECORATOR, decorator);
  return DECORATOR;
});

/** Fails as a command says. */
export function obey(command: string): void {
  const [verb, ...rest] = (command.split('|')[0] as string).split(' ');
  const MatrixError = errors.get(rest.join(' '));
  if (verb === 'throw' && MatrixError !== undefined) {
    throw new MatrixError(command);
  }
}
