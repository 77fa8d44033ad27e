import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { AuthModule } from './auth/auth.module.js';
import { MailModule } from './mail/mail.module.js';

@Module({
  imports: [
    // Core connections end with their token; classic ones are held back by JwtAuthGuard.
    SignalRModule.forRoot({ core: { closeOnAuthenticationExpiration: true } }),
    AuthModule,
    MailModule,
  ],
})
export class AppModule {}
