import { createHash } from 'node:crypto';
import type { Observable } from 'rxjs';
import {
  Hub,
  HubException,
  HubMethod,
  HubProgress,
  HubStream,
  type IProgress,
  SignalRHub,
} from 'nestjs-signalr';
import { Sensor } from './sensor.js';

interface LabClient {
  /** How many bytes of the upload have arrived. */
  received(bytes: number): void;
  /** Asks whoever sits there. */
  confirm(question: string): Promise<boolean>;
}

const FASTEST = 20;
const LARGEST = 4_194_304;

@Hub('lab')
export class LabHub extends SignalRHub<LabClient> {
  constructor(private readonly sensor: Sensor) {
    super();
  }

  /** A stream for Core clients; classic ones get the values as progress. It ends when nobody listens any more. */
  @HubMethod()
  watch(interval: number): Observable<number> {
    return this.sensor.watch(Math.max(FASTEST, Number(interval) || FASTEST));
  }

  @HubMethod()
  watchers(): number {
    return this.sensor.watchers;
  }

  /** A file in pieces of base64. The client is held up while the pieces are not read. */
  @HubMethod()
  async upload(name: string, @HubStream() pieces: AsyncIterable<string>): Promise<string> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of pieces) {
      const data = Buffer.from(piece, 'base64');
      bytes += data.byteLength;
      if (bytes > LARGEST) {
        throw new HubException(`${name} is larger than ${LARGEST} bytes.`);
      }
      hash.update(data);
      await this.clients.caller.received(bytes);
    }
    return hash.digest('hex');
  }

  /** Waits for what the client answers. Its other calls go on meanwhile. */
  @HubMethod()
  async reset(): Promise<string> {
    const isSure = await this.clients.caller.invoke('confirm', 'Reset the lab?');
    return isSure ? 'The lab was reset.' : 'Nothing was done.';
  }

  /** Progress is what classic clients have in place of streams. */
  @HubMethod()
  async calibrate(steps: number, @HubProgress() progress: IProgress<number>): Promise<string> {
    for (let step = 1; step <= steps; step++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await progress.report(step / steps);
    }
    return 'Calibrated.';
  }
}
