import { Module } from '@nestjs/common';
import { Announcer } from './announcer.js';
import { ChatHub } from './chat.hub.js';
import { ChatRoom } from './chat-room.js';

@Module({ providers: [ChatHub, ChatRoom, Announcer] })
export class ChatModule {}
