/** Replaces what differs from run to run, and how the two serializers write one text or complain of bad JSON. */
export function normalized(text: string): string {
  return text
    .replaceAll(/("connection(?:Id|Token)":)"[\w-]{22}"/g, '$1"(22 characters)"')
    .replaceAll(/"invocationId":"s\d+"/g, '"invocationId":"s(number)"')
    .replaceAll(/JsonReaderException: (?:[^"\\]|\\.)*/g, 'JsonReaderException: (why)')
    .replaceAll(/\\u[0-9a-fA-F]{4}/g, readable);
}

/** The character that an escape stands for, if it may be written as it is. */
function readable(escape: string): string {
  const code = Number.parseInt(escape.slice(2), 16);
  return code < 0x7f ? escape.toLowerCase() : String.fromCharCode(code);
}
