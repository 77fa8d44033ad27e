import { setTimeout } from 'node:timers/promises';
import { AppProcess } from './app-process.js';

export type NodeState = 'starting' | 'running' | 'draining' | 'down';

/** How a node does, for the page. */
export interface NodeReport {
  readonly name: string;
  readonly state: NodeState;
  readonly pid: number | null;
  /** How many processes there have been. */
  readonly starts: number;
}

/** Milliseconds until a node that died is started again. */
const RECOVERY = 1_000;

/** One place of the farm: a process that serves clients, and the next one when that has gone. */
export class FarmNode {
  #state: NodeState = 'down';
  #process: AppProcess | undefined;
  #starts = 0;
  #isStopping = false;

  /** @param changed runs whenever the report has become another one */
  constructor(
    readonly name: string,
    private readonly env: Record<string, string>,
    private readonly changed: () => void,
  ) {}

  get report(): NodeReport {
    const { name } = this;
    return { name, state: this.#state, pid: this.#process?.pid ?? null, starts: this.#starts };
  }

  /** Where new requests may go: a node that is about to leave gets none. */
  get port(): number | undefined {
    return this.#state === 'running' ? this.#process?.port : undefined;
  }

  async start(): Promise<void> {
    this.#enter('starting');
    const process = await AppProcess.start('node', { ...this.env, NODE_NAME: this.name });
    this.#process = process;
    this.#starts++;
    this.#enter('running');
    void process.ended.then(() => this.#recover());
  }

  /** Replaces the process as a deployment does: no new requests, clients are told to come back, then it ends. */
  async restart(): Promise<void> {
    if (this.#state === 'running') {
      this.#enter('draining');
      await this.#process?.stop();
      await this.start();
    }
  }

  kill(): void {
    this.#process?.kill();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#process?.stop();
  }

  /** What a supervisor does when a process has died on its own. */
  async #recover(): Promise<void> {
    this.#process = undefined;
    if (this.#state === 'running' && !this.#isStopping) {
      this.#enter('down');
      await setTimeout(RECOVERY);
      await this.start();
    }
  }

  #enter(state: NodeState): void {
    this.#state = state;
    this.changed();
  }
}
