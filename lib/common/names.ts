/** Lower-cases the first character: `ChatHub` becomes `chatHub` (signalr-2 §6.8). */
export function camelCase(name: string): string {
  return name
    .split('.')
    .map((part) => part.charAt(0).toLowerCase() + part.slice(1))
    .join('.');
}
