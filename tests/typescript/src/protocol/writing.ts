// Write, as the protocol has it: order, numbers, fences, commits. A destination's writer sees verified batches only.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { RecordBatch, Schema } from "apache-arrow";

import {
  type WriteCommit,
  type WriteOpen,
  type WriteRequest,
  type WriteResponse,
  WriteResponseSchema,
} from "../../gen/towpath/connector/v1/destination_pb.js";
import {
  type Batch,
  type SchemaAnnounce,
  StreamStatus_State as State,
} from "../../gen/towpath/connector/v1/types_pb.js";
import { Conversation } from "./conversation.js";
import { BatchDecoder } from "./decode.js";
import { Failure, statusOf, violation } from "./failure.js";
import { checkStreams } from "./streams.js";

/** Rows of one batch that cannot be stored, for one reason. */
export interface Rejection {
  readonly rows: readonly number[];
  readonly reason: Failure;
}

/** A destination's part in Write. Its methods are called one at a time. */
export interface Writer {
  /** How much of earlier attempts was discarded. */
  readonly discarded: number;
  /** Fail as fenced when a higher epoch has taken over. */
  checkFence(): Promise<void>;
  /** Take a batch; return the rows that cannot be stored. */
  write(stream: number, schema: Schema, records: RecordBatch): Promise<readonly Rejection[]>;
  /** Make everything so far durable; return the receipt. */
  commit(commitSeq: bigint): Promise<Uint8Array>;
  /** Free everything, and discard what was not committed. */
  close(): Promise<void>;
}

type Message = MessageInitShape<typeof WriteResponseSchema>["message"];

/** One Write, from its open to its end. */
export class Writing {
  readonly #conversation: Conversation<WriteRequest, WriteResponse>;
  readonly #schemas = new Map<number, BatchDecoder>();
  readonly #rows = new Map<number, bigint>();
  #streams = 0;
  #batchSeq = 0n;
  #commitSeq = 0n;

  constructor(call: ServerDuplexStream<WriteRequest, WriteResponse>) {
    this.#conversation = new Conversation(call);
  }

  /** Serve the call to its end. */
  async serve(open: (request: WriteOpen, signal: AbortSignal) => Promise<Writer>): Promise<void> {
    let writer: Writer | undefined;
    try {
      const first = await this.#conversation.next();
      if (first?.message.case !== "open") throw violation("a Write begins with WriteOpen");
      const request = first.message.value;
      checkOpen(request);
      this.#streams = request.streams.length;
      this.#commitSeq = request.resumeAfterCommitSeq;
      writer = await open(request, this.#conversation.signal);
      await this.#send({ case: "opened", value: { discarded: BigInt(writer.discarded) } });
      for (let next = await this.#conversation.next(); next; next = await this.#conversation.next()) {
        await this.#take(next, writer);
      }
      const leftOver = this.#rows.size > 0;
      await writer.close();
      writer = undefined;
      for (let stream = 0; stream < this.#streams; stream++) {
        await this.#send({ case: "status", value: { stream, state: leftOver ? State.INCOMPLETE : State.COMPLETE } });
      }
      this.#conversation.end();
    } catch (error) {
      this.#conversation.fail(error);
      await writer?.close().catch((reason: unknown) => console.error(reason));
    }
  }

  async #take({ message }: WriteRequest, writer: Writer): Promise<void> {
    await writer.checkFence();
    switch (message.case) {
      case "schema":
        return this.#announce(message.value);
      case "batch":
        return this.#write(message.value, writer);
      case "commit":
        return this.#commit(message.value, writer);
      case "open":
        throw violation("a Write is opened once");
      default:
        throw violation("a request holds no known message");
    }
  }

  #announce(announced: SchemaAnnounce): void {
    const { stream, schemaId } = announced;
    if (stream >= this.#streams) throw violation(`there is no stream ${stream}`);
    const highest = Math.max(0, ...this.#schemas.keys());
    if (schemaId <= highest) throw violation(`schema_id ${schemaId} does not increase: ${highest} came before`);
    this.#schemas.set(schemaId, new BatchDecoder(announced));
  }

  async #write(batch: Batch, writer: Writer): Promise<void> {
    const { stream, schemaId, batchSeq } = batch;
    const schema = this.#schemas.get(schemaId);
    if (schema?.stream !== stream) throw violation(`schema_id ${schemaId} was not announced for stream ${stream}`);
    if (batchSeq !== this.#batchSeq + 1n) {
      throw new Failure("damaged", `batch ${batchSeq} follows batch ${this.#batchSeq}`, { reason: "BATCH_GAP" });
    }
    const records = schema.decode(batch);
    this.#batchSeq = batchSeq;
    const rejections = await writer.write(stream, schema.schema, records);
    let stored = batch.rows;
    for (const { rows, reason } of rejections) {
      stored -= BigInt(rows.length);
      const rejected = { batchSeq, rowIndexes: rows.map(BigInt), reason: statusOf(reason) };
      await this.#send({ case: "rejected", value: rejected });
    }
    this.#rows.set(stream, (this.#rows.get(stream) ?? 0n) + stored);
  }

  async #commit({ commitSeq, upToBatchSeq }: WriteCommit, writer: Writer): Promise<void> {
    if (commitSeq !== this.#commitSeq + 1n) throw violation(`commit_seq ${commitSeq} follows ${this.#commitSeq}`);
    if (upToBatchSeq !== this.#batchSeq) {
      throw violation(`up_to_batch_seq is ${upToBatchSeq}; the last batch that came was ${this.#batchSeq}`);
    }
    const receipt = await writer.commit(commitSeq);
    this.#commitSeq = commitSeq;
    const rows = Object.fromEntries(this.#rows);
    this.#rows.clear();
    await this.#send({ case: "committed", value: { commitSeq, receipt, rows } });
  }

  #send(message: NonNullable<Message>): Promise<void> {
    return this.#conversation.send(
      create(WriteResponseSchema, { message } as MessageInitShape<typeof WriteResponseSchema>),
    );
  }
}

function checkOpen({ writeId, writerId, streams }: WriteOpen): void {
  if (!writeId || !writerId) throw violation("a Write names its write and its writer");
  if (streams.length === 0) throw violation("a Write names at least one stream");
  checkStreams(streams);
}
