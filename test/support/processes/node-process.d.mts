export class NodeProcess {
  constructor(main: string, settings: object);
  readonly port: number;
  readonly isAlive: boolean;
  readonly incarnation: number;
  readonly logged: readonly string[];
  start(): Promise<void>;
  ask(request: object): Promise<unknown>;
  kill(): Promise<void>;
}
