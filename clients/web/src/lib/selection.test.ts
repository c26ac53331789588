import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ReadMode, StreamDescriptorSchema, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import { readAs, toggleColumn, withDefaults } from "./selection";

const table = create(StreamDescriptorSchema, {
  name: { namespace: "public", name: "orders" },
  readModes: [ReadMode.SNAPSHOT, ReadMode.INCREMENTAL],
  cursorColumns: ["updated_at", "id"],
});
const ALL = [WriteMode.APPEND, WriteMode.OVERWRITE];

it("chooses a snapshot where a cursor has to be chosen by somebody", () => {
  const stream = withDefaults(table, ALL);
  expect([stream.readMode, stream.writeMode]).toEqual([ReadMode.SNAPSHOT, WriteMode.OVERWRITE]);
});

it("chooses incremental where the source knows its cursor", () => {
  const stream = withDefaults(create(StreamDescriptorSchema, { ...table, cursorColumns: [] }), ALL);
  expect([stream.readMode, stream.writeMode]).toEqual([ReadMode.INCREMENTAL, WriteMode.APPEND]);
});

it("proposes a cursor and appending when somebody asks for increments", () => {
  const stream = readAs(withDefaults(table, ALL), table, ReadMode.INCREMENTAL, ALL);
  expect([stream.cursorColumn, stream.writeMode]).toEqual(["updated_at", WriteMode.APPEND]);
});

it("keeps `all columns` apart from a list that happens to name them all", () => {
  expect(toggleColumn([], ["a", "b", "c"], "b")).toEqual(["a", "c"]);
  expect(toggleColumn(["a", "c"], ["a", "b", "c"], "b")).toEqual([]);
});
