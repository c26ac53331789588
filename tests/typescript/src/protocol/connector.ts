// What a connector is made of, and how its configuration is validated.
import { z } from "zod";

import type { DestinationCapabilities, SourceCapabilities } from "../../gen/towpath/connector/v1/connector_pb.js";
import type {
  PrepareWriteRequest,
  WriteOpen,
  WriteStream,
  ColumnPlan,
} from "../../gen/towpath/connector/v1/destination_pb.js";
import type { PlanReadRequest, Split } from "../../gen/towpath/connector/v1/source_pb.js";
import type { StreamDescriptor } from "../../gen/towpath/connector/v1/types_pb.js";
import { Failure } from "./failure.js";
import type { Reader } from "./reading.js";
import type { Writer } from "./writing.js";

/** The plain fields of a message, without what the library adds to it. */
type Fields<T> = Partial<Omit<T, "$typeName" | "$unknown">>;

/** One attempt at something that a configuration must allow; throws a Failure when it does not. */
export interface Probe {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** A connector. Its schema of the configuration is what is validated, and what Spec shows. */
export interface Connector<Config> {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly config: z.ZodType<Config>;
  /** Probes in the order in which they run; the first that fails ends them. */
  probes(config: Config): readonly Probe[];
  readonly source?: SourcePart<Config>;
  readonly destination?: DestinationPart<Config>;
}

/** What a source adds. */
export interface SourcePart<Config> extends Reader<Config> {
  readonly capabilities: Fields<SourceCapabilities>;
  discover(config: Config, signal: AbortSignal): AsyncIterable<StreamDescriptor>;
  plan(config: Config, request: PlanReadRequest): Promise<readonly Split[]>;
}

/** What a destination adds. */
export interface DestinationPart<Config> {
  readonly capabilities: Fields<DestinationCapabilities>;
  prepare(config: Config, request: PrepareWriteRequest): Promise<readonly ColumnPlan[]>;
  open(config: Config, request: WriteOpen, signal: AbortSignal): Promise<Writer>;
  complete(
    config: Config,
    writeId: string,
    receipts: readonly Uint8Array[],
    completed: readonly WriteStream[],
  ): Promise<void>;
  abort(config: Config, writeId: string): Promise<void>;
}

/** Parse a configuration. Fails as misconfigured, naming every field that is wrong. */
export function parseConfig<Config>(connector: Connector<Config>, configJson: string): Config {
  let value: unknown;
  try {
    value = JSON.parse(configJson);
  } catch {
    throw new Failure("misconfigured", "the configuration is not JSON", { fields: { "": "not JSON" } });
  }
  const parsed = connector.config.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields: Record<string, string> = {};
  for (const issue of parsed.error.issues) {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const path of keys) fields[pathText(path)] = issue.message;
  }
  const problems = Object.entries(fields).map(([path, problem]) => `${path || "the configuration"}: ${problem}`);
  throw new Failure("misconfigured", problems.join("; "), { reason: "INVALID_CONFIG", fields });
}

/** A path into the configuration, as the protocol writes it: tunnel.hosts[0].port. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

/** The JSON Schema of a connector's configuration, as text. */
export function configSchema(config: z.ZodType): string {
  return JSON.stringify(z.toJSONSchema(config, { target: "draft-2020-12", io: "input" }));
}
