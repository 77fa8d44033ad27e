import type { Clock } from '../../common/clock.js';
import { toError } from '../../common/errors.js';
import { isBackplaneDown } from '../../common/errors.js';
import type { RelayOptions } from '../../common/options.js';
import { isThenable } from '../../common/promises.js';
import { traceSource } from '../../common/trace.js';
import type { Backplane } from '../../messaging/backplane.js';
import type { NodeNote, RelayedRequest, RelayPart } from '../../messaging/node-note.js';
import { ForwardedRequest, type OpenLine } from './forwarded-request.js';
import { type LossKind, Relay, type RelayLine } from './relay.js';
import { RelayedExchange } from './relayed-exchange.js';

/** How often nodes that serve requests of each other say that they are alive, within the time after which they count as gone. */
const SIGNS_OF_LIFE = 3;

/** Serves requests that another node has taken. A throw ends the request without an answer. */
export type ServeRelayed = (exchange: RelayedExchange) => void | Promise<void>;

/** Another node, while there is something to say. */
interface Peer {
  readonly relays: Map<string, Relay>;
  heardAt: number;
  toldAt: number;
}

/** The requests that this node serves for others, and others for it: all conversations with other nodes. */
export class Relays implements RelayLine {
  private readonly logger = traceSource('SignalR.Connection');
  private readonly services = new Map<string, ServeRelayed>();
  private readonly peers = new Map<string, Peer>();
  private opened = 0;
  private isClosed = false;

  constructor(
    private readonly nodeId: string,
    private readonly backplane: Backplane,
    private readonly options: RelayOptions,
    private readonly clock: Clock,
  ) {}

  /** How many conversations are going on. */
  get size(): number {
    let size = 0;
    for (const { relays } of this.peers.values()) {
      size += relays.size;
    }
    return size;
  }

  /** Says who serves the requests of a scope that reach other nodes. */
  serve(scope: string, serve: ServeRelayed): void {
    this.services.set(scope, serve);
  }

  /**
   * Hands a request to the node that owns its connection.
   *
   * @param openLine called if the owner wants more than to answer.
   */
  open(nodeId: string, request: RelayedRequest, openLine: OpenLine = () => undefined): ForwardedRequest {
    const relay = this.begin(`${this.nodeId}/${++this.opened}`, nodeId);
    const forwarded = new ForwardedRequest(relay, openLine);
    relay.tell({ part: 'open', request });
    return forwarded;
  }

  hear(note: NodeNote, from: string): void {
    const peer = this.peers.get(from);
    if (peer !== undefined) {
      peer.heardAt = this.clock.now();
    }
    if (note.type === 'missed') {
      this.breakOffWith(from);
    }
    if (note.type !== 'relay') {
      return;
    }
    const { relay: id, say } = note;
    try {
      if (say.part === 'open') {
        void this.receive(this.begin(id, from), say.request);
      } else {
        peer?.relays.get(id)?.heard(say);
      }
    } catch (error) {
      this.logger.error(`a note of node ${from} could not be handled`, error);
    }
  }

  /** Tells nodes that wait for something that it will still come, and notices those that have gone. */
  onHeartbeat(now: number): void {
    const { nodeTimeout } = this.options;
    for (const [nodeId, peer] of this.peers) {
      if (now - peer.heardAt >= nodeTimeout) {
        this.lose(nodeId, 'gone');
      } else if (now - peer.toldAt >= nodeTimeout / SIGNS_OF_LIFE) {
        this.say(nodeId, { type: 'alive' });
      }
    }
  }

  /** This node goes away: its clients with owners elsewhere are let go, and come back over another node. */
  letClientsGo(): void {
    this.breakOff(({ id }) => id.startsWith(this.nodeId));
  }

  /** Nothing more is said: whoever waits for this node gets to know. */
  close(): void {
    this.breakOff(() => true);
    this.isClosed = true;
  }

  /**
   * Something that a node has said is lost, so no conversation with it makes sense any more. It is told so: this node may not
   * even know of the conversation in which the other one waits.
   *
   * @param nodeId default: any node.
   */
  missed(nodeId?: string): void {
    this.breakOffWith(nodeId);
    if (nodeId !== undefined) {
      this.say(nodeId, { type: 'missed' });
    }
  }

  private breakOffWith(nodeId?: string): void {
    this.breakOff(({ peer }) => nodeId === undefined || peer === nodeId);
  }

  private breakOff(isMeant: (relay: Relay) => boolean): void {
    for (const { relays } of this.peers.values()) {
      for (const relay of [...relays.values()].filter(isMeant)) {
        relay.tell({ part: 'over', clean: false });
        relay.lost('interrupted');
      }
    }
  }

  tell(relay: Relay, say: RelayPart): void {
    this.say(relay.peer, { type: 'relay', relay: relay.id, say });
  }

  forget({ id, peer: nodeId }: Relay): void {
    const peer = this.peers.get(nodeId);
    peer?.relays.delete(id);
    if (peer?.relays.size === 0) {
      this.peers.delete(nodeId);
    }
  }

  private async receive(relay: Relay, request: RelayedRequest): Promise<void> {
    const exchange = new RelayedExchange(relay, request);
    const serve = this.services.get(request.scope);
    if (serve === undefined) {
      exchange.absent();
      return;
    }
    try {
      await serve(exchange);
    } catch (error) {
      this.logger.error(`a request of node ${relay.peer} failed`, toError(error).stack);
      exchange.abort();
    }
  }

  private begin(id: string, nodeId: string): Relay {
    const relay = new Relay(id, nodeId, this, this.options.maxBytes);
    const now = this.clock.now();
    const peer = this.peers.get(nodeId) ?? { relays: new Map<string, Relay>(), heardAt: now, toldAt: now };
    this.peers.set(nodeId, peer);
    peer.relays.set(id, relay);
    return relay;
  }

  private say(nodeId: string, note: NodeNote): void {
    if (this.isClosed) {
      return;
    }
    const peer = this.peers.get(nodeId);
    if (peer !== undefined) {
      peer.toldAt = this.clock.now();
    }
    try {
      const told = this.backplane.tell(nodeId, note);
      if (isThenable(told)) {
        told.then(
          (isThere) => isThere || this.lose(nodeId, 'gone'),
          (error: unknown) => this.failed(nodeId, error),
        );
      } else if (!told) {
        // Whoever speaks here has not yet said who is to hear of it.
        queueMicrotask(() => this.lose(nodeId, 'gone'));
      }
    } catch (error) {
      queueMicrotask(() => this.failed(nodeId, error));
    }
  }

  private failed(nodeId: string, error: unknown): void {
    if (isBackplaneDown(error)) {
      // The backplane has said so itself, once and not for every note.
      this.logger.debug(`node ${nodeId} could not be told anything`);
    } else {
      this.logger.error(`node ${nodeId} could not be told anything`, error);
    }
    this.lose(nodeId, 'interrupted');
  }

  private lose(nodeId: string, kind: LossKind): void {
    const peer = this.peers.get(nodeId);
    for (const relay of peer?.relays.values() ?? []) {
      relay.lost(kind);
    }
  }
}
