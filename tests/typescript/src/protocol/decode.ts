// The wire to Arrow: verifies a batch and decodes it, with the dictionaries of its schema.
import { type RecordBatch, RecordBatchReader, type Schema } from "apache-arrow";

import type { Batch, SchemaAnnounce } from "../../gen/towpath/connector/v1/types_pb.js";
import { crc32c } from "./crc32c.js";
import { Failure } from "./failure.js";
import { END_OF_STREAM, framesOf, joined } from "./frames.js";
import { verify } from "./verify.js";

/** Decode one encapsulated IPC Schema message. Fails as a violation when it is anything else. */
export function decodeSchema(ipcSchema: Uint8Array): Schema {
  let reader: RecordBatchReader;
  try {
    const frames = framesOf(ipcSchema);
    if (frames.length !== 1 || frames[0]!.kind !== "schema") throw new Error("it is not one Schema message");
    reader = RecordBatchReader.from(joined([ipcSchema, END_OF_STREAM])).open() as RecordBatchReader;
  } catch (error) {
    throw new Failure("violation", `a schema cannot be decoded: ${(error as Error).message}`, { reason: "BAD_SCHEMA" });
  }
  return reader.schema;
}

/** Decodes the batches of one announced schema, in the order in which they come. */
export class BatchDecoder {
  readonly stream: number;
  readonly schema: Schema;
  readonly primaryKey: readonly string[];
  readonly #ipcSchema: Uint8Array;
  readonly #dictionaries = new Map<number, Uint8Array[]>();

  constructor(announced: SchemaAnnounce) {
    this.stream = announced.stream;
    this.primaryKey = announced.primaryKey;
    this.schema = decodeSchema(announced.ipcSchema);
    this.#ipcSchema = announced.ipcSchema;
  }

  /** Verify and decode. Fails as damaged when anything is not as the header says. */
  decode(batch: Batch): RecordBatch {
    if (crc32c(batch.ipcMessages) !== batch.crc32c) {
      throw damaged(batch, "its checksum does not match: it was damaged on the way", "CHECKSUM");
    }
    const frames = framesOf(batch.ipcMessages);
    const last = frames.pop();
    if (last?.kind !== "batch" || frames.some((frame) => frame.kind !== "dictionary")) {
      throw damaged(batch, "ipc_messages must hold dictionaries, then exactly one record batch");
    }
    for (const { bytes, dictionary } of frames) {
      const known = dictionary!.delta ? (this.#dictionaries.get(dictionary!.id) ?? []) : [];
      this.#dictionaries.set(dictionary!.id, [...known, bytes.slice()]);
    }
    const dictionaries = [...this.#dictionaries.values()].flat();
    const records = this.#read(batch, joined([this.#ipcSchema, ...dictionaries, last.bytes, END_OF_STREAM]));
    if (BigInt(records.numRows) !== batch.rows || records.numRows === 0) {
      throw damaged(batch, `it holds ${records.numRows} rows; its header says ${batch.rows}`);
    }
    return records;
  }

  #read(batch: Batch, stream: Uint8Array): RecordBatch {
    try {
      const { value, done } = RecordBatchReader.from(stream).next();
      if (done) throw new Error("there is no record batch");
      for (const [index, child] of (value as RecordBatch).data.children.entries()) {
        verify(child, this.schema.fields[index]!.name, value.numRows);
      }
      return value;
    } catch (error) {
      throw error instanceof Failure ? error : damaged(batch, `it cannot be decoded: ${(error as Error).message}`);
    }
  }
}

function damaged(batch: Batch, problem: string, reason = "DAMAGED"): Failure {
  return new Failure("damaged", `batch ${batch.batchSeq} is unusable: ${problem}`, { reason });
}
