// Folders that open with a key only: a file in them holds what the key must give.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { Failure } from "../protocol/failure.js";

/** The key's field of a configuration. */
export const Key = z
  .string()
  .optional()
  .describe("Key of the folder; needed when it is locked.")
  .meta({ writeOnly: true, "x-towpath-secret": true });

/** Fail as denied when a folder is locked, and not with this key. */
export async function unlock(folder: string, key: string | undefined): Promise<void> {
  const lock = await readFile(join(folder, ".lock"), "utf8").catch(() => undefined);
  if (lock === undefined) return;
  const wanted = Buffer.from(lock.trim(), "hex");
  const given = createHmac("sha256", key ?? "")
    .update("towpath lines")
    .digest();
  if (wanted.length === given.length && timingSafeEqual(wanted, given)) return;
  const problem = key === undefined ? "the folder is locked; give its key" : "the folder is locked with another key";
  throw new Failure("denied", problem, { reason: "WRONG_KEY", fields: { key: problem } });
}
