// Reads folders of lines. Run it with TOWPATH_LISTEN set.
import { readdir } from "node:fs/promises";

import { create } from "@bufbuild/protobuf";
import { z } from "zod";

import {
  type PlanReadRequest,
  type ReadStream,
  type Split,
  SplitSchema,
} from "../gen/towpath/connector/v1/source_pb.js";
import { ReadMode, type StreamDescriptor, StreamDescriptorSchema } from "../gen/towpath/connector/v1/types_pb.js";
import { mapAhead } from "./lines/ahead.js";
import { type Header, LinesFile } from "./lines/files.js";
import { filesOf, folderOf, type Found, nameText, released, streamsOf } from "./lines/layout.js";
import { Key, unlock } from "./lines/lock.js";
import { decodePosition, type End, encodePosition, lost, type Position, STATE_VERSION } from "./lines/position.js";
import { portions, recordsOf } from "./lines/rows.js";
import { schemaOf } from "./lines/types.js";
import type { Connector } from "./protocol/connector.js";
import { encodeSchema } from "./protocol/encode.js";
import { Failure, violation } from "./protocol/failure.js";
import type { Asked, Emission } from "./protocol/reading.js";
import { serve } from "./protocol/serve.js";

const AHEAD = 32; // files opened at the same time, to be described

const Config = z.strictObject({
  path: z.string().min(1).describe("Folder with one folder for each stream."),
  key: Key,
  batch_rows: z.int().min(1).default(5000).describe("Most rows of a batch; after each there is a checkpoint."),
});
type Config = z.infer<typeof Config>;

async function rootOf({ path, key }: Config): Promise<string> {
  await readable(path);
  await unlock(path, key);
  return path;
}

async function readable(path: string): Promise<void> {
  await readdir(path).catch((error: NodeJS.ErrnoException) => {
    const problem = `the folder cannot be read (${error.code}); create it, or let the connector's user read it`;
    throw new Failure("notFound", problem, { reason: "NO_FOLDER", fields: { path: problem } });
  });
}

async function* discover(config: Config, signal: AbortSignal): AsyncGenerator<StreamDescriptor> {
  for await (const descriptor of mapAhead(streamsOf(await rootOf(config)), AHEAD, describe)) {
    if (signal.aborted) return;
    yield descriptor;
  }
}

async function describe({ name, folder, newest }: Found): Promise<StreamDescriptor> {
  const file = await LinesFile.open(folder, newest);
  await file.close();
  return create(StreamDescriptorSchema, {
    name,
    ipcSchema: encodeSchema(schemaOf(file.header.columns)),
    primaryKey: [...file.header.key],
    readModes: [ReadMode.SNAPSHOT, ReadMode.INCREMENTAL],
    kind: "folder",
  });
}

/** One split for each file of a stream; an incremental read, which has an order to keep, is not divided. */
async function plan(config: Config, request: PlanReadRequest): Promise<readonly Split[]> {
  const root = await rootOf(config);
  const splits: Split[] = [];
  for (const [stream, asked] of request.streams.entries()) {
    checkMode(asked);
    const [folder, files] = await filesToRead(root, asked);
    const parts = asked.mode === ReadMode.SNAPSHOT && asked.state.length === 0 ? files : [];
    for (const name of parts) {
      const file = await LinesFile.open(folder, name);
      const end: End = { file: name, size: await file.size() };
      await file.close();
      const token = Buffer.from(JSON.stringify(end));
      splits.push(
        create(SplitSchema, { splitId: `${stream}/${name}`, token, estimatedBytes: BigInt(end.size), stream }),
      );
    }
    if (parts.length === 0) splits.push(create(SplitSchema, { splitId: `${stream}/*`, stream }));
  }
  return splits;
}

async function* read(config: Config, asked: Asked): AsyncGenerator<Emission, boolean> {
  const { stream, signal, draining } = asked;
  checkMode(stream);
  const root = await rootOf(config);
  const [folder, files] = await filesToRead(root, stream);
  const selected = await selection(folder, files, stream.columns);
  const part = splitEnd(asked.split);
  const state = decodePosition(stream.state, stream.stateVersion);
  const until = part ?? state?.until ?? (await endOf(folder, files));
  const keep = stream.mode === ReadMode.SNAPSHOT ? { until } : {};
  if (state !== undefined && !files.includes(state.file)) throw lost(`${state.file} is gone`, "FILE_GONE");

  let announced = "";
  let position: Position | undefined = state;
  for (const name of files) {
    if (name < (state?.file ?? part?.file ?? "") || name > until.file) continue;
    const file = await LinesFile.open(folder, name);
    try {
      const { columns, key } = selected ?? file.header; // a selected column that this file lacks is NULL
      const schema = schemaOf(columns);
      const picked = columns.map(({ name: wanted }) => file.header.columns.findIndex((given) => given.name === wanted));
      if (announced !== JSON.stringify([columns, key])) {
        announced = JSON.stringify([columns, key]);
        yield { kind: "schema", schema, primaryKey: key };
      }
      const from = name === state?.file ? state.offset : file.start;
      if (!(await file.startsLine(from))) throw lost(`${name} has no line at byte ${from} any more`, "FILE_CHANGED");
      position = { file: name, offset: from, ...keep };
      const to = name === until.file ? until.size : await file.size();
      for await (const lines of portions(file, from, to, config.batch_rows)) {
        await released(root, stream.name!, signal);
        yield { kind: "rows", records: recordsOf(schema, picked, lines, file.path) };
        position = { file: name, offset: lines.at(-1)!.end, ...keep };
        yield checkpoint(position);
        if (draining()) return false;
      }
    } finally {
      await file.close();
    }
  }
  yield checkpoint(position ?? { file: until.file, offset: until.size });
  return true;
}

function checkMode({ mode, cursorColumn, name }: ReadStream): void {
  if (mode !== ReadMode.SNAPSHOT && mode !== ReadMode.INCREMENTAL) {
    throw new Failure("misconfigured", `${nameText(name!)} has no read mode ${mode}; read SNAPSHOT or INCREMENTAL`);
  }
  if (cursorColumn) {
    throw new Failure("misconfigured", "the position in the files is the cursor; choose no cursor column");
  }
}

async function filesToRead(root: string, { name }: ReadStream): Promise<[string, readonly string[]]> {
  const folder = folderOf(root, name!);
  const files = await filesOf(folder).catch(() => []);
  if (files.length === 0) {
    throw new Failure("notFound", `there is no stream ${nameText(name!)}`, { reason: "UNKNOWN_STREAM" });
  }
  return [folder, files];
}

async function endOf(folder: string, files: readonly string[]): Promise<End> {
  const file = await LinesFile.open(folder, files.at(-1)!);
  try {
    return { file: files.at(-1)!, size: await file.size() };
  } finally {
    await file.close();
  }
}

/** The selected columns, as the newest file has them; undefined when everything is wanted. */
async function selection(
  folder: string,
  files: readonly string[],
  names: readonly string[],
): Promise<Header | undefined> {
  if (names.length === 0) return undefined;
  const newest = await LinesFile.open(folder, files.at(-1)!);
  await newest.close();
  const columns = names.map((name) => {
    const found = newest.header.columns.find((given) => given.name === name);
    if (found !== undefined) return found;
    const choices = newest.header.columns.map((given) => given.name).join(", ");
    throw new Failure("misconfigured", `there is no column ${name}; choose among: ${choices}`, {
      reason: "UNKNOWN_COLUMN",
    });
  });
  return { columns, key: newest.header.key.every((name) => names.includes(name)) ? newest.header.key : [] };
}

function splitEnd(split: Split | undefined): End | undefined {
  if (split === undefined || split.token.length === 0) return undefined;
  try {
    const { file, size } = JSON.parse(Buffer.from(split.token).toString());
    if (typeof file === "string" && Number.isSafeInteger(size)) return { file, size };
  } catch {
    // said below
  }
  throw violation(`the split ${split.splitId} was not planned by this connector`);
}

function checkpoint(position: Position): Emission {
  return { kind: "checkpoint", state: encodePosition(position), version: STATE_VERSION };
}

const connector: Connector<Config> = {
  id: "io.towpath.test.source-lines",
  version: "0.1.0",
  title: "Lines",
  config: Config as z.ZodType<Config>,
  probes: (config) => [
    { name: "folder", run: () => readable(config.path) },
    { name: "key", run: () => unlock(config.path, config.key) },
    {
      name: "headers",
      run: async () => {
        for await (const _ of discover(config, new AbortController().signal)) continue;
      },
    },
  ],
  source: { capabilities: { splits: true, deterministicReplay: true }, discover, plan, read },
};

serve(connector);
