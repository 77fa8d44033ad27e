import { HubException } from 'nestjs-signalr';

export const NAME_LIMIT = 32;
export const MESSAGE_LIMIT = 500;

export function checkName(name: unknown): string {
  return check(name, 'name', NAME_LIMIT).replace(/\s+/g, ' ');
}

export function checkMessage(text: unknown): string {
  return check(text, 'message', MESSAGE_LIMIT);
}

/**
 * Arguments come from outside, so their declared type is a wish.
 *
 * @throws HubException, whose text is meant for the reader: the page shows it.
 */
function check(value: unknown, what: string, limit: number): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new HubException(`Please enter a ${what}.`);
  }
  const text = value.trim();
  if (text.length > limit) {
    throw new HubException(`That ${what} is too long: ${text.length} characters, ${limit} are allowed.`);
  }
  return text;
}
