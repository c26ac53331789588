// One writer of a destination: batches become lines in staged files, commits finish these files.
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

import type { RecordBatch, Schema } from "apache-arrow";

import type { WriteOpen, WriteStream } from "../../gen/towpath/connector/v1/destination_pb.js";
import { Failure } from "../protocol/failure.js";
import type { Rejection, Writer } from "../protocol/writing.js";
import { cellWriter, Unstorable } from "./cells.js";
import { Fence } from "./fence.js";
import { escaped, released } from "./layout.js";
import { encodeReceipt, type StagedFile } from "./receipt.js";
import { discardBut, published, publishedName, stageOf, syncFolder } from "./stage.js";
import { typeName } from "./types.js";

const BUFFERED = 512 * 1024; // characters that are written at once

interface OpenFile {
  readonly schema: Schema;
  readonly handle: FileHandle;
  readonly staged: StagedFile;
  lines: string[];
  characters: number;
}

/** Stages lines below `root`. */
export class LinesWriter implements Writer {
  readonly discarded: number;
  readonly #root: string;
  readonly #request: WriteOpen;
  readonly #signal: AbortSignal;
  readonly #fence: Fence;
  readonly #open = new Map<number, OpenFile>();
  #uncommitted: StagedFile[] = [];
  #commitSeq: bigint;
  #files = 0;

  private constructor(root: string, request: WriteOpen, signal: AbortSignal, fence: Fence, discarded: number) {
    this.#root = root;
    this.#request = request;
    this.#signal = signal;
    this.#fence = fence;
    this.discarded = discarded;
    this.#commitSeq = request.resumeAfterCommitSeq;
  }

  /** Take the writer over from earlier attempts, and discard what they left beyond the receipts. */
  static async open(root: string, request: WriteOpen, signal: AbortSignal): Promise<LinesWriter> {
    const { writeId, writerId, epoch, receipts } = request;
    if (await published(root, writeId)) {
      throw new Failure("fenced", "the write has been completed", { reason: "FENCED" });
    }
    const stage = stageOf(root, writeId);
    const fence = await Fence.take(join(stage, escaped(writerId)), epoch);
    const discarded = await discardBut(receipts, stage, escaped(writerId));
    return new LinesWriter(root, request, signal, fence, discarded);
  }

  checkFence(): Promise<void> {
    return this.#fence.check();
  }

  async write(stream: number, schema: Schema, records: RecordBatch): Promise<readonly Rejection[]> {
    const target = this.#request.streams[stream]!;
    await released(this.#root, target.name!, this.#signal);
    const file = await this.#fileFor(stream, target, schema);
    const rejections: Rejection[] = [];
    const columns = records.data.children.map(cellWriter);
    for (let row = 0; row < records.numRows; row++) {
      let line: string;
      try {
        line = `[${columns.map((write) => write(row)).join(",")}]\n`;
      } catch (error) {
        if (!(error instanceof Unstorable)) throw error;
        rejections.push({ rows: [row], reason: new Failure("badRecord", error.message, { reason: "UNSTORABLE" }) });
        continue;
      }
      file.lines.push(line);
      file.characters += line.length;
      if (file.characters >= BUFFERED) await flush(file);
    }
    return together(rejections);
  }

  async commit(commitSeq: bigint): Promise<Uint8Array> {
    for (const stream of [...this.#open.keys()]) await this.#finish(stream);
    await syncFolder(join(stageOf(this.#root, this.#request.writeId), escaped(this.#request.writerId)));
    await this.#fence.check();
    const receipt = encodeReceipt(this.#uncommitted);
    this.#uncommitted = [];
    this.#commitSeq = commitSeq;
    return receipt;
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.values()) await handle.close();
    this.#open.clear();
    const stage = stageOf(this.#root, this.#request.writeId);
    for (const { path } of this.#uncommitted) await rm(join(stage, path), { force: true });
    this.#uncommitted = [];
    this.#fence.release();
  }

  /** The file that takes rows of this schema; a header holds one schema, so that another one begins another file. */
  async #fileFor(stream: number, target: WriteStream, schema: Schema): Promise<OpenFile> {
    const current = this.#open.get(stream);
    if (current?.schema === schema) return current;
    if (current !== undefined) await this.#finish(stream);
    const { writeId, writerId, epoch } = this.#request;
    const number = `${String(this.#commitSeq + 1n).padStart(20, "0")}-${(this.#files += 1)}`;
    const staged: StagedFile = {
      path: join(escaped(writerId), `${number}-${epoch}.ndjson`),
      stream: { namespace: target.name!.namespace, name: target.name!.name },
      published: publishedName(target.generationId, writeId, writerId, number),
    };
    const handle = await open(join(stageOf(this.#root, writeId), staged.path), "w").catch(async (error: unknown) => {
      await this.#fence.check(); // the folder is gone when the write was completed or aborted
      throw error;
    });
    this.#uncommitted.push(staged);
    const file: OpenFile = { schema, handle, staged, lines: [], characters: 0 };
    this.#open.set(stream, file);
    file.lines.push(`${JSON.stringify({ columns: columnsOf(schema), key: target.primaryKey })}\n`);
    return file;
  }

  async #finish(stream: number): Promise<void> {
    const file = this.#open.get(stream)!;
    await flush(file);
    await file.handle.sync();
    await file.handle.close();
    this.#open.delete(stream);
  }
}

function columnsOf(schema: Schema): object[] {
  return schema.fields.map(({ name, type }) => {
    const known = typeName(type);
    if (known !== undefined) return { name, type: known };
    throw new Failure("misconfigured", `column ${name} has the type ${type}, which no lines can hold`, {
      reason: "IMPOSSIBLE_TYPE",
    });
  });
}

async function flush(file: OpenFile): Promise<void> {
  await file.handle.appendFile(file.lines.join(""));
  file.lines = [];
  file.characters = 0;
}

/** Rejections with the same reason as one. */
function together(rejections: readonly Rejection[]): readonly Rejection[] {
  const byReason = new Map<string, { rows: number[]; reason: Failure }>();
  for (const { rows, reason } of rejections) {
    const found = byReason.get(reason.message);
    if (found) found.rows.push(...rows);
    else byReason.set(reason.message, { rows: [...rows], reason });
  }
  return [...byReason.values()];
}
