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

/** What strangers send may be anything, or nothing at all. */
interface Credentials {
  readonly email?: unknown;
  readonly password?: unknown;
}

interface Renewal {
  readonly refreshToken?: unknown;
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
  login(@Body() body?: Credentials): Tokens {
    return this.issue(this.users.check(body?.email, body?.password), 'Wrong address or password.');
  }

  @Post('refresh')
  @HttpCode(200)
  async refresh(@Body() body?: Renewal): Promise<Tokens> {
    const { sub } = await this.jwt
      .verifyAsync<{ sub: string }>(String(body?.refreshToken), { audience: REFRESH })
      .catch(() => ({ sub: '' }));
    return this.issue(this.users.find(sub), 'Please sign in again.');
  }

  private issue(user: User | undefined, refusal: string): Tokens {
    if (user === undefined) {
      throw new UnauthorizedException(refusal);
    }
    const { email, name } = user;
    return {
      accessToken: this.jwt.sign({ email, name }, { expiresIn: this.lifetime }),
      refreshToken: this.jwt.sign({}, { subject: email, audience: REFRESH, expiresIn: '8h' }),
    };
  }
}
