// Where what lies: a stream is a folder of files, whose first line is a header and whose other lines are rows.
//
//   PATH/orders/000001.ndjson              {"columns":[{"name":"id","type":"int64"}],"key":["id"]}
//   PATH/shop/orders/000001.ndjson         ["1"]                      (a stream in a namespace)
//   PATH/orders/.hold or PATH/.hold        while it is there, who reads or writes waits
//   PATH/.towpath/WRITE/WRITER/...         what a destination has staged
import { createHash } from "node:crypto";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { StreamName } from "../../gen/towpath/connector/v1/types_pb.js";
import { Failure } from "../protocol/failure.js";
import { mapAhead } from "./ahead.js";

const SUFFIX = ".ndjson";
const LONGEST = 200; // bytes of a file's name that come from somebody else's name
const LOOK_MS = 50;
const AHEAD = 32; // folders looked into at the same time

/** Which stream, without what the library adds to the message. */
export type Name = Pick<StreamName, "namespace" | "name">;

/** The folder of a stream. */
export function folderOf(root: string, { namespace, name }: Name): string {
  return namespace ? join(root, escaped(namespace), escaped(name)) : join(root, escaped(name));
}

/** Names of a stream's files, in the order in which they are read. */
export async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(isOfLines).sort();
}

/** A stream that there is: its folder, and the file that was begun last. */
export interface Found {
  readonly name: Name;
  readonly folder: string;
  readonly newest: string;
}

/** Every stream below a folder, in a stable order. */
export async function* streamsOf(root: string): AsyncGenerator<Found> {
  const { folders: names } = await contentOf(root);
  const outer = mapAhead(names, AHEAD, async (name) => ({ name, ...(await contentOf(join(root, name))) }));
  for await (const { name, files, folders } of outer) {
    const [newest, folder] = [files.at(-1), join(root, name)];
    if (newest !== undefined) yield { name: { namespace: "", name: unescaped(name) }, folder, newest };
    for (const inner of folders) {
      const last = (await contentOf(join(folder, inner))).files.at(-1);
      if (last === undefined) continue;
      yield { name: { namespace: unescaped(name), name: unescaped(inner) }, folder: join(folder, inner), newest: last };
    }
  }
}

/** As people write it: "namespace.name". */
export function nameText({ namespace, name }: Name): string {
  return namespace ? `${namespace}.${name}` : name;
}

/** Wait while a stream, or all of them, are held. Fails when the call is cancelled meanwhile. */
export async function released(root: string, name: Name, signal: AbortSignal): Promise<void> {
  while ((await exists(join(root, ".hold"))) || (await exists(join(folderOf(root, name), ".hold")))) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {
      throw new Failure("cancelled", "the call was cancelled while the stream was held");
    });
  }
}

/** Whether something has this path. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Somebody else's name as one part of a path: different names stay different, and none is hidden or leads elsewhere. */
export function escaped(name: string): string {
  const safe = encodeURIComponent(name).replace(/^[._]/, (first) => (first === "." ? "%2E" : "%5F"));
  if (safe.length <= LONGEST) return safe;
  return `${safe.slice(0, LONGEST - 65).replace(/%.?$/, "")}%~${createHash("sha256").update(name).digest("hex")}`;
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a folder that somebody else has named
  }
}

async function contentOf(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true });
  return {
    files: entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .filter(isOfLines)
      .sort(),
    folders: entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .filter(seen)
      .sort(),
  };
}

function isOfLines(file: string): boolean {
  return file.endsWith(SUFFIX);
}

/** Names that begin so are ours, or somebody's own business. */
function seen(name: string): boolean {
  return !name.startsWith(".") && !name.startsWith("_");
}
