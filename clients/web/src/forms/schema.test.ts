import { expect, it } from "vitest";
import type { JsonObject } from "../lib/json";
import { fieldsOf, sentence } from "./schema";

const SCHEMA: JsonObject = {
  type: "object",
  required: ["host"],
  $defs: {
    Mode: { enum: ["off", "on"], title: "Mode", type: "string" },
    Csv: {
      type: "object",
      title: "CsvFormat",
      required: ["type"],
      properties: { type: { const: "csv" }, gzip: { type: "boolean" } },
    },
    Parquet: { type: "object", title: "ParquetFormat", properties: { type: { const: "parquet" } } },
  },
  properties: {
    host: { type: "string", title: "Host", description: "Name of the server." },
    password: {
      anyOf: [{ type: "string", writeOnly: true }, { type: "null" }],
      default: null,
      "x-towpath-secret": true,
    },
    ssl_mode: { $ref: "#/$defs/Mode", default: "off" },
    port: { anyOf: [{ type: "integer" }, { type: "null" }], title: "Port" },
    format: { oneOf: [{ $ref: "#/$defs/Csv" }, { $ref: "#/$defs/Parquet" }], discriminator: { propertyName: "type" } },
    schemas: { type: "array", items: { type: "string" } },
    anything: { type: "object", additionalProperties: true },
  },
};

it("knows the kind of every field of a connector's schema", () => {
  expect(fieldsOf(SCHEMA).map(({ key, kind, required }) => [key, kind, required])).toEqual([
    ["host", "text", true],
    ["password", "secret", false],
    ["ssl_mode", "choice", false],
    ["port", "integer", false],
    ["format", "variants", false],
    ["schemas", "list", false],
    ["anything", "json", false],
  ]);
});

it("finds what tells the variants of a one-of apart, so that a choice is a card and not a text field", () => {
  const format = fieldsOf(SCHEMA).find(({ key }) => key === "format");
  expect(format?.variants.map(({ tag, value, fields }) => [tag, value, fields.length])).toEqual([
    ["type", "csv", 1],
    ["type", "parquet", 0],
  ]);
});

it("turns names of properties into words", () => {
  expect(sentence("secret_access_key")).toBe("Secret access key");
  expect(sentence("Ssl Root Certificate")).toBe("SSL root certificate");
});
