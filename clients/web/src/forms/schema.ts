/** Reads a JSON Schema as a form: which kind of field each property is. Nothing is evaluated; the CSP allows no eval. */
import { isObject, type Json, type JsonObject } from "../lib/json";

/** What the server shows in place of a secret, and takes back as "unchanged". */
export const MASK = "********";

export interface Field {
  readonly kind:
    | "text"
    | "long-text"
    | "secret"
    | "number"
    | "integer"
    | "boolean"
    | "choice"
    | "object"
    | "variants"
    | "list"
    | "json";
  readonly key: string;
  readonly title: string;
  readonly help: string;
  readonly required: boolean;
  readonly default: Json | undefined;
  readonly choices: readonly string[];
  /** Members of an object. */
  readonly fields: readonly Field[];
  /** Of a one-of: each an object. */
  readonly variants: readonly Variant[];
}

export interface Variant {
  readonly title: string;
  readonly help: string;
  /** The property that tells variants apart, and its value here. */
  readonly tag: string;
  readonly value: string;
  readonly fields: readonly Field[];
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

/** `secret_access_key` and `Secret Access Key` as `Secret access key`; abbreviations stay. */
export function sentence(words: string): string {
  const plain = words
    .replace(/_/g, " ")
    .replace(/\b(api|ca|csv|id|json|jsonl|kms|pem|ssl|tls|url)\b/gi, (word) => word.toUpperCase());
  return plain
    .replace(/\b([A-Z])([a-z]+)/g, (word, first: string, rest: string, at: number) =>
      at === 0 ? word : first.toLowerCase() + rest,
    )
    .replace(/^./, (first) => first.toUpperCase());
}

/** Follow `$ref`s and drop the null of an optional value. */
function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    let target: Json | undefined = root;
    for (const part of reference.split("/").slice(1)) {
      target = isObject(target) ? target[part.replace(/~1/g, "/").replace(/~0/g, "~")] : undefined;
    }
    const { $ref: _, ...beside } = schema;
    return isObject(target) ? { ...resolve(target, root), ...beside } : beside;
  }
  const any = schema["anyOf"];
  if (Array.isArray(any)) {
    const real = any.filter(isObject).filter((each) => each["type"] !== "null");
    const [only] = real;
    if (only !== undefined && real.length === 1) {
      const { anyOf: _, ...beside } = schema;
      return { ...resolve(only, root), ...beside };
    }
  }
  return schema;
}

function kindOf(schema: JsonObject): Field["kind"] {
  if (schema["x-towpath-secret"] === true || schema["writeOnly"] === true) return "secret";
  if (Array.isArray(schema["oneOf"])) return "variants";
  if (Array.isArray(schema["enum"])) return "choice";
  switch (schema["type"]) {
    case "string":
      return /\bPEM\b|multi-?line/i.test(text(schema["description"])) ? "long-text" : "text";
    case "integer":
    case "number":
    case "boolean":
      return schema["type"];
    case "array":
      return isObject(schema["items"]) && schema["items"]["type"] === "string" ? "list" : "json";
    case "object":
      return isObject(schema["properties"]) ? "object" : "json";
    default:
      return "json";
  }
}

function variant(schema: JsonObject, root: JsonObject, tag: string): Variant {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const tagSchema = properties[tag];
  const value = isObject(tagSchema) ? text(tagSchema["const"]) : "";
  return {
    title: sentence(value || text(schema["title"])),
    help: text(schema["description"]),
    tag,
    value,
    fields: fieldsOf(schema, root).filter(({ key }) => key !== tag),
  };
}

/** The property whose constant value tells the variants of a one-of apart. */
function tagOf(schema: JsonObject, variants: readonly JsonObject[]): string {
  const discriminator = schema["discriminator"];
  if (isObject(discriminator)) return text(discriminator["propertyName"]);
  const properties = variants[0]?.["properties"];
  if (!isObject(properties)) return "";
  return Object.entries(properties).find(([, each]) => isObject(each) && each["const"] !== undefined)?.[0] ?? "";
}

function fieldOf(key: string, raw: JsonObject, root: JsonObject, required: boolean): Field {
  const schema = resolve(raw, root);
  const options = Array.isArray(schema["oneOf"])
    ? schema["oneOf"].filter(isObject).map((each) => resolve(each, root))
    : [];
  const kind = kindOf(schema);
  return {
    kind,
    key,
    title: sentence(kind === "choice" || kind === "object" ? key : text(schema["title"]) || key),
    help: text(schema["description"]).split("\n\n")[0] ?? "",
    required,
    default: schema["default"],
    choices: Array.isArray(schema["enum"]) ? schema["enum"].map(String) : [],
    fields: kind === "object" ? fieldsOf(schema, root) : [],
    variants: options.map((each) => variant(each, root, tagOf(schema, options))),
  };
}

/** The fields of an object schema, in its order. */
export function fieldsOf(schema: JsonObject, root: JsonObject = schema): Field[] {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  return Object.entries(properties).flatMap(([key, each]) =>
    isObject(each) ? [fieldOf(key, each, root, required.has(key))] : [],
  );
}
