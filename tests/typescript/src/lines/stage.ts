// What a write has staged, and how it is published: a commit is a set of finished files, publishing renames them.
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { Failure } from "../protocol/failure.js";
import { escaped, exists, filesOf, folderOf, type Name } from "./layout.js";
import { decodeReceipt } from "./receipt.js";

const OURS = ".towpath";
const DONE = ".done";

/** The folder in which a write stages, apart from what readers see. */
export function stageOf(root: string, writeId: string): string {
  return join(root, OURS, escaped(writeId));
}

/** Whether a write has been published: nothing can be added to it any more. */
export async function published(root: string, writeId: string): Promise<boolean> {
  return exists(stageOf(root, writeId) + DONE);
}

/** Discard a writer's files that no receipt names; returns how many. */
export async function discardBut(kept: readonly Uint8Array[], stage: string, writer: string): Promise<number> {
  const named = new Set(kept.flatMap((receipt) => decodeReceipt(receipt).map((file) => file.path)));
  let discarded = 0;
  for (const file of await filesOf(join(stage, writer))) {
    if (named.has(join(writer, file))) continue;
    await rm(join(stage, writer, file), { force: true });
    discarded += 1;
  }
  return discarded;
}

/** Publish what receipts name, discard everything else of the write, remove what the streams replace. Repeatable. */
export async function publish(
  root: string,
  writeId: string,
  receipts: readonly Uint8Array[],
  minimums: readonly { name: Name; minimum: bigint }[],
): Promise<void> {
  const stage = stageOf(root, writeId);
  if (!(await exists(stage + DONE))) {
    const files = receipts.flatMap(decodeReceipt);
    const folders = new Set<string>();
    for (const file of files) {
      const folder = folderOf(root, file.stream);
      await mkdir(folder, { recursive: true });
      await publishFile(join(stage, file.path), join(folder, file.published));
      folders.add(folder);
    }
    for (const folder of folders) await syncFolder(folder);
    // From here on a repetition finds nothing to publish, whatever has become of the files meanwhile.
    await mkdir(dirname(stage), { recursive: true });
    await writeFile(stage + DONE, "");
    await syncFolder(dirname(stage));
  }
  await rm(stage, { recursive: true, force: true });
  for (const { name, minimum } of minimums) await removeBelow(folderOf(root, name), minimum);
}

/** Discard everything that a write has staged. */
export async function discard(root: string, writeId: string): Promise<void> {
  await rm(stageOf(root, writeId), { recursive: true, force: true });
}

/** The name of a published file: generations and commits in order, and equal for equal commits. */
export function publishedName(generation: bigint, writeId: string, writerId: string, number: string): string {
  const writer = createHash("sha256")
    .update(JSON.stringify([writeId, writerId]))
    .digest("hex")
    .slice(0, 32);
  return `${String(generation).padStart(20, "0")}-${writer}-${number}.ndjson`;
}

/** Make what is in a folder durable: names that were added, changed or removed. */
export async function syncFolder(folder: string): Promise<void> {
  const handle: FileHandle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function publishFile(staged: string, published: string): Promise<void> {
  if (await exists(published)) return; // by an earlier try
  await rename(staged, published).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Failure("positionLost", `a receipt names ${staged}, which is gone: the write was aborted`, {
      reason: "NOT_STAGED",
    });
  });
}

async function removeBelow(folder: string, minimum: bigint): Promise<void> {
  for (const file of await readdir(folder).catch(() => [])) {
    const [, generation] = /^(\d{20})-.*\.ndjson$/.exec(file) ?? [];
    if (generation !== undefined && BigInt(generation) < minimum) await rm(join(folder, file), { force: true });
  }
}
