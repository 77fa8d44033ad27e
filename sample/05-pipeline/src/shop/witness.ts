import { Injectable } from '@nestjs/common';
import { HubContextRegistry } from 'nestjs-signalr';

/** Tells the page what modules have seen. */
@Injectable()
export class Witness {
  constructor(private readonly contexts: HubContextRegistry) {}

  tell(line: string): void {
    void this.contexts.get('shop').clients.all.invoke('witness', line);
  }
}
