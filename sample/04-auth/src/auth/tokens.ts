/** Key that tokens are signed with. */
export const TOKEN_SECRET = Symbol('TOKEN_SECRET');

/** How long an access token is good, in seconds. */
export const TOKEN_LIFETIME = Symbol('TOKEN_LIFETIME');

/** What an access token says, and what guards put on requests as user. */
export interface Member {
  readonly email: string;
  readonly name: string;
  /** When the token expires, in seconds since 1970. */
  readonly exp: number;
}
