import { SignalRError } from '../../common/errors.js';
import type { CoreHubOptions } from '../../common/core-options.js';
import { isThenable } from '../../common/promises.js';
import type { Connection } from '../../connections/connection.js';
import { HubException } from '../../hubs/hub.exception.js';
import type { Answer, CoreCalls } from './calls.js';
import type { HubProtocol } from './hub-protocol.js';
import { InvocationSlots } from './invocation-slots.js';
import {
  type CompletionMessage,
  type InvocationMessage,
  MessageType,
  type StreamItemMessage,
} from './messages.js';
import { ResultStream, type StreamReceiver } from './result-stream.js';
import { UploadStream } from './upload-stream.js';

/** The client that calls. */
export interface InvocationClient extends Connection, StreamReceiver {
  readonly codec: HubProtocol;
  /** Something that messages had to wait for has become free. */
  readOn(): void;
}

/** The calls of one client that are running, and the streams in both directions (signalr-core §6). */
export class Invocations {
  private readonly slots: InvocationSlots;
  private readonly uploads = new Map<string, UploadStream>();
  private readonly results = new Map<string, ResultStream>();

  constructor(
    private readonly client: InvocationClient,
    private readonly calls: CoreCalls,
    private readonly options: CoreHubOptions,
  ) {
    this.slots = new InvocationSlots(options.maximumParallelInvocationsPerClient, () => client.readOn());
  }

  /** Runs a call; false if it has to wait for a slot. Calls with streams never take one (signalr-core §6.1). */
  invoke(message: InvocationMessage): boolean {
    if (message.type === MessageType.StreamInvocation) {
      this.stream(message);
      return true;
    }
    if (message.streamIds.length > 0) {
      this.callWithUploads(message);
      return true;
    }
    if (this.slots.areTaken) {
      return false;
    }
    this.call(message);
    return true;
  }

  /** Takes an item of a stream of the client; false if the method has to read one before. Unknown streams are ignored. */
  item({ invocationId, item }: StreamItemMessage): boolean {
    return this.uploads.get(invocationId)?.write(item) ?? true;
  }

  /** The client has ended one of its streams. @returns false if it has none of that id */
  endUpload({ invocationId, error }: CompletionMessage): boolean {
    const upload = this.uploads.get(invocationId);
    this.uploads.delete(invocationId);
    upload?.end(error === undefined ? undefined : new HubException(error));
    return upload !== undefined;
  }

  /** The client does not listen to a stream any more; unknown ones are ignored. */
  cancel(invocationId: string): void {
    this.results.get(invocationId)?.cancel();
  }

  /** The connection has ended. */
  end(): void {
    for (const upload of this.uploads.values()) {
      upload.end(SignalRError.of('SIGNALR_STREAM_LOST'));
    }
    this.uploads.clear();
    for (const result of this.results.values()) {
      result.cancel();
    }
  }

  private call(message: InvocationMessage): void {
    const slot = this.slots.slot();
    const answer = this.calls.run(this.client, message, this.client.codec, { slot });
    if (!isThenable(answer)) {
      this.reply(answer);
      return;
    }
    slot.take();
    void answer.then((settled) => {
      slot.end();
      this.reply(settled);
      this.client.readOn();
    });
  }

  private callWithUploads(message: InvocationMessage): void {
    const uploads = this.openUploads(message, 0);
    if (uploads instanceof HubException) {
      this.reply(this.calls.error(message, uploads, this.client.codec));
      return;
    }
    const answer = this.calls.run(this.client, message, this.client.codec, { uploads });
    void Promise.resolve(answer).then((settled) => {
      this.closeUploads(message, uploads);
      this.reply(settled);
    });
  }

  private stream(message: InvocationMessage): void {
    const id = message.invocationId as string;
    const { client, calls } = this;
    const { codec } = client;
    if (this.results.has(id)) {
      client.send(codec.failure(id, `Invocation ID '${id}' is already in use.`));
      return;
    }
    const uploads = this.openUploads(message, 1);
    if (uploads instanceof HubException) {
      client.send(codec.failure(id, calls.textOf(uploads, message)));
      return;
    }
    const result = new ResultStream(client, calls.streamMessages(message, codec), () => {
      this.results.delete(id);
      this.closeUploads(message, uploads);
    });
    this.results.set(id, result);
    void calls.open(client, message, uploads).then(
      (stream) => result.begin(stream),
      (error: unknown) => result.refuse(codec.failure(id, calls.textOf(error, message))),
    );
  }

  /** @param results how many streams the call itself gives. */
  private openUploads(
    { streamIds }: InvocationMessage,
    results: number,
  ): readonly UploadStream[] | HubException {
    const { maximumParallelStreamsPerClient: limit, streamBufferCapacity } = this.options;
    if (this.uploads.size + this.results.size + streamIds.length + results > limit) {
      return new HubException(`The client may not have more than ${limit} stream(s) open.`);
    }
    const taken = streamIds.find((id, index) => this.uploads.has(id) || streamIds.indexOf(id) !== index);
    if (taken !== undefined) {
      return new HubException(`Stream ID '${taken}' is already in use.`);
    }
    return streamIds.map((id) => {
      const upload = new UploadStream(streamBufferCapacity, () => this.client.readOn());
      this.uploads.set(id, upload);
      return upload;
    });
  }

  /** The method has ended: what the client still sends is ignored. */
  private closeUploads({ streamIds }: InvocationMessage, uploads: readonly UploadStream[]): void {
    uploads.forEach((upload, index) => {
      const id = streamIds[index] as string;
      // The client may have ended this one and begun another under the same id.
      if (this.uploads.get(id) === upload) {
        this.uploads.delete(id);
      }
      upload.close();
    });
  }

  private reply(answer: Answer): void {
    if (answer !== undefined) {
      this.client.send(answer);
    }
  }
}
