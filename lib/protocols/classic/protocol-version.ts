/** A version as two to four numbers; a missing one counts as lower than 0. */
type Version = readonly number[];

const LOWEST: Version = [1, 2];
const HIGHEST: Version = [2, 0];
/** From here on clients send `/start` (signalr-2 §2.3). */
const DELAYED_START: Version = [1, 4];
/** From here on clients understand redirects (signalr-2 §2.2). */
const REDIRECTS: Version = [2, 0];

/** The version that the server answers: what the client asked for, within what the server speaks (signalr-2 §2.3). */
export function resolveProtocolVersion(requested: string | undefined): string {
  return resolve(requested).join('.');
}

/** True if the client will ask for OnConnected with `/start`. */
export function startsSeparately(requested: string | undefined): boolean {
  return compare(resolve(requested), DELAYED_START) >= 0;
}

/** True if the client goes where it is sent (signalr-2 §2.2). */
export function understandsRedirects(requested: string | undefined): boolean {
  return compare(resolve(requested), REDIRECTS) >= 0;
}

function resolve(requested: string | undefined): Version {
  const version = parse(requested ?? '');
  if (version === undefined || compare(version, LOWEST) < 0) {
    return LOWEST;
  }
  return compare(version, HIGHEST) > 0 ? HIGHEST : version;
}

function parse(text: string): Version | undefined {
  const parts = text.split('.');
  if (parts.length < 2 || parts.length > 4) {
    return undefined;
  }
  return parts.every((part) => /^\s*\+?\d{1,9}\s*$/.test(part)) ? parts.map(Number) : undefined;
}

function compare(left: Version, right: Version): number {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? -1) - (right[index] ?? -1);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}
