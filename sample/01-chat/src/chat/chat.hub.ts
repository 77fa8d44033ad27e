import { Hub, HubMethod, SignalRHub } from 'nestjs-signalr';
import { checkMessage, checkName } from './chat.rules.js';
import { ChatRoom } from './chat-room.js';
import type { ChatClient, Participant } from './chat.types.js';

/** One hub for both client families; nothing in it asks which of them is calling. */
@Hub('chatHub')
export class ChatHub extends SignalRHub<ChatClient> {
  constructor(private readonly room: ChatRoom) {
    super();
  }

  override async onConnected(): Promise<void> {
    const { connectionId, transport, protocol } = this.context;
    this.room.open(connectionId);
    await this.clients.caller.welcome({ transport, protocol, history: this.room.history });
    await this.clients.all.connectionCount(this.room.connectionCount);
  }

  override async onDisconnected(stopCalled: boolean): Promise<void> {
    this.room.close(this.context.connectionId, stopCalled ? 'left' : 'lost');
    await this.clients.all.connectionCount(this.room.connectionCount);
  }

  /** Takes part under a name; everybody hears of it from the announcer. */
  @HubMethod()
  join(name: string): Participant {
    return this.room.join(this.context.connectionId, checkName(name));
  }

  @HubMethod()
  async send(message: string): Promise<void> {
    const { connectionId, protocol } = this.context;
    await this.clients.all.addMessage(this.room.say(connectionId, checkMessage(message), protocol));
  }
}
