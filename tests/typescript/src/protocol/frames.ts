// Encapsulated Arrow IPC messages: cut apart, and put together into a stream that Arrow can read.
import { Message, MessageHeader } from "apache-arrow";

import { Failure } from "./failure.js";

/** Ends a stream of IPC messages. */
export const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** One encapsulated message, its metadata and body as they came. */
export interface Frame {
  readonly kind: "schema" | "dictionary" | "batch";
  readonly bytes: Uint8Array;
  /** Of a dictionary: which one, and whether it adds to the earlier one instead of replacing it. */
  readonly dictionary?: { readonly id: number; readonly delta: boolean };
}

/** Cut encapsulated messages apart. Fails as damaged when the bytes are anything else. */
export function framesOf(bytes: Uint8Array): Frame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length || view.getUint32(at, true) !== 0xffffffff) {
      throw new Failure("damaged", `there is no IPC message at byte ${at} of ${bytes.length}`);
    }
    const body = at + 8 + view.getInt32(at + 4, true);
    if (body <= at + 8 || body > bytes.length) {
      throw new Failure("damaged", `the IPC message at byte ${at} is longer than the ${bytes.length} bytes that came`);
    }
    const message = decoded(bytes.subarray(at + 8, body));
    const end = body + message.bodyLength;
    if (message.bodyLength < 0 || end > bytes.length) {
      throw new Failure("damaged", `the body of the IPC message at byte ${at} is longer than the bytes that came`);
    }
    frames.push({ ...described(message), bytes: bytes.subarray(at, end) });
    at = end;
  }
  return frames;
}

/** The bytes of several messages as one, in memory of their own. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function decoded(metadata: Uint8Array): Message {
  try {
    return Message.decode(metadata.slice());
  } catch (error) {
    throw new Failure("damaged", `the metadata of an IPC message cannot be decoded: ${(error as Error).message}`);
  }
}

function described(message: Message): Omit<Frame, "bytes"> {
  switch (message.headerType) {
    case MessageHeader.Schema:
      return { kind: "schema" };
    case MessageHeader.RecordBatch:
      return { kind: "batch" };
    case MessageHeader.DictionaryBatch: {
      const { id, isDelta } = (message as Message<MessageHeader.DictionaryBatch>).header();
      return { kind: "dictionary", dictionary: { id: Number(id), delta: isDelta } };
    }
    default:
      throw new Failure("damaged", `an IPC message is of the kind ${message.headerType}, not a dictionary or a batch`);
  }
}
