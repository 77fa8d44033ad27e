import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { IUserIdProvider } from 'nestjs-signalr';
import { AuthController } from './auth.controller.js';
import { EmailUserIdProvider } from './email-user-id.provider.js';
import { JwtStrategy } from './jwt.strategy.js';
import { TOKEN_LIFETIME, TOKEN_SECRET } from './tokens.js';
import { Users } from './users.js';

const secret = process.env.TOKEN_SECRET ?? randomBytes(32).toString('base64url');
const lifetime = Number(process.env.TOKEN_LIFETIME ?? 60);

@Module({
  imports: [PassportModule, JwtModule.register({ secret })],
  controllers: [AuthController],
  providers: [
    Users,
    JwtStrategy,
    { provide: TOKEN_SECRET, useValue: secret },
    { provide: TOKEN_LIFETIME, useValue: lifetime },
    // Any module may provide it: from now on clients.user(…) means an e-mail address.
    { provide: IUserIdProvider, useClass: EmailUserIdProvider },
  ],
})
export class AuthModule {}
