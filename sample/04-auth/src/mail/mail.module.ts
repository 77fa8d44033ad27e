import { Module } from '@nestjs/common';
import { Users } from '../auth/users.js';
import { MailHub } from './mail.hub.js';

@Module({ providers: [MailHub, Users] })
export class MailModule {}
