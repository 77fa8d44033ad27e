import { RecentValues } from '../../common/recent-values.js';
import { TokenProtector } from '../../connections/token-protector.js';

/** What a connection token says (signalr-2 §3.1). */
export interface ConnectionToken {
  readonly connectionId: string;
  /** Name of the user who negotiated; empty for anonymous ones. */
  readonly userName: string;
}

/** So many tokens are not decrypted again: those of 5,000 clients that poll, which take a few megabytes. */
const REMEMBERED = 5_000;

/** The two tokens that classic clients carry (signalr-2 §3). */
export class ClassicTokens {
  private readonly connection: TokenProtector;
  private readonly groups: TokenProtector;
  /** Clients bring their token with every request, and to decrypt it costs more than most of what follows. */
  private readonly known = new RecentValues<string, ConnectionToken>(REMEMBERED);

  /** @param scope tokens of one scope are worthless in another. */
  constructor(secrets: readonly string[], scope = '') {
    this.connection = new TokenProtector(secrets, `SignalR.ConnectionToken${scope}`);
    this.groups = new TokenProtector(secrets, `SignalR.Groups.v1.1${scope}`);
  }

  issue({ connectionId, userName }: ConnectionToken): string {
    const token = this.connection.protect(`${connectionId}:${userName}`);
    this.known.set(token, { connectionId, userName });
    return token;
  }

  /** Undefined if the token was not issued with one of the secrets. User names may contain colons. */
  read(token: string): ConnectionToken | undefined {
    const known = this.known.get(token);
    if (known !== undefined) {
      return known;
    }
    const text = this.connection.unprotect(token);
    if (text === undefined) {
      return undefined;
    }
    const read = split(text);
    this.known.set(token, read);
    return read;
  }

  /** The groups of a connection, for it to bring back when it reconnects. Names are qualified by their hub. */
  issueGroups(connectionId: string, groups: readonly string[]): string {
    return this.groups.protect(`${connectionId}:${JSON.stringify(groups)}`);
  }

  /** None if the token is not ours or belongs to another connection: that is never an error (signalr-2 §3.3). */
  readGroups(token: string | undefined, connectionId: string): readonly string[] {
    const text = token === undefined ? undefined : this.groups.unprotect(token);
    if (text === undefined) {
      return [];
    }
    const owner = split(text);
    return owner.connectionId.toLowerCase() === connectionId.toLowerCase()
      ? (JSON.parse(owner.userName) as string[])
      : [];
  }
}

function split(text: string): ConnectionToken {
  const colon = text.indexOf(':');
  return colon < 0
    ? { connectionId: text, userName: '' }
    : { connectionId: text.slice(0, colon), userName: text.slice(colon + 1) };
}
