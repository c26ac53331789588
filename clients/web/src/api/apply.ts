/** Makes what a pipeline file describes: creates what is missing, changes what differs, deletes nothing. */
import { ConnectError, Code } from "@connectrpc/connect";
import { ReadMode, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import { Connection_SchemaChangePolicy } from "../gen/towpath/control/v1/connections_pb";
import { writeJson, type JsonObject } from "../lib/json";
import { intervalSeconds } from "../lib/schedule";
import type { Entry } from "../lib/yaml";
import { t } from "../text/en";
import { DESTINATIONS, SOURCES, type EndpointKind } from "./endpoints";
import { connections } from "./transport";

export interface Step {
  readonly entry: Entry;
  readonly action: "create" | "change";
}

const KINDS: Record<string, number> = { source: 0, destination: 1, connection: 2 };
const READ: Record<string, ReadMode> = {
  snapshot: ReadMode.SNAPSHOT,
  incremental: ReadMode.INCREMENTAL,
  changes: ReadMode.CHANGES,
};
const WRITE: Record<string, WriteMode> = {
  append: WriteMode.APPEND,
  overwrite: WriteMode.OVERWRITE,
  dedup: WriteMode.DEDUP,
};

async function exists(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return false;
    throw error;
  }
}

const never = new AbortController().signal;
const named = (entry: Entry): string => `${entry.kind}s/${entry.name}`;
const lookUp = (entry: Entry): Promise<unknown> =>
  entry.kind === "source"
    ? SOURCES.get(named(entry), never)
    : entry.kind === "destination"
      ? DESTINATIONS.get(named(entry), never)
      : connections.getConnection({ name: named(entry) });

/** What applying would do, in the order in which it is done. Throws Error for what cannot be applied here. */
export async function plan(entries: readonly Entry[]): Promise<Step[]> {
  const unknown = entries.find(({ kind }) => KINDS[kind] === undefined);
  if (unknown !== undefined) throw new Error(t.yaml.unknownKind(unknown.kind));
  if (/\$\{\w+\}/.test(writeJson(entries.map(({ fields }) => fields as JsonObject)))) throw new Error(t.yaml.variables);
  const sorted = [...entries].sort((a, b) => (KINDS[a.kind] ?? 9) - (KINDS[b.kind] ?? 9));
  return Promise.all(
    sorted.map(async (entry) => ({ entry, action: (await exists(lookUp(entry))) ? "change" : "create" }) as const),
  );
}

/** Do one step. Throws what the server says. */
export async function apply({ entry, action }: Step): Promise<void> {
  if (entry.kind === "source") await endpoint(SOURCES, entry, action);
  else if (entry.kind === "destination") await endpoint(DESTINATIONS, entry, action);
  else await connection(entry, action);
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

async function endpoint(kind: EndpointKind, entry: Entry, action: Step["action"]): Promise<void> {
  const config = writeJson((entry.fields["config"] ?? {}) as JsonObject);
  if (action === "create") await kind.create(entry.name, `connectors/${text(entry.fields["connector"])}`, config);
  else await kind.update(await kind.get(named(entry), never), config);
}

function streamOf(value: unknown) {
  const fields = (typeof value === "string" ? { name: value } : value) as Record<string, unknown>;
  const full = text(fields["name"]);
  const dot = full.indexOf(".");
  const apart = typeof fields["namespace"] === "string";
  const read = text(fields["read"]) || "snapshot";
  const write = text(fields["write"]);
  if (READ[read] === undefined || (write !== "" && WRITE[write] === undefined)) {
    throw new Error(t.yaml.unknownMode(full));
  }
  return {
    name: {
      namespace: apart ? text(fields["namespace"]) : dot < 0 ? "" : full.slice(0, dot),
      name: apart || dot < 0 ? full : full.slice(dot + 1),
    },
    readMode: READ[read],
    writeMode: WRITE[write] ?? WriteMode.UNSPECIFIED,
    cursorColumn: text(fields["cursor"]),
    columns: list(fields["columns"]),
    primaryKey: list(fields["primary_key"]),
  };
}

/** `15m`, `30s`, `2h`, `1d` in seconds. */
export function durationSeconds(value: string): number {
  const match = /^(\d+)\s*([smhd])$/.exec(value.trim());
  if (match === null) throw new Error(t.yaml.badDuration(value));
  return intervalSeconds(Number(match[1]), match[2] ?? "s");
}

/** `64MiB`, `1GB`, or a number of bytes. */
export function byteCount(value: unknown): bigint {
  const match = /^(\d+)\s*(?:([KMGT])(i?)B|B)?$/i.exec(String(value).trim());
  if (match === null) throw new Error(t.yaml.badSize(String(value)));
  const power = match[2] === undefined ? 0 : "KMGT".indexOf(match[2].toUpperCase()) + 1;
  return BigInt(match[1] ?? "0") * BigInt(match[3] ? 1024 : 1000) ** BigInt(power);
}

function scheduleOf(value: unknown) {
  if (value === "manual") return {};
  const fields = value as Record<string, unknown>;
  const every = text(fields["every"]);
  if (every !== "")
    return { timing: { case: "interval" as const, value: { seconds: BigInt(durationSeconds(every)), nanos: 0 } } };
  return {
    timing: { case: "cron" as const, value: { expression: text(fields["cron"]), timeZone: text(fields["time_zone"]) } },
  };
}

function settingsOf(value: unknown) {
  const fields = value as Record<string, unknown>;
  return {
    maxParallelStreams: Number(fields["max_parallel_streams"] ?? 0),
    commitBytes: byteCount(fields["commit_bytes"] ?? 0),
    maxAttempts: Number(fields["max_attempts"] ?? 0),
    ...(fields["commit_interval"] !== undefined && {
      commitInterval: { seconds: BigInt(durationSeconds(text(fields["commit_interval"]))), nanos: 0 },
    }),
  };
}

async function connection(entry: Entry, action: Step["action"]): Promise<void> {
  const { fields } = entry;
  const { FAIL, PROPAGATE } = Connection_SchemaChangePolicy;
  const wanted = {
    source: `sources/${text(fields["source"])}`,
    destination: `destinations/${text(fields["destination"])}`,
    ...(Array.isArray(fields["streams"]) && { streams: fields["streams"].map(streamOf) }),
    ...(fields["schedule"] !== undefined && { schedule: scheduleOf(fields["schedule"]) }),
    ...(fields["schema_change"] !== undefined && {
      schemaChangePolicy: fields["schema_change"] === "fail" ? FAIL : PROPAGATE,
    }),
    ...(fields["settings"] !== undefined && { settings: settingsOf(fields["settings"]) }),
  };
  if (action === "create") {
    await connections.createConnection({ connectionId: entry.name, connection: wanted });
    return;
  }
  const names = {
    streams: "streams",
    schedule: "schedule",
    schemaChangePolicy: "schema_change_policy",
    settings: "settings",
  };
  const paths = Object.entries(names).flatMap(([key, path]) => (key in wanted ? [path] : []));
  if (paths.length > 0) {
    await connections.updateConnection({ connection: { ...wanted, name: named(entry) }, updateMask: { paths } });
  }
}
