import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type IHubContext, InjectHubContext } from 'nestjs-signalr';
import type { Subscription } from 'rxjs';
import { ChatHub } from './chat.hub.js';
import { ChatRoom } from './chat-room.js';
import type { Announcement } from './chat.types.js';

/** Tells every client who comes and goes: a service that reaches the clients of a hub from outside of any call. */
@Injectable()
export class Announcer implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(Announcer.name);
  private subscription?: Subscription;

  constructor(
    private readonly room: ChatRoom,
    @InjectHubContext(ChatHub) private readonly chat: IHubContext<ChatHub>,
  ) {}

  onModuleInit(): void {
    this.subscription = this.room.announcements.subscribe((announcement) => void this.announce(announcement));
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  private async announce(announcement: Announcement): Promise<void> {
    this.logger.log(`${announcement.name} ${announcement.kind}`);
    try {
      await this.chat.clients.all.announce(announcement);
    } catch (error) {
      this.logger.error('An announcement could not be sent', error);
    }
  }
}
