/** Connections as a pipeline file describes them: from its entries, and as fields that can be compared. */
import { clone, create } from "@bufbuild/protobuf";
import { ReadMode, StreamNameSchema, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import {
  Connection_SchemaChangePolicy,
  ConnectionSchema,
  ConnectionSettingsSchema,
  ConnectionStreamSchema,
  ScheduleSchema,
  type Connection,
  type ConnectionSettings,
  type ConnectionStream,
  type Schedule,
} from "../gen/towpath/control/v1/connections_pb";
import { ContainerLimitsSchema, type ContainerLimits } from "../gen/towpath/control/v1/limits_pb";
import { t } from "../text/en";
import { bytes } from "./format";
import { streamLabel } from "./names";
import { intervalParts, intervalSeconds } from "./schedule";

type Values = Record<string, unknown>;

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
const KEYS = {
  source: ["kind", "name", "connector", "config"],
  destination: ["kind", "name", "connector", "config"],
  connection: ["kind", "name", "source", "destination", "streams", "schedule", "schema_change", "settings"],
  stream: ["name", "namespace", "read", "write", "cursor", "columns", "primary_key"],
  schedule: ["every", "cron", "time_zone"],
  settings: [
    "max_parallel_streams",
    "commit_bytes",
    "commit_interval",
    "max_attempts",
    "source_limits",
    "destination_limits",
  ],
  limits: ["memory", "cpus", "processes", "temporary"],
};

/** Throw Error for a key that means nothing: it may be a misspelt one, and what it says would not be done. */
export function checkKeys(kind: keyof typeof KEYS, fields: Values): void {
  const unknown = Object.keys(fields).find((key) => !KEYS[kind].includes(key));
  if (unknown !== undefined) throw new Error(t.yaml.unknownKey(unknown, KEYS[kind].join(", ")));
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const record = (value: unknown): Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};

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

/** The connection that an entry asks for: the present one, or an empty one, with what the entry says. Throws Error. */
export function wantedConnection(present: Connection | undefined, name: string, fields: Values): Connection {
  checkKeys("connection", fields);
  const wanted = present === undefined ? create(ConnectionSchema) : clone(ConnectionSchema, present);
  wanted.name = `connections/${name}`;
  wanted.source = `sources/${text(fields["source"])}`;
  wanted.destination = `destinations/${text(fields["destination"])}`;
  if (Array.isArray(fields["streams"])) wanted.streams = fields["streams"].map(streamOf);
  if (fields["schedule"] !== undefined) wanted.schedule = scheduleOf(fields["schedule"]);
  if (fields["schema_change"] !== undefined) {
    const { FAIL, PROPAGATE } = Connection_SchemaChangePolicy;
    wanted.schemaChangePolicy = fields["schema_change"] === "fail" ? FAIL : PROPAGATE;
  }
  if (fields["settings"] !== undefined) {
    wanted.settings ??= create(ConnectionSettingsSchema);
    setSettings(wanted.settings, record(fields["settings"]));
  }
  return wanted;
}

/** Modes are filled in as the server does, so that a file that leaves them out compares equal. */
function streamOf(value: unknown): ConnectionStream {
  const fields = typeof value === "string" ? { name: value } : record(value);
  checkKeys("stream", fields);
  const full = text(fields["name"]);
  const dot = full.indexOf(".");
  const apart = typeof fields["namespace"] === "string";
  const read = text(fields["read"]) || "snapshot";
  const write = text(fields["write"]) || (read === "snapshot" ? "overwrite" : "append");
  const readMode = READ[read];
  const writeMode = WRITE[write];
  if (readMode === undefined || writeMode === undefined) throw new Error(t.yaml.unknownMode(full));
  return create(ConnectionStreamSchema, {
    name: create(StreamNameSchema, {
      namespace: apart ? text(fields["namespace"]) : dot < 0 ? "" : full.slice(0, dot),
      name: apart || dot < 0 ? full : full.slice(dot + 1),
    }),
    readMode,
    writeMode,
    cursorColumn: text(fields["cursor"]),
    columns: list(fields["columns"]),
    primaryKey: list(fields["primary_key"]),
  });
}

function scheduleOf(value: unknown): Schedule {
  if (value === "manual") return create(ScheduleSchema);
  const fields = record(value);
  checkKeys("schedule", fields);
  const every = text(fields["every"]);
  return create(ScheduleSchema, {
    timing:
      every === ""
        ? { case: "cron", value: { expression: text(fields["cron"]), timeZone: text(fields["time_zone"]) } }
        : { case: "interval", value: { seconds: BigInt(durationSeconds(every)), nanos: 0 } },
  });
}

function setSettings(settings: ConnectionSettings, fields: Values): void {
  checkKeys("settings", fields);
  if (fields["max_parallel_streams"] !== undefined)
    settings.maxParallelStreams = Number(fields["max_parallel_streams"]);
  if (fields["commit_bytes"] !== undefined) settings.commitBytes = byteCount(fields["commit_bytes"]);
  if (fields["max_attempts"] !== undefined) settings.maxAttempts = Number(fields["max_attempts"]);
  if (fields["commit_interval"] !== undefined) {
    settings.commitInterval = {
      $typeName: "google.protobuf.Duration",
      seconds: BigInt(durationSeconds(text(fields["commit_interval"]))),
      nanos: 0,
    };
  }
  if (fields["source_limits"] !== undefined) settings.sourceLimits = limitsOf(record(fields["source_limits"]));
  if (fields["destination_limits"] !== undefined) {
    settings.destinationLimits = limitsOf(record(fields["destination_limits"]));
  }
}

function limitsOf(fields: Values): ContainerLimits {
  checkKeys("limits", fields);
  return create(ContainerLimitsSchema, {
    memoryBytes: byteCount(fields["memory"] ?? 0),
    cpuMillis: Math.round(1000 * Number(fields["cpus"] ?? 0)),
    maxProcesses: Number(fields["processes"] ?? 0),
    temporaryBytes: byteCount(fields["temporary"] ?? 0),
  });
}

const word = <T>(words: Record<string, T>, value: T): string =>
  Object.entries(words).find(([, each]) => each === value)?.[0] ?? "";

/** Everything that a file can say of a connection, as text by path; what is not set is left out. */
export function connectionFields(connection: Connection): Map<string, string> {
  const { settings } = connection;
  const fields: [string, string][] = [
    ["source", connection.source],
    ["destination", connection.destination],
    ["schedule", scheduleWords(connection.schedule)],
    ["schema_change", ["", "propagate", "fail"][connection.schemaChangePolicy] ?? ""],
    ["settings.max_parallel_streams", String(settings?.maxParallelStreams || "")],
    ["settings.commit_bytes", settings?.commitBytes ? bytes(settings.commitBytes) : ""],
    ["settings.commit_interval", settings?.commitInterval ? seconds(settings.commitInterval.seconds) : ""],
    ["settings.max_attempts", String(settings?.maxAttempts || "")],
    ["settings.source_limits", limitsWords(settings?.sourceLimits)],
    ["settings.destination_limits", limitsWords(settings?.destinationLimits)],
    ...connection.streams.flatMap((stream): [string, string][] => {
      const at = `streams[${streamLabel(stream.name)}]`;
      return [
        [`${at}.read`, word(READ, stream.readMode)],
        [`${at}.write`, word(WRITE, stream.writeMode)],
        [`${at}.cursor`, stream.cursorColumn],
        [`${at}.columns`, stream.columns.join(", ")],
        [`${at}.primary_key`, stream.primaryKey.join(", ")],
      ];
    }),
  ];
  return new Map(fields.filter(([, value]) => value !== ""));
}

/** The fields of an update mask that paths of `connectionFields` belong to. */
export const maskOf = (paths: readonly string[]): string[] => [
  ...new Set(
    paths.map((path) => {
      const top = /^\w+/.exec(path)?.[0] ?? path;
      return top === "schema_change" ? "schema_change_policy" : top;
    }),
  ),
];

function seconds(value: bigint): string {
  const { amount, unit } = intervalParts(Number(value));
  return `${amount}${unit}`;
}

function scheduleWords(schedule: Schedule | undefined): string {
  switch (schedule?.timing.case) {
    case "interval":
      return `every ${seconds(schedule.timing.value.seconds)}`;
    case "cron":
      return `cron ${schedule.timing.value.expression} ${schedule.timing.value.timeZone || "UTC"}`;
    default:
      return "manual";
  }
}

function limitsWords(limits: ContainerLimits | undefined): string {
  const { memoryBytes = 0n, cpuMillis = 0, maxProcesses = 0, temporaryBytes = 0n } = limits ?? {};
  return [
    memoryBytes > 0n ? `memory ${bytes(memoryBytes)}` : "",
    cpuMillis > 0 ? `cpus ${cpuMillis / 1000}` : "",
    maxProcesses > 0 ? `processes ${maxProcesses}` : "",
    temporaryBytes > 0n ? `temporary ${bytes(temporaryBytes)}` : "",
  ]
    .filter((each) => each !== "")
    .join(", ");
}
