import { expect, it } from "vitest";
import { parseJson, writeJson } from "./json";

it("keeps every digit of a large integer, because a seed of 2^62 must come back as it went", () => {
  const text =
    '{"seed":4611686018427387905,"rows":1000,"rate":1.5,"nested":[null,true,"x \\" 12345678901234567890"],"safe":1234567890123456}';
  expect(writeJson(parseJson(text))).toBe(text);
});

it("leaves out what is not set", () => {
  expect(writeJson({ a: undefined, b: { c: undefined } })).toBe('{"b":{}}');
});
