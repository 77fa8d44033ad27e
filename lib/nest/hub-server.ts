import type { IncomingMessage, ServerResponse } from 'node:http';

import type { ModuleRef } from '@nestjs/core';

import type { DrainPlan } from '../connections/drain.js';

/**
 * What the module needs of the server behind it, in the order in which it is called. The module is public and the server
 * is not, so the types of the one do not lead to those of the other.
 */
export interface HubServer {
  /** @param importer the module that imports `SignalRModule`. */
  start(importer: ModuleRef): Promise<void>;
  /** Prepares hub methods once every global enhancer is known. */
  compile(): void;
  /** Answers a request if it is for a hub; false if it is not. */
  serve(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): boolean;
  readonly connectionCount: number;
  /** True once new clients are refused. */
  readonly isDraining: boolean;
  /** Refuses new clients and sends those away that are there; false if it could not be done in time. */
  drain(plan: Partial<DrainPlan>): Promise<boolean>;
  /** Says goodbye to clients. */
  close(): Promise<void>;
  /** Drops what is still open. */
  stop(): Promise<void>;
}
