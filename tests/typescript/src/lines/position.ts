// Where a read of a stream stands, as it travels in a checkpoint.
import { crc32c } from "../protocol/crc32c.js";
import { Failure } from "../protocol/failure.js";

/** Version of the encoding below. */
export const STATE_VERSION = 1;

/** Everything before `offset` of `file`, and every file before it, has been emitted. */
export interface Position {
  readonly file: string;
  readonly offset: number;
  /** Where this read ends: what is written behind it belongs to the next one. Only of a snapshot that is not done. */
  readonly until?: End;
}

/** The last file of a read, and how much of it belongs to the read. */
export interface End {
  readonly file: string;
  readonly size: number;
}

/** Encode a position, with a checksum, so that a damaged one is recognised. */
export function encodePosition({ file, offset, until }: Position): Uint8Array {
  const content = JSON.stringify(until === undefined ? { file, offset } : { file, offset, until });
  return Buffer.from(JSON.stringify({ content, crc32c: crc32c(Buffer.from(content)) }));
}

/** Decode a position; undefined for an empty state. Fails as positionLost when it is not one of ours. */
export function decodePosition(state: Uint8Array, version: number): Position | undefined {
  if (state.length === 0) return undefined;
  if (version !== STATE_VERSION) {
    throw lost(`the state has version ${version}; this connector knows ${STATE_VERSION}`, "UNKNOWN_STATE_VERSION");
  }
  try {
    const { content, crc32c: checksum } = JSON.parse(Buffer.from(state).toString());
    if (crc32c(Buffer.from(content)) !== checksum) throw new Error("its checksum does not match");
    return JSON.parse(content);
  } catch (error) {
    throw lost(`the state cannot be decoded: ${(error as Error).message}`, "BAD_STATE");
  }
}

/** What to fail with when a position is no more. */
export function lost(problem: string, reason: string): Failure {
  return new Failure("positionLost", `${problem}; start the stream over`, { reason });
}
