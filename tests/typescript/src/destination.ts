// Writes folders of lines. Run it with TOWPATH_LISTEN set.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { create } from "@bufbuild/protobuf";
import { DataType } from "apache-arrow";
import { z } from "zod";

import {
  type ColumnPlan,
  ColumnPlan_Fit as Fit,
  ColumnPlanSchema,
  type PrepareWriteRequest,
  type WriteOpen,
  type WriteStream,
} from "../gen/towpath/connector/v1/destination_pb.js";
import { WriteMode } from "../gen/towpath/connector/v1/types_pb.js";
import { folderOf, nameText } from "./lines/layout.js";
import { Key, unlock } from "./lines/lock.js";
import { discard, publish } from "./lines/stage.js";
import { typeName } from "./lines/types.js";
import { LinesWriter } from "./lines/writer.js";
import type { Connector } from "./protocol/connector.js";
import { decodeSchema } from "./protocol/decode.js";
import { Failure } from "./protocol/failure.js";
import { serve } from "./protocol/serve.js";
import type { Writer } from "./protocol/writing.js";

const MODES: readonly WriteMode[] = [WriteMode.APPEND, WriteMode.OVERWRITE];
const WRITERS = 8;

const Config = z.strictObject({
  path: z.string().min(1).describe("Folder in which each stream gets a folder of its own; it is made."),
  key: Key,
});
type Config = z.infer<typeof Config>;

/** Try the folder out, and leave no trace of it. */
async function tryFolder({ path }: Config): Promise<void> {
  const trial = join(path, `.towpath-check-${process.pid}-${Date.now()}`);
  try {
    const made = await mkdir(path, { recursive: true });
    await writeFile(trial, "");
    await rm(trial);
    if (made !== undefined) await rm(made, { recursive: true });
  } catch (error) {
    const problem = `the folder cannot be written (${(error as NodeJS.ErrnoException).code}); choose another one`;
    throw new Failure("misconfigured", problem, { reason: "NO_FOLDER", fields: { path: problem } });
  }
}

function checkModes(streams: readonly WriteStream[]): void {
  for (const { mode, name } of streams) {
    if (MODES.includes(mode)) continue;
    const problem = `${nameText(name!)} is to be written in the mode ${WriteMode[mode] ?? mode}`;
    throw new Failure("misconfigured", `${problem}; this connector can APPEND and OVERWRITE`, { reason: "WRITE_MODE" });
  }
}

async function prepare({ path, key }: Config, request: PrepareWriteRequest): Promise<readonly ColumnPlan[]> {
  await unlock(path, key);
  checkModes(request.streams);
  const plans = request.schemas.flatMap(({ stream, ipcSchema }) =>
    decodeSchema(ipcSchema).fields.flatMap(({ name: column, type }) => {
      if (typeName(type) === undefined) {
        const reason = `lines cannot hold ${type}`;
        return [create(ColumnPlanSchema, { stream, column, fit: Fit.IMPOSSIBLE, reason })];
      }
      if (!DataType.isDictionary(type)) return [];
      const reason = "stored as its values, without the dictionary";
      return [create(ColumnPlanSchema, { stream, column, storedName: column, fit: Fit.LOSSLESS, reason })];
    }),
  );
  if (!request.dryRun) {
    for (const { name } of request.streams) await mkdir(folderOf(path, name!), { recursive: true });
  }
  return plans;
}

async function open(config: Config, request: WriteOpen, signal: AbortSignal): Promise<Writer> {
  await unlock(config.path, config.key);
  checkModes(request.streams);
  return LinesWriter.open(config.path, request, signal);
}

const connector: Connector<Config> = {
  id: "io.towpath.test.destination-lines",
  version: "0.1.0",
  title: "Lines",
  config: Config as z.ZodType<Config>,
  probes: (config) => [
    { name: "key", run: () => unlock(config.path, config.key) },
    { name: "folder", run: () => tryFolder(config) },
  ],
  destination: {
    capabilities: { writeModes: [...MODES], discardsAfterResume: true, maxWritersPerStream: WRITERS },
    prepare,
    open,
    complete: async ({ path, key }, writeId, receipts, completed) => {
      await unlock(path, key);
      const minimums = completed.map(({ name, minimumGenerationId }) => ({
        name: name!,
        minimum: minimumGenerationId,
      }));
      await publish(path, writeId, receipts, minimums);
    },
    abort: async ({ path, key }, writeId) => {
      await unlock(path, key);
      await discard(path, writeId);
    },
  },
};

serve(connector);
