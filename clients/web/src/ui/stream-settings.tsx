/** How one stream is moved: modes, cursor, key, columns. */
import { create } from "@bufbuild/protobuf";
import { useQuery } from "@tanstack/react-query";
import { ReadMode, WriteMode, type StreamDescriptor } from "../gen/towpath/connector/v1/types_pb";
import { ConnectionStreamSchema, type ConnectionStream } from "../gen/towpath/control/v1/connections_pb";
import { streamKey, streamLabel } from "../lib/names";
import { readAs, toggleColumn, usualWrite } from "../lib/selection";
import { t } from "../text/en";
import { Editors } from "./allowed";
import { Notice, Skeleton } from "./feedback";
import { StreamPlan } from "./stream-plan";

interface SettingsProps {
  /** Resource names of both ends. */
  readonly source: string;
  readonly destination: string;
  readonly descriptor: StreamDescriptor;
  /** Absent when the stream is not selected. */
  readonly stream: ConnectionStream | undefined;
  readonly writeModes: readonly WriteMode[];
  readonly select: (on: boolean) => void;
  readonly change: (stream: ConnectionStream) => void;
}

export function StreamSettings({ source, destination, descriptor, stream, writeModes, select, change }: SettingsProps) {
  const columns = useQuery({
    queryKey: ["columns", streamKey(descriptor.name), descriptor.ipcSchema.length],
    queryFn: async () => (await import("../lib/arrow")).columnsOf(descriptor.ipcSchema),
    staleTime: Infinity,
  });
  const names = columns.data?.map(({ name }) => name) ?? [];
  const label = streamLabel(descriptor.name);
  const set = (values: Partial<ConnectionStream>) =>
    stream !== undefined && change(create(ConnectionStreamSchema, { ...stream, ...values }));
  const allowed = writeModes.length === 0 ? [WriteMode.APPEND, WriteMode.OVERWRITE] : writeModes;
  return (
    <div className="form">
      <h2>{label}</h2>
      <p className="small muted">
        {descriptor.kind}
        {descriptor.estimatedRows !== undefined && ` · ${t.choose.rows(descriptor.estimatedRows)}`}
      </p>
      {stream === undefined ? (
        <button type="button" className="button" onClick={() => select(true)}>
          {t.actions.add}
        </button>
      ) : (
        <>
          <label className="field">
            <span>{t.choose.readMode}</span>
            <select
              value={stream.readMode || ReadMode.SNAPSHOT}
              onChange={(event) => change(readAs(stream, descriptor, Number(event.target.value), allowed))}
            >
              {descriptor.readModes.map((mode) => (
                <option key={mode} value={mode}>
                  {t.choose.read[mode]}
                </option>
              ))}
            </select>
          </label>
          {stream.readMode === ReadMode.INCREMENTAL && (
            <label className="field">
              <span>{t.choose.cursor}</span>
              {descriptor.cursorColumns.length === 0 ? (
                <span className="muted">{t.choose.cursorOwn}</span>
              ) : (
                <select value={stream.cursorColumn} onChange={(event) => set({ cursorColumn: event.target.value })}>
                  {descriptor.cursorColumns.map((column) => (
                    <option key={column}>{column}</option>
                  ))}
                </select>
              )}
            </label>
          )}
          <label className="field">
            <span>{t.choose.writeMode}</span>
            <select
              value={stream.writeMode || usualWrite(stream.readMode)}
              onChange={(event) => set({ writeMode: Number(event.target.value) })}
            >
              {allowed.map((mode) => (
                <option key={mode} value={mode}>
                  {t.choose.write[mode]}
                </option>
              ))}
            </select>
          </label>
          {stream.writeMode === WriteMode.DEDUP && (
            <fieldset className="field">
              <legend>{t.choose.key}</legend>
              {names.map((name) => {
                const key = stream.primaryKey.length > 0 ? stream.primaryKey : descriptor.primaryKey;
                return (
                  <label key={name} className="column">
                    <input
                      type="checkbox"
                      checked={key.includes(name)}
                      onChange={(event) =>
                        set({ primaryKey: event.target.checked ? [...key, name] : key.filter((each) => each !== name) })
                      }
                    />
                    <span className="cut">{name}</span>
                  </label>
                );
              })}
            </fieldset>
          )}
          <Editors>
            <StreamPlan source={source} destination={destination} stream={stream} />
          </Editors>
        </>
      )}
      <fieldset className="field">
        <legend>{t.choose.columns}</legend>
        {stream?.columns.length === 0 && <p className="help">{t.choose.allColumns}</p>}
        {columns.data === undefined &&
          (columns.error === null ? <Skeleton lines={2} /> : <Notice error={columns.error} />)}
        {columns.data?.map(({ name, type }) => (
          <label key={name} className="column">
            <input
              type="checkbox"
              disabled={stream === undefined}
              checked={stream !== undefined && (stream.columns.length === 0 || stream.columns.includes(name))}
              onChange={() => stream !== undefined && set({ columns: toggleColumn(stream.columns, names, name) })}
            />
            <span className="cut" title={name}>
              {name}
              {descriptor.primaryKey.includes(name) && <span className="tag">{t.choose.key.toLowerCase()}</span>}
            </span>
            <code>{type}</code>
          </label>
        ))}
      </fieldset>
    </div>
  );
}
