import { Body, Controller, Get, HttpCode, Inject, Post, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { TOKEN_LIFETIME } from './tokens.js';
import { type User, Users } from './users.js';

interface Tokens {
  /** Short-lived; comes with every request. */
  readonly accessToken: string;
  /** Gets new access tokens, and nothing else. */
  readonly refreshToken: string;
}

const REFRESH = 'refresh';

@Controller('auth')
export class AuthController {
  constructor(
    private readonly users: Users,
    private readonly jwt: JwtService,
    @Inject(TOKEN_LIFETIME) private readonly lifetime: number,
  ) {}

  @Get('members')
  members(): readonly User[] {
    return this.users.all;
  }

  @Post('login')
  @HttpCode(200)
  login(@Body() { email, password }: Record<string, unknown>): Tokens {
    return this.issue(this.users.check(email, password));
  }

  @Post('refresh')
  @HttpCode(200)
  async refresh(@Body() { refreshToken }: Record<string, unknown>): Promise<Tokens> {
    const { sub } = await this.jwt
      .verifyAsync<{ sub: string }>(String(refreshToken), { audience: REFRESH })
      .catch(() => ({ sub: '' }));
    return this.issue(this.users.find(sub));
  }

  private issue(user: User | undefined): Tokens {
    if (user === undefined) {
      throw new UnauthorizedException('Wrong address or password.');
    }
    const { email, name } = user;
    return {
      accessToken: this.jwt.sign({ email, name }, { expiresIn: this.lifetime }),
      refreshToken: this.jwt.sign({}, { subject: email, audience: REFRESH, expiresIn: '8h' }),
    };
  }
}
