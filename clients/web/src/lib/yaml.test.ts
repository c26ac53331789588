import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ReadMode, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import { ConnectionSchema } from "../gen/towpath/control/v1/connections_pb";
import { entriesOf, exported } from "./yaml";

const connection = create(ConnectionSchema, {
  name: "connections/shop",
  source: "sources/shop-db",
  destination: "destinations/lake",
  schedule: { timing: { case: "interval", value: { seconds: 900n } } },
  streams: [
    {
      name: { namespace: "public", name: "orders" },
      readMode: ReadMode.INCREMENTAL,
      writeMode: WriteMode.APPEND,
      cursorColumn: "updated_at",
    },
    { name: { namespace: "odd.schema", name: "t" }, readMode: ReadMode.SNAPSHOT, writeMode: WriteMode.OVERWRITE },
  ],
});
const source = {
  name: "sources/shop-db",
  connector: "connectors/source-postgres",
  configJson: '{"host":"db","password":"********"}',
};

it("never exports a secret's mask, which would become the password of whoever applies the file", () => {
  const text = exported({ source, destination: undefined, connection });
  expect(text).toContain("${SHOP_DB_PASSWORD}");
  expect(text).not.toContain("****");
});

it("writes what it reads: kinds, names, streams", () => {
  const entries = entriesOf(exported({ source, destination: undefined, connection }));
  expect(entries.map(({ kind, name }) => [kind, name])).toEqual([
    ["source", "shop-db"],
    ["connection", "shop"],
  ]);
  expect(entries[1]?.fields["schedule"]).toEqual({ every: "15m" });
  expect(entries[1]?.fields["streams"]).toEqual([
    { name: "public.orders", read: "incremental", write: "append", cursor: "updated_at" },
    { namespace: "odd.schema", name: "t", read: "snapshot", write: "overwrite" },
  ]);
});

it("keeps every digit of a number in a configuration", () => {
  expect(entriesOf("kind: source\nname: a\nconfig: {seed: 4611686018427387905, rows: 7}")[0]?.fields["config"]).toEqual(
    {
      seed: 4611686018427387905n,
      rows: 7,
    },
  );
});

it("reads a list and a mapping of lists, as the command line does", () => {
  expect(entriesOf("- {kind: source, name: a}\n- {kind: destination, name: b}").map(({ kind }) => kind)).toEqual([
    "source",
    "destination",
  ]);
  expect(entriesOf("connections:\n  - name: c\n").map(({ kind, name }) => [kind, name])).toEqual([["connection", "c"]]);
  expect(() => entriesOf("a: [1")).toThrow();
});
