// Read, as the protocol has it: numbers, order, acknowledgements, drain. What a source yields is put on the wire here.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { RecordBatch, Schema } from "apache-arrow";

import type { Limits } from "../../gen/towpath/connector/v1/connector_pb.js";
import {
  type ReadOpen,
  type ReadRequest,
  type ReadResponse,
  ReadResponseSchema,
  type ReadStream,
  type Split,
} from "../../gen/towpath/connector/v1/source_pb.js";
import { StreamStatus_State as State } from "../../gen/towpath/connector/v1/types_pb.js";
import { Conversation } from "./conversation.js";
import { encodeBatch, encodeSchema } from "./encode.js";
import { Failure, failureOf, statusOf, violation } from "./failure.js";
import { batchBytes } from "./limits.js";
import { checkStreams } from "./streams.js";

/** What a source yields for one stream. A checkpoint covers every row before it. */
export type Emission =
  | { readonly kind: "schema"; readonly schema: Schema; readonly primaryKey: readonly string[] }
  | { readonly kind: "rows"; readonly records: RecordBatch }
  | { readonly kind: "checkpoint"; readonly state: Uint8Array; readonly version: number };

/** What a read of one stream has to know. */
export interface Asked {
  readonly stream: ReadStream;
  readonly split: Split | undefined;
  /** Stop at the next point from which to continue, with a checkpoint. */
  readonly draining: () => boolean;
  readonly signal: AbortSignal;
}

/** A source's part in Read. */
export interface Reader<Config> {
  /** Emit one stream; return true when nothing is left of it, false when it was drained. */
  read(config: Config, asked: Asked): AsyncGenerator<Emission, boolean>;
}

type Message = MessageInitShape<typeof ReadResponseSchema>["message"];

/** One Read, from its open to its end. */
export class Reading<Config> {
  readonly #conversation: Conversation<ReadRequest, ReadResponse>;
  readonly #reader: Reader<Config>;
  readonly #limits: Limits;
  readonly #stopping: AbortSignal;
  #drained = false;
  #schemaId = 0;
  #batchSeq = 0n;
  #checkpointSeq = 0n;
  #acknowledged = 0n;

  constructor(
    call: ServerDuplexStream<ReadRequest, ReadResponse>,
    reader: Reader<Config>,
    limits: Limits,
    stopping: AbortSignal,
  ) {
    this.#conversation = new Conversation(call);
    this.#reader = reader;
    this.#limits = limits;
    this.#stopping = stopping;
  }

  /** Serve the call to its end. `parse` turns the configuration's text into what the source wants. */
  async serve(parse: (configJson: string) => Config): Promise<void> {
    try {
      const first = await this.#conversation.next();
      if (first?.message.case !== "open") throw violation("a Read begins with ReadOpen");
      const open = first.message.value;
      checkOpen(open);
      const config = parse(open.configJson);
      await this.#send({ case: "opened", value: { wantsAcks: false } });
      const listening = this.#listen();
      const emitting = this.#emit(config, open);
      await Promise.race([emitting, listening.then(() => emitting)]);
      await listening;
      this.#conversation.end();
    } catch (error) {
      this.#conversation.fail(error);
    }
  }

  /** Take acknowledgements and drains until the half-close. */
  async #listen(): Promise<void> {
    for (let request = await this.#conversation.next(); request; request = await this.#conversation.next()) {
      const { message } = request;
      if (message.case === "drain") {
        this.#drained = true;
      } else if (message.case === "ack") {
        this.#acknowledge(message.value.checkpointSeq);
      } else {
        throw violation(message.case === "open" ? "a Read is opened once" : "a request holds no known message");
      }
    }
  }

  #acknowledge(seq: bigint): void {
    if (seq > this.#checkpointSeq) throw violation(`checkpoint ${seq} was never emitted`);
    if (seq < this.#acknowledged) throw violation(`checkpoint ${seq} is acknowledged after ${this.#acknowledged}`);
    this.#acknowledged = seq;
  }

  async #emit(config: Config, open: ReadOpen): Promise<void> {
    for (const [stream, asked] of open.streams.entries()) {
      await this.#emitStream(config, stream, asked, open.split);
    }
    await this.#send({ case: "finished", value: { lastCheckpointSeq: this.#checkpointSeq } });
  }

  async #emitStream(config: Config, stream: number, asked: ReadStream, split: Split | undefined): Promise<void> {
    const context: Asked = {
      stream: asked,
      split,
      draining: () => this.#drained || this.#stopping.aborted,
      signal: this.#conversation.signal,
    };
    let complete: boolean;
    try {
      complete = !context.draining() && (await this.#emitAll(stream, this.#reader.read(config, context)));
    } catch (error) {
      if (this.#conversation.signal.aborted) throw error;
      const failure = statusOf(failureOf(error));
      await this.#send({ case: "status", value: { stream, state: State.FAILED, failure } });
      return;
    }
    await this.#send({ case: "status", value: { stream, state: complete ? State.COMPLETE : State.INCOMPLETE } });
  }

  /** Emit what a reader yields; return true when nothing is left of the stream. */
  async #emitAll(stream: number, emissions: AsyncGenerator<Emission, boolean>): Promise<boolean> {
    let rows = 0n;
    try {
      await this.#send({ case: "status", value: { stream, state: State.RUNNING } });
      let next = await emissions.next();
      for (; !next.done; next = await emissions.next()) {
        if (next.value.kind === "rows") rows += BigInt(next.value.records.numRows);
        await this.#emission(stream, next.value, rows);
        if (next.value.kind === "checkpoint") rows = 0n;
      }
      return next.value;
    } finally {
      await emissions.return(false); // so that the reader lets go of its files, also when the caller is gone
    }
  }

  async #emission(stream: number, emission: Emission, rows: bigint): Promise<void> {
    if (emission.kind === "schema") {
      const { schema, primaryKey } = emission;
      this.#schemaId += 1;
      const announce = {
        stream,
        schemaId: this.#schemaId,
        ipcSchema: encodeSchema(schema),
        primaryKey: [...primaryKey],
      };
      await this.#send({ case: "schema", value: announce });
    } else if (emission.kind === "rows") {
      await this.#rows(stream, emission.records);
    } else {
      if (emission.state.length > Number(this.#limits.maxStateBytes)) {
        throw new Failure(
          "bug",
          `a state has ${emission.state.length} bytes; ${this.#limits.maxStateBytes} are allowed`,
        );
      }
      this.#checkpointSeq += 1n;
      const { state, version: stateVersion } = emission;
      const numbers = { checkpointSeq: this.#checkpointSeq, upToBatchSeq: this.#batchSeq };
      await this.#send({ case: "checkpoint", value: { ...numbers, stream, state, stateVersion, rows } });
    }
  }

  /** Send rows as one batch, or as several where one would be too large. */
  async #rows(stream: number, records: RecordBatch): Promise<void> {
    const batch = encodeBatch(records);
    const most = batchBytes(this.#limits);
    if (batch.ipcMessages.length <= most) {
      this.#batchSeq += 1n;
      await this.#send({
        case: "batch",
        value: { ...batch, stream, schemaId: this.#schemaId, batchSeq: this.#batchSeq },
      });
    } else if (records.numRows === 1) {
      throw new Failure("badRecord", `a row has ${batch.ipcMessages.length} bytes; at most ${most} can be moved`, {
        reason: "ROW_TOO_LARGE",
      });
    } else {
      const half = records.numRows >> 1;
      await this.#rows(stream, records.slice(0, half));
      await this.#rows(stream, records.slice(half));
    }
  }

  #send(message: NonNullable<Message>): Promise<void> {
    return this.#conversation.send(
      create(ReadResponseSchema, { message } as MessageInitShape<typeof ReadResponseSchema>),
    );
  }
}

function checkOpen({ streams, split, sharedState }: ReadOpen): void {
  if (streams.length === 0) throw violation("a Read names at least one stream");
  checkStreams(streams);
  if (split !== undefined && streams.length > 1) throw violation("a Read of a split names the one stream of the split");
  if (sharedState.length > 0) throw violation("this source keeps a state for each stream, and no shared one");
}
