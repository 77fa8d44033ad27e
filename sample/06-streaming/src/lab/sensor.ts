import { Injectable } from '@nestjs/common';
import { finalize, map, type Observable, timer } from 'rxjs';

/** Something that measures, for as long as anybody looks. */
@Injectable()
export class Sensor {
  private watching = 0;

  get watchers(): number {
    return this.watching;
  }

  /** A value between 0 and 1 every so many milliseconds. */
  watch(interval: number): Observable<number> {
    this.watching++;
    return timer(0, interval).pipe(
      map((tick) => 0.5 + 0.35 * Math.sin(tick / 6) + 0.1 * Math.sin(tick / 1.7)),
      finalize(() => this.watching--),
    );
  }
}
