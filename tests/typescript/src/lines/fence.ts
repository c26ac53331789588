// Who may write: the highest epoch that has opened a writer. It is kept in the names of files, which any process can see.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Failure } from "../protocol/failure.js";

const PREFIX = "epoch-";

/** The epoch of one writer. */
export class Fence {
  readonly #folder: string;
  readonly #epoch: bigint;

  private constructor(folder: string, epoch: bigint) {
    this.#folder = folder;
    this.#epoch = epoch;
  }

  /** Take a writer over, in its folder, which is made. Fails as fenced when a higher epoch has it. */
  static async take(folder: string, epoch: bigint): Promise<Fence> {
    const fence = new Fence(folder, epoch);
    await mkdir(folder, { recursive: true });
    // First the mark, then the look: of two that open at the same time, at least the lower one sees the other.
    const mark = PREFIX + String(epoch).padStart(20, "0");
    await writeFile(join(folder, mark), "");
    await fence.check();
    for (const file of await readdir(folder)) {
      if (file.startsWith(PREFIX) && file < mark) await rm(join(folder, file), { force: true });
    }
    return fence;
  }

  /** Fail as fenced when a higher epoch has taken over, or when the write is completed or aborted. */
  async check(): Promise<void> {
    const files = await readdir(this.#folder).catch(() => []);
    const epochs = files.filter((file) => file.startsWith(PREFIX)).map((file) => BigInt(file.slice(PREFIX.length)));
    const highest = epochs.reduce((high, epoch) => (epoch > high ? epoch : high), -1n);
    if (highest === this.#epoch) return;
    const who = highest < 0n ? "the write has been completed or aborted" : `epoch ${highest} has taken over`;
    throw new Failure("fenced", `epoch ${this.#epoch} may write no more: ${who}`, { reason: "FENCED" });
  }
}
