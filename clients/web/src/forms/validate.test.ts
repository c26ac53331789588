import { expect, it } from "vitest";
import { validator } from "./validate";

const check = validator({
  type: "object",
  required: ["host"],
  additionalProperties: false,
  properties: {
    host: { type: "string", minLength: 1 },
    port: { type: "integer", minimum: 1, maximum: 65535 },
    endpoint: { anyOf: [{ type: "string", pattern: "^https?://" }, { type: "null" }] },
    tunnel: { type: "object", required: ["user"], properties: { user: { type: "string" } } },
  },
});

it("says nothing about what is right", () => {
  expect(check({ host: "db", port: 5432, endpoint: "http://x", tunnel: { user: "u" } }).size).toBe(0);
});

it("names each field at fault by its path, as the server does", () => {
  expect([...check({ port: 70000, endpoint: "ftp://x", tunnel: {} }).keys()].sort()).toEqual([
    "endpoint",
    "host",
    "port",
    "tunnel.user",
  ]);
});
