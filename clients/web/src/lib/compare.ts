/** Two things side by side, field by field. */
import type { Field } from "../forms/schema";
import { MASK } from "../forms/schema";
import { isObject, writeJson, type Json, type JsonObject } from "./json";

/** Values of fields as text, by path. */
export type Fields = ReadonlyMap<string, string>;

/** One field that differs; undefined where there is none. */
export interface FieldChange {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What differs, in the order of `after`, then what only `before` has. */
export function compare(before: Fields, after: Fields): FieldChange[] {
  const paths = [...after.keys(), ...[...before.keys()].filter((path) => !after.has(path))];
  return paths
    .map((path) => ({ path, before: before.get(path), after: after.get(path) }))
    .filter((change) => change.before !== change.after);
}

/** The leaves of a value as text; the mask of a secret stands without quotes, so that it reads as what it is. */
export function flat(path: string, value: Json | undefined): Map<string, string> {
  if (value === undefined) return new Map();
  if (isObject(value) && Object.keys(value).length > 0) {
    return new Map(Object.entries(value).flatMap(([key, each]) => [...flat(`${path}.${key}`, each)]));
  }
  return new Map([[path, value === MASK ? MASK : writeJson(value)]]);
}

/** A configuration with every secret masked, as the server shows it. */
export function masked(config: JsonObject, fields: readonly Field[]): JsonObject {
  const known = new Map(fields.map((field) => [field.key, field]));
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, maskedValue(value, known.get(key))]));
}

function maskedValue(value: Json | undefined, field: Field | undefined): Json | undefined {
  if (field?.kind === "secret" && value !== null && value !== "") return MASK;
  if (field === undefined || !isObject(value)) return value;
  if (field.kind === "object") return masked(value, field.fields);
  const variant = field.variants.find(({ tag, value: wanted }) => value[tag] === wanted);
  return variant === undefined ? value : masked(value, variant.fields);
}
