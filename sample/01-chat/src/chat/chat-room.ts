import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { HubException } from 'nestjs-signalr';
import { Subject } from 'rxjs';
import type { Announcement, ChatMessage, Family, Participant } from './chat.types.js';

const HISTORY_LIMIT = 50;

/**
 * Who is here and what was said. It knows nothing of hubs: a hub object lives for one call, so what has to last is
 * kept in a service, by connection id.
 */
@Injectable()
export class ChatRoom {
  /** Every open connection; its participant from the moment it joins. */
  private readonly connections = new Map<string, Participant | undefined>();
  private readonly messages: ChatMessage[] = [];
  private readonly movements = new Subject<Announcement>();

  /** Who joins and who goes. */
  readonly announcements = this.movements.asObservable();

  get connectionCount(): number {
    return this.connections.size;
  }

  /** The last messages, oldest first. */
  get history(): ChatMessage[] {
    return [...this.messages];
  }

  open(connectionId: string): void {
    this.connections.set(connectionId, undefined);
  }

  close(connectionId: string, how: 'left' | 'lost'): void {
    const participant = this.connections.get(connectionId);
    this.connections.delete(connectionId);
    if (participant) {
      this.announce(how, participant.name);
    }
  }

  join(connectionId: string, name: string): Participant {
    const present = this.connections.get(connectionId);
    if (present) {
      throw new HubException(`You are already here as ${present.name}.`);
    }
    const participant = { id: randomUUID(), name };
    this.connections.set(connectionId, participant);
    this.announce('joined', name);
    return participant;
  }

  say(connectionId: string, text: string, via: Family): ChatMessage {
    const author = this.connections.get(connectionId);
    if (!author) {
      throw new HubException('Join with a name before you write.');
    }
    const message: ChatMessage = {
      id: randomUUID(),
      authorId: author.id,
      name: author.name,
      text,
      at: now(),
      via,
    };
    this.messages.push(message);
    if (this.messages.length > HISTORY_LIMIT) {
      this.messages.shift();
    }
    return message;
  }

  private announce(kind: Announcement['kind'], name: string): void {
    this.movements.next({ kind, name, at: now() });
  }
}

function now(): string {
  return new Date().toISOString();
}
