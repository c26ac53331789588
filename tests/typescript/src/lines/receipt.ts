// What one commit made durable, as it travels in a receipt.
import { violation } from "../protocol/failure.js";
import type { Name } from "./layout.js";

/** One staged file, and where it belongs. */
export interface StagedFile {
  /** Below the folder of the write. */
  readonly path: string;
  readonly stream: Name;
  /** Its name once it is published. */
  readonly published: string;
}

/** Encode the files of one commit. */
export function encodeReceipt(files: readonly StagedFile[]): Uint8Array {
  return Buffer.from(JSON.stringify({ files }));
}

/** Decode a receipt. Fails as a violation when it is not one of ours. */
export function decodeReceipt(receipt: Uint8Array): readonly StagedFile[] {
  try {
    const { files } = JSON.parse(Buffer.from(receipt).toString());
    if (Array.isArray(files)) return files;
  } catch {
    // said below
  }
  throw violation("a receipt was not written by this connector");
}
