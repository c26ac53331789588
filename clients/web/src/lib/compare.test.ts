import { expect, it } from "vitest";
import { fieldsOf, MASK } from "../forms/schema";
import { compare, flat, masked } from "./compare";

const fields = fieldsOf({
  properties: {
    host: { type: "string" },
    password: { type: "string", writeOnly: true },
    format: {
      oneOf: [
        { type: "object", properties: { type: { const: "csv" }, key: { type: "string", writeOnly: true } } },
        { type: "object", properties: { type: { const: "jsonl" } } },
      ],
    },
  },
});

it("says what is added, changed and taken away, and nothing of what stays", () => {
  const before = flat("config", { host: "a", port: 1, deep: { x: [1, 2] } });
  const after = flat("config", { host: "b", port: 1, deep: { y: null } });
  expect(compare(before, after)).toEqual([
    { path: "config.host", before: '"a"', after: '"b"' },
    { path: "config.deep.y", before: undefined, after: "null" },
    { path: "config.deep.x", before: "[1,2]", after: undefined },
  ]);
});

it("keeps every digit, and shows no secret wherever it stands", () => {
  const config = { seed: 4611686018427387905n, password: "hunter2", format: { type: "csv", key: "hunter3" } };
  expect([...flat("config", masked(config, fields))]).toEqual([
    ["config.seed", "4611686018427387905"],
    ["config.password", MASK],
    ["config.format.type", '"csv"'],
    ["config.format.key", MASK],
  ]);
});
