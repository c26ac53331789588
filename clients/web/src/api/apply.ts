/** Makes what a pipeline file describes: creates what is missing, changes what differs, deletes nothing. */
import { ConnectError, Code } from "@connectrpc/connect";
import { fieldsOf, MASK } from "../forms/schema";
import { compare, flat, masked, type FieldChange } from "../lib/compare";
import { isObject, parseJson, writeJson, type JsonObject } from "../lib/json";
import { need } from "../lib/need";
import { checkKeys, connectionFields, maskOf, wantedConnection } from "../lib/pipeline";
import type { Entry } from "../lib/yaml";
import { t } from "../text/en";
import { DESTINATIONS, SOURCES, type EndpointKind } from "./endpoints";
import { connections, connectors } from "./transport";

/** What is to be done for one entry. */
export interface Step {
  readonly kind: string;
  readonly name: string;
  readonly action: "create" | "change" | "same";
  readonly fields: readonly FieldChange[];
  /** It holds secrets, which only the server can compare: it is applied also when nothing else differs. */
  readonly secrets: boolean;
  /** Do it. Throws what the server says, also when somebody changed the same thing since. */
  readonly act: () => Promise<unknown>;
}

const ORDER = ["source", "destination", "connection"];
const never = new AbortController().signal;
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What a call answers; undefined for what is not there. */
async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}

/** What applying would do, in the order in which it is done. Reads only. Throws Error for what cannot be applied here. */
export async function plan(entries: readonly Entry[]): Promise<Step[]> {
  const unknown = entries.find(({ kind }) => !ORDER.includes(kind));
  if (unknown !== undefined) throw new Error(t.yaml.unknownKind(unknown.kind));
  if (/\$\{\w+\}/.test(writeJson(entries.map(({ fields }) => fields as JsonObject)))) throw new Error(t.yaml.variables);
  const sorted = [...entries].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return Promise.all(
    sorted.map((entry) =>
      entry.kind === "source"
        ? endpoint(SOURCES, entry)
        : entry.kind === "destination"
          ? endpoint(DESTINATIONS, entry)
          : connection(entry),
    ),
  );
}

const actionOf = (exists: boolean, fields: readonly FieldChange[]): Step["action"] =>
  !exists ? "create" : fields.length > 0 ? "change" : "same";

async function endpoint(kind: EndpointKind, { kind: what, name, fields }: Entry): Promise<Step> {
  checkKeys(kind.path === "sources" ? "source" : "destination", fields);
  const connector = `connectors/${text(fields["connector"])}`;
  const [present, program] = await Promise.all([
    found(kind.get(`${kind.path}/${name}`, never)),
    found(connectors.getConnector({ name: connector })),
  ]);
  if (present !== undefined && present.connector !== connector) {
    throw new Error(t.yaml.fixed(name, "connector", present.connector));
  }
  const config = (fields["config"] ?? {}) as JsonObject;
  const schema = parseJson(program?.connector?.spec?.configJsonSchema || "{}");
  const shown = flat("config", masked(config, isObject(schema) ? fieldsOf(schema) : []));
  const before =
    present === undefined ? [] : [["connector", connector], ...flat("config", parseJson(present.configJson))];
  const changes = compare(new Map(before as [string, string][]), new Map([["connector", connector], ...shown]));
  return {
    kind: what,
    name,
    action: actionOf(present !== undefined, changes),
    fields: changes,
    secrets: [...shown.values()].includes(MASK),
    act: () =>
      present === undefined ? kind.create(name, connector, writeJson(config)) : kind.update(present, writeJson(config)),
  };
}

async function connection({ kind, name, fields }: Entry): Promise<Step> {
  const present = (await found(connections.getConnection({ name: `connections/${name}` })))?.connection;
  const wanted = wantedConnection(present, name, fields);
  if (present !== undefined) {
    for (const end of ["source", "destination"] as const) {
      if (present[end] !== wanted[end]) throw new Error(t.yaml.fixed(name, end, present[end]));
    }
  }
  const before = present === undefined ? new Map<string, string>() : connectionFields(present);
  const changes = compare(before, connectionFields(wanted));
  const paths = maskOf(changes.map(({ path }) => path));
  return {
    kind,
    name,
    action: actionOf(present !== undefined, changes),
    fields: changes,
    secrets: false,
    act: async () =>
      present === undefined
        ? need((await connections.createConnection({ connectionId: name, connection: wanted })).connection)
        : paths.length > 0 && connections.updateConnection({ connection: wanted, updateMask: { paths } }),
  };
}
