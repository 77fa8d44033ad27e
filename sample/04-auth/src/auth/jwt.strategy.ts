import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { type Member, TOKEN_SECRET } from './tokens.js';

/** The strategy of the Nest guide. What it returns becomes `request.user`, and `context.user` in hubs. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(@Inject(TOKEN_SECRET) secret: string) {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: secret });
  }

  /** A refresh token has no e-mail address, and is refused here. */
  validate({ email, name, exp }: Partial<Member>): Member | false {
    return email !== undefined && name !== undefined && exp !== undefined && { email, name, exp };
  }
}
