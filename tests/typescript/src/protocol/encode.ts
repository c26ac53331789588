// Arrow to the wire: schema messages, and batches with their checksum.
import { create } from "@bufbuild/protobuf";
import { RecordBatch, RecordBatchStreamWriter, type Schema } from "apache-arrow";

import { type Batch, BatchSchema } from "../../gen/towpath/connector/v1/types_pb.js";
import { crc32c } from "./crc32c.js";
import { framesOf, joined } from "./frames.js";

/** A schema as one encapsulated IPC Schema message. */
export function encodeSchema(schema: Schema): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  writer.finish();
  return framesOf(withoutEnd(writer.toUint8Array(true)))[0]!.bytes;
}

/** A record batch as the messages of one Batch: its dictionaries, then itself. `stream` and the numbers are left out. */
export function encodeBatch(records: RecordBatch): Batch {
  const writer = RecordBatchStreamWriter.writeAll([records] as never);
  const frames = framesOf(withoutEnd(writer.toUint8Array(true)));
  const ipcMessages = joined(frames.filter((frame) => frame.kind !== "schema").map((frame) => frame.bytes));
  return create(BatchSchema, { rows: BigInt(records.numRows), crc32c: crc32c(ipcMessages), ipcMessages });
}

function withoutEnd(stream: Uint8Array): Uint8Array {
  return stream.subarray(0, stream.length - 8);
}
