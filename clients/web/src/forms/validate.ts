/** What is wrong with a configuration, by the path of the field, as somebody types. */
import { Validator } from "@cfworker/json-schema";
import { isObject, type Json, type JsonObject } from "../lib/json";
import { t } from "../text/en";

/** `#/tunnel/hosts/0` as `tunnel.hosts[0]`, as the server names fields too. */
function path(pointer: string): string {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~"))
    .reduce((all, part) => (/^\d+$/.test(part) ? `${all}[${part}]` : all === "" ? part : `${all}.${part}`), "");
}

/** The validator knows no bigint. */
function plain(value: Json): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [[key, plain(each)]])),
    );
  }
  return value;
}

/** Keywords that only say that something below them failed. */
const OUTER = new Set([
  "properties",
  "additionalProperties",
  "$ref",
  "anyOf",
  "oneOf",
  "allOf",
  "items",
  "prefixItems",
  "if",
]);

/** Compile once, ask often: returns what is wrong, by path; nothing when all is well. */
export function validator(schema: JsonObject): (value: JsonObject) => Map<string, string> {
  const compiled = new Validator(schema, "2020-12", false);
  return (value) => {
    const found = new Map<string, string>();
    const { errors } = compiled.validate(plain(value));
    for (const { instanceLocation, keyword, error } of errors) {
      if (keyword === "required") {
        const property = /"([^"]+)"/.exec(error)?.[1] ?? "";
        const parent = path(instanceLocation);
        found.set(parent === "" ? property : `${parent}.${property}`, t.form.missing);
      } else if (!OUTER.has(keyword) && !found.has(path(instanceLocation)) && !/"null"/.test(error)) {
        found.set(path(instanceLocation), error);
      }
    }
    if (found.size === 0 && errors.length > 0) {
      const deepest = errors.reduce((a, b) => (b.instanceLocation.length > a.instanceLocation.length ? b : a));
      found.set(path(deepest.instanceLocation), deepest.error);
    }
    return found;
  };
}
