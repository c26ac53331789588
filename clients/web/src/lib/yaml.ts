/** Pipeline files, as docs/pipeline.md describes them. Loaded only where YAML is shown. */
import { parseAllDocuments, stringify } from "yaml";
import { ReadMode, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import {
  Connection_SchemaChangePolicy,
  type Connection,
  type ConnectionStream,
  type Schedule,
} from "../gen/towpath/control/v1/connections_pb";
import { MASK } from "../forms/schema";
import { isObject, parseJson, type Json, type JsonObject } from "./json";
import { idOf, streamLabel } from "./names";
import { intervalParts } from "./schedule";

const READ = {
  [ReadMode.SNAPSHOT]: "snapshot",
  [ReadMode.INCREMENTAL]: "incremental",
  [ReadMode.CHANGES]: "changes",
} as Record<number, string>;
const WRITE = {
  [WriteMode.APPEND]: "append",
  [WriteMode.OVERWRITE]: "overwrite",
  [WriteMode.DEDUP]: "dedup",
} as Record<number, string>;

/** A name in upper case for a secret's environment variable: `SHOP_DB_PASSWORD`. */
const variable = (id: string, key: string): string => `\${${`${id}_${key}`.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}}`;

/** Replace every masked secret by a variable. */
function unmasked(id: string, key: string, value: Json | undefined): Json | undefined {
  if (value === MASK) return variable(id, key);
  if (Array.isArray(value)) return value.map((each) => unmasked(id, key, each) ?? null);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unmasked(id, name, each)]));
}

const endpoint = (
  kind: string,
  { name, connector, configJson }: { name: string; connector: string; configJson: string },
) => ({
  kind,
  name: idOf(name),
  connector: idOf(connector),
  config: unmasked(idOf(name), "", parseJson(configJson)),
});

function streamEntry(stream: ConnectionStream): unknown {
  // Where a name has dots, a dotted text would be split in the wrong place.
  const dotted = `${stream.name?.namespace ?? ""}${stream.name?.name ?? ""}`.includes(".");
  const named = dotted
    ? { namespace: stream.name?.namespace, name: stream.name?.name }
    : { name: streamLabel(stream.name) };
  return {
    ...named,
    read: READ[stream.readMode] ?? "snapshot",
    ...(WRITE[stream.writeMode] !== undefined && { write: WRITE[stream.writeMode] }),
    ...(stream.cursorColumn !== "" && { cursor: stream.cursorColumn }),
    ...(stream.columns.length > 0 && { columns: stream.columns }),
    ...(stream.primaryKey.length > 0 && { primary_key: stream.primaryKey }),
  };
}

function scheduleEntry(schedule: Schedule | undefined): unknown {
  switch (schedule?.timing.case) {
    case "interval": {
      const { amount, unit } = intervalParts(Number(schedule.timing.value.seconds));
      return { every: `${amount}${unit}` };
    }
    case "cron": {
      const { expression, timeZone } = schedule.timing.value;
      return { cron: expression, ...(timeZone !== "" && { time_zone: timeZone }) };
    }
    default:
      return "manual";
  }
}

function settingsEntry({ settings }: Connection): JsonObject | undefined {
  const entry: JsonObject = {
    max_parallel_streams: settings?.maxParallelStreams || undefined,
    commit_bytes: settings?.commitBytes ? Number(settings.commitBytes) : undefined,
    commit_interval: settings?.commitInterval ? `${settings.commitInterval.seconds}s` : undefined,
    max_attempts: settings?.maxAttempts || undefined,
  };
  return Object.values(entry).some((value) => value !== undefined) ? entry : undefined;
}

interface Parts {
  readonly source: { name: string; connector: string; configJson: string } | undefined;
  readonly destination: { name: string; connector: string; configJson: string } | undefined;
  readonly connection: Connection;
}

/** A connection with its source and destination, as the file that `towpath apply` takes. */
export function exported({ source, destination, connection }: Parts): string {
  const settings = settingsEntry(connection);
  const entries = [
    ...(source === undefined ? [] : [endpoint("source", source)]),
    ...(destination === undefined ? [] : [endpoint("destination", destination)]),
    {
      kind: "connection",
      name: idOf(connection.name),
      source: idOf(connection.source),
      destination: idOf(connection.destination),
      schedule: scheduleEntry(connection.schedule),
      schema_change: connection.schemaChangePolicy === Connection_SchemaChangePolicy.FAIL ? "fail" : "propagate",
      ...(settings !== undefined && { settings }),
      streams: connection.streams.map(streamEntry),
    },
  ];
  return entries.map((entry) => stringify(entry, { lineWidth: 110 })).join("---\n");
}

export interface Entry {
  readonly kind: string;
  readonly name: string;
  readonly fields: Record<string, unknown>;
}

const PLURALS: Record<string, string> = {
  sources: "source",
  destinations: "destination",
  connections: "connection",
  connectors: "connector",
};
const record = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const entryOf = (kind: string, fields: Record<string, unknown>): Entry => ({
  kind,
  name: typeof fields["name"] === "string" ? fields["name"] : "",
  fields,
});

/** Integers that a number holds exactly become numbers; larger ones stay bigints. */
function small(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(small);
  return record(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, small(each)])) : value;
}

/** Every entry of a file in any of its three shapes. Throws Error with line and column when it is no YAML. */
export function entriesOf(text: string): Entry[] {
  const documents = parseAllDocuments(text, { intAsBigInt: true });
  return [...documents].flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message);
    const value = small(document.toJS());
    if (Array.isArray(value))
      return value.filter(record).map((each) => entryOf(typeof each["kind"] === "string" ? each["kind"] : "", each));
    if (!record(value)) return [];
    if (typeof value["kind"] === "string") return [entryOf(value["kind"], value)];
    return Object.entries(value).flatMap(([plural, list]) =>
      Array.isArray(list) ? list.filter(record).map((each) => entryOf(PLURALS[plural] ?? plural, each)) : [],
    );
  });
}
