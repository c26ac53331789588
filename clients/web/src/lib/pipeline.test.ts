import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ReadMode, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import { ConnectionSchema } from "../gen/towpath/control/v1/connections_pb";
import { compare } from "./compare";
import { connectionFields, maskOf, wantedConnection } from "./pipeline";

const present = create(ConnectionSchema, {
  name: "connections/shop",
  source: "sources/db",
  destination: "destinations/lake",
  schedule: { timing: { case: "interval", value: { seconds: 900n } } },
  schemaChangePolicy: 1,
  settings: { maxParallelStreams: 4, commitBytes: 268435456n, sourceLimits: { memoryBytes: 536870912n } },
  streams: [
    { name: { namespace: "public", name: "a" }, readMode: ReadMode.SNAPSHOT, writeMode: WriteMode.OVERWRITE },
    { name: { namespace: "public", name: "b" }, readMode: ReadMode.SNAPSHOT, writeMode: WriteMode.OVERWRITE },
  ],
});
const entry = { source: "db", destination: "lake" };
const changed = (fields: Record<string, unknown>) =>
  compare(connectionFields(present), connectionFields(wantedConnection(present, "shop", { ...entry, ...fields })));

it("changes nothing that a file does not mention", () => {
  expect(changed({})).toEqual([]);
  expect(
    changed({ streams: ["public.a", "public.b"], schedule: { every: "15m" }, schema_change: "propagate" }),
  ).toEqual([]);
});

it("says field by field what a file changes, and which fields the server is to change", () => {
  const changes = changed({
    streams: ["public.a", { name: "public.c", read: "incremental", cursor: "at" }],
    schedule: { cron: "0 3 * * *" },
    settings: { commit_bytes: "64MiB" },
  });
  expect(changes).toEqual([
    { path: "schedule", before: "every 15m", after: "cron 0 3 * * * UTC" },
    { path: "settings.commit_bytes", before: "256 MiB", after: "64.0 MiB" },
    { path: "streams[public.c].read", before: undefined, after: "incremental" },
    { path: "streams[public.c].write", before: undefined, after: "append" },
    { path: "streams[public.c].cursor", before: undefined, after: "at" },
    { path: "streams[public.b].read", before: "snapshot", after: undefined },
    { path: "streams[public.b].write", before: "overwrite", after: undefined },
  ]);
  expect(maskOf(changes.map(({ path }) => path))).toEqual(["schedule", "settings", "streams"]);
  expect(maskOf(["schema_change"])).toEqual(["schema_change_policy"]);
});

it("keeps what the settings of the present connection say beside", () => {
  const wanted = wantedConnection(present, "shop", { ...entry, settings: { max_attempts: 2 } });
  expect(wanted.settings?.sourceLimits?.memoryBytes).toBe(536870912n);
  expect(wanted.settings?.maxAttempts).toBe(2);
});

it("refuses a key that it does not know rather than leave it out in silence", () => {
  expect(() => changed({ shedule: "manual" })).toThrow("shedule");
  expect(() => changed({ settings: { comit_bytes: 1 } })).toThrow("comit_bytes");
  expect(() => changed({ streams: [{ name: "public.a", mode: "x" }] })).toThrow("mode");
});
