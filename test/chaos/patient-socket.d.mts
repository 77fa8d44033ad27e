export interface Patience {
  readonly retryAfter: number;
  readonly retryFor: number;
  readonly onOpen?: () => void;
}

export function patient(socket: unknown, patience: Patience): new (...parameters: unknown[]) => unknown;
