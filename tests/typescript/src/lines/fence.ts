// Who may write: the highest epoch that has opened a writer. It is kept in the names of files, which any process can see.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Failure } from "../protocol/failure.js";

const PREFIX = "epoch-";
const HOLDERS = new Map<string, Fence>();

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
    await fence.#checkEpoch();
    HOLDERS.set(folder, fence); // of two calls with the same epoch, the later one stays
    for (const file of await readdir(folder)) {
      if (file.startsWith(PREFIX) && file < mark) await rm(join(folder, file), { force: true });
    }
    return fence;
  }

  /** Let go of the writer in this process. */
  release(): void {
    if (HOLDERS.get(this.#folder) === this) HOLDERS.delete(this.#folder);
  }

  /** Fail as fenced when another call has taken over, or when the write is completed or aborted. */
  async check(): Promise<void> {
    await this.#checkEpoch();
    if (HOLDERS.get(this.#folder) !== this) throw this.#fenced("another call has taken over");
  }

  async #checkEpoch(): Promise<void> {
    const files = await readdir(this.#folder).catch(() => []);
    const epochs = files.filter((file) => file.startsWith(PREFIX)).map((file) => BigInt(file.slice(PREFIX.length)));
    const highest = epochs.reduce((high, epoch) => (epoch > high ? epoch : high), -1n);
    if (highest < 0n) throw this.#fenced("the write has been completed or aborted");
    if (highest !== this.#epoch) throw this.#fenced(`epoch ${highest} has taken over`);
  }

  #fenced(why: string): Failure {
    return new Failure("fenced", `epoch ${this.#epoch} may write no more: ${why}`, { reason: "FENCED" });
  }
}
