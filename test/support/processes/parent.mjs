/**
 * Lets the parent of this process ask it, and ends the process when its parent has gone. To be called when the process takes
 * requests.
 *
 * @param {number} port where it takes them. @param {(request: any) => Promise<unknown>} handle gives what the parent is answered
 */
export function answerParent(port, handle) {
  process.on('message', ({ id, request }) => {
    handle(request).then(
      (result) => process.send?.({ id, result }),
      (error) => process.send?.({ id, error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port });
}

/** Tells the parent of warnings and errors. @type {import('@nestjs/common').LoggerService} */
export const parentLogger = (() => {
  const tell = (...parts) =>
    process.send?.({ logged: parts.map((part) => part?.stack ?? String(part)).join(' ') });
  const ignore = () => {};
  return { log: ignore, debug: ignore, verbose: ignore, warn: tell, error: tell, fatal: tell };
})();
