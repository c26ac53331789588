// One file of lines: its header, and its rows from any offset on.
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

import { Failure } from "../protocol/failure.js";
import { arrowType, type ColumnName } from "./types.js";

const CHUNK = 512 * 1024; // bytes read at once
const HEADER_CHUNK = 4096; // likewise, of a file whose header is all that is wanted
const LONGEST = 256 * 2 ** 20; // bytes of a line
const NEWLINE = 0x0a;

/** What the first line of a file says. */
export interface Header {
  readonly columns: readonly ColumnName[];
  readonly key: readonly string[];
}

/** One line, without its end; `end` is the offset of the line after it. */
export interface Line {
  readonly text: string;
  readonly end: number;
}

/** A file that is read. */
export class LinesFile {
  readonly header: Header;
  /** Offset of the first row. */
  readonly start: number;
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, header: Header, start: number) {
    this.path = path;
    this.#handle = handle;
    this.header = header;
    this.start = start;
  }

  /** Open a file and read its header. Fails as misconfigured when it has none, as notFound when it is gone. */
  static async open(folder: string, file: string): Promise<LinesFile> {
    const path = join(folder, file);
    const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
      throw new Failure("notFound", `${path} cannot be read: ${error.code}`, { reason: "NO_FILE" });
    });
    try {
      for await (const [first] of lines(handle, path, 0, Number.POSITIVE_INFINITY, HEADER_CHUNK)) {
        return new LinesFile(path, handle, headerOf(path, first!.text), first!.end);
      }
      throw new Failure("misconfigured", `${path} has no header`, { reason: "BAD_HEADER" });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that it has now. */
  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  /** Whether a line begins at an offset. */
  async startsLine(offset: number): Promise<boolean> {
    if (offset < this.start || offset > (await this.size())) return false;
    const { buffer } = await this.#handle.read(Buffer.alloc(1), 0, 1, offset - 1);
    return buffer[0] === NEWLINE;
  }

  /** Whole lines between two offsets, as many at a time as are there. */
  lines(from: number, to: number): AsyncGenerator<readonly Line[]> {
    return lines(this.#handle, this.path, from, to);
  }

  /** Let go of the file. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function* lines(
  handle: FileHandle,
  path: string,
  from: number,
  to: number,
  chunkBytes = CHUNK,
): AsyncGenerator<readonly Line[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let at = from;
  while (at < to) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, to - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    const found: Line[] = [];
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1 && end < bytesRead; end = chunk.indexOf(NEWLINE, begin)) {
      const text = Buffer.concat([...pending, chunk.subarray(begin, end)]).toString();
      found.push({ text, end: at + end + 1 });
      [pending, pendingBytes, begin] = [[], 0, end + 1];
    }
    pending.push(chunk.subarray(begin, bytesRead));
    pendingBytes += bytesRead - begin;
    if (pendingBytes > LONGEST) {
      throw new Failure("badRecord", `${path} has a line of more than ${LONGEST} bytes`, { reason: "LINE_TOO_LONG" });
    }
    at += bytesRead;
    if (found.length > 0) yield found;
  }
}

function headerOf(path: string, text: string): Header {
  let header: Partial<Header>;
  try {
    header = JSON.parse(text);
  } catch {
    throw new Failure("misconfigured", `the first line of ${path} is no header`, { reason: "BAD_HEADER" });
  }
  const { columns, key = [] } = header ?? {};
  if (!Array.isArray(columns) || columns.length === 0 || !columns.every(({ name }) => typeof name === "string")) {
    throw new Failure("misconfigured", `the header of ${path} names no columns`, { reason: "BAD_HEADER" });
  }
  const names = new Set(columns.map(({ name }) => name));
  if (names.size < columns.length || !Array.isArray(key) || !key.every((name) => names.has(name))) {
    throw new Failure("misconfigured", `the header of ${path} has a column twice, or a key without its column`, {
      reason: "BAD_HEADER",
    });
  }
  for (const { type } of columns) arrowType(type);
  return { columns, key };
}
