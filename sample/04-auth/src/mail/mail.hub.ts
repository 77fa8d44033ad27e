import { UseGuards } from '@nestjs/common';
import { Hub, HubException, HubMethod, SignalRHub } from 'nestjs-signalr';
import { JwtAuthGuard } from '../auth/jwt-auth.guard.js';
import type { Member } from '../auth/tokens.js';
import { Users } from '../auth/users.js';

/** A message for one member, on every connection that the member has. */
export interface Mail {
  readonly from: string;
  readonly text: string;
}

interface MailClient {
  receive(mail: Mail): void;
  welcome(member: Member): void;
}

/** The guard of the class runs while clients connect, so nobody gets in without a token, and on every call. */
@Hub('mail')
@UseGuards(JwtAuthGuard)
export class MailHub extends SignalRHub<MailClient> {
  constructor(private readonly users: Users) {
    super();
  }

  override async onConnected(): Promise<void> {
    await this.clients.caller.welcome(this.context.user as Member);
  }

  @HubMethod()
  async send(to: string, text: string): Promise<void> {
    const { name, email } = this.context.user as Member;
    if (this.users.find(to) === undefined) {
      throw new HubException('There is nobody of that address.');
    }
    const mail: Mail = { from: `${name} <${email}>`, text: String(text).slice(0, 500) };
    await this.clients.user(to).receive(mail);
  }
}
