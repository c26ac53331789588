/** JSON text whose integers keep all their digits. */

export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json | undefined;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Strings, which stay as they are, and integers that may be too long for a double. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
/** No JSON string that somebody typed begins so. */
const MARK = "\u0000integer:";

/** Parse JSON; an integer beyond 2^53 becomes a bigint. Throws SyntaxError. */
export function parseJson(text: string): Json {
  const marked = text.replace(TOKENS, (token) => (token.startsWith('"') ? token : JSON.stringify(MARK + token)));
  return JSON.parse(marked, (_key, value: Json) => {
    if (typeof value !== "string" || !value.startsWith(MARK)) return value;
    const whole = BigInt(value.slice(MARK.length));
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }) as Json;
}

/** Write JSON; a bigint as its digits. `undefined` members are left out. */
export function writeJson(value: Json): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (isObject(value)) {
    const members = Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [`${JSON.stringify(key)}:${writeJson(member)}`],
    );
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}
