import { BehaviorSubject } from 'rxjs';
import { FarmNode, type NodeReport } from './farm-node.js';

/** All nodes. */
export class Farm {
  private readonly nodes: readonly FarmNode[];
  private readonly current = new BehaviorSubject<readonly NodeReport[]>([]);
  private restarting: Promise<void> | undefined;
  private turn = 0;

  /** How the nodes do: now, and whenever that changes. */
  readonly reports = this.current.asObservable();

  constructor(names: readonly string[], env: Record<string, string>) {
    const changed = (): void => this.current.next(this.nodes.map((node) => node.report));
    this.nodes = names.map((name) => new FarmNode(name, env, changed));
  }

  /** Where requests may go. */
  get ports(): readonly number[] {
    return this.nodes.flatMap((node) => node.port ?? []);
  }

  async start(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Replaces all nodes, each when the one before it is back. Asked while that goes on, it is the same restart. */
  restartAll(): Promise<void> {
    this.restarting ??= this.restartEach().finally(() => {
      this.restarting = undefined;
    });
    return this.restarting;
  }

  /** Replaces one node, another one each time. */
  async restartNext(): Promise<void> {
    await this.nodes[this.turn++ % this.nodes.length]?.restart();
  }

  /** @returns false if there is no such node */
  kill(name: string | null): boolean {
    const node = this.nodes.find((each) => each.name === name);
    node?.kill();
    return node !== undefined;
  }

  private async restartEach(): Promise<void> {
    for (const node of this.nodes) {
      await node.restart();
    }
  }
}
