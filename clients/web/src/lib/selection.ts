/** Which streams are selected, and how they are moved by default. */
import { create } from "@bufbuild/protobuf";
import { ReadMode, WriteMode, type StreamDescriptor } from "../gen/towpath/connector/v1/types_pb";
import { ConnectionStreamSchema, type ConnectionStream } from "../gen/towpath/control/v1/connections_pb";
import { streamKey } from "./names";

/** Selected streams by `streamKey`. */
export type Selection = ReadonlyMap<string, ConnectionStream>;

export const selectionOf = (streams: readonly ConnectionStream[]): Selection =>
  new Map(streams.map((stream) => [streamKey(stream.name), stream]));

/** How the server writes a stream whose write mode is not set. */
export const usualWrite = (read: ReadMode): WriteMode =>
  read === ReadMode.SNAPSHOT || read === ReadMode.UNSPECIFIED ? WriteMode.OVERWRITE : WriteMode.APPEND;

/** A stream with the defaults that the server would choose too: incremental where the source names a cursor of its own. */
export function withDefaults(descriptor: StreamDescriptor, allowed: readonly WriteMode[]): ConnectionStream {
  const own = descriptor.readModes.includes(ReadMode.INCREMENTAL) && descriptor.cursorColumns.length === 0;
  const readMode = own ? ReadMode.INCREMENTAL : (descriptor.readModes[0] ?? ReadMode.SNAPSHOT);
  const usual = usualWrite(readMode);
  const writeMode = allowed.length === 0 || allowed.includes(usual) ? usual : (allowed[0] ?? usual);
  return create(ConnectionStreamSchema, { ...(descriptor.name && { name: descriptor.name }), readMode, writeMode });
}

/** Change how a stream is read, and what follows from it. */
export function readAs(
  stream: ConnectionStream,
  descriptor: StreamDescriptor,
  readMode: ReadMode,
  allowed: readonly WriteMode[],
): ConnectionStream {
  const usual = usualWrite(readMode);
  return create(ConnectionStreamSchema, {
    ...stream,
    readMode,
    writeMode: allowed.length === 0 || allowed.includes(usual) ? usual : stream.writeMode,
    cursorColumn: readMode === ReadMode.INCREMENTAL ? stream.cursorColumn || (descriptor.cursorColumns[0] ?? "") : "",
  });
}

/** Columns after one was ticked or not; all of them is the empty list, which also means those added later. */
export function toggleColumn(selected: readonly string[], all: readonly string[], column: string): string[] {
  const now = new Set(selected.length === 0 ? all : selected);
  if (now.has(column)) now.delete(column);
  else now.add(column);
  const kept = all.filter((each) => now.has(each));
  return kept.length === all.length ? [] : kept;
}
