import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { map, type Observable } from 'rxjs';

/** An ordinary interceptor, which would do the same for a controller: says how long it took. */
@Injectable()
export class TimingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler<object>): Observable<object> {
    const began = performance.now();
    return next.handle().pipe(map((result) => ({ ...result, took: performance.now() - began })));
  }
}
