/** Which step of a call went wrong; each protocol has its own text for each. */
export type InvocationFailure =
  /** No method of that name. */
  | 'unknownMethod'
  /** The name exists, but no overload for so many arguments. */
  | 'argumentCount'
  /** A pipe did not take an argument. */
  | 'binding'
  /** A guard refused. */
  | 'unauthorized'
  /** The method gives a stream, and the client did not ask for one. */
  | 'stream'
  /** The client asked for a stream, and the method gives none. */
  | 'noStream'
  /** The method is declared to give a stream, and has given nothing. */
  | 'nothingToStream';

/** A call that did not get as far as the hub method. What went wrong otherwise is thrown as it is. */
export class HubInvocationError extends Error {
  override readonly name = 'HubInvocationError';

  constructor(
    readonly failure: InvocationFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
