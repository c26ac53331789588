/** Discovered streams: search, select, and say how each is moved. Only what is in view is in the page. */
import { useMemo, useRef, useState } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ChevronDown, ChevronRight } from "lucide-react";
import type { StreamDescriptor, WriteMode } from "../gen/towpath/connector/v1/types_pb";
import { brief } from "../lib/format";
import { streamKey, streamLabel } from "../lib/names";
import { withDefaults, type Selection } from "../lib/selection";
import { t } from "../text/en";
import { Editors } from "./allowed";
import { SearchField } from "./search";
import { StreamPreview } from "./stream-preview";
import { StreamSettings } from "./stream-settings";

/** Height of a row in pixels, as in the stylesheet. */
const HEIGHT = 34;

interface PickerProps {
  /** Resource names of both ends. */
  readonly source: string;
  readonly destination: string;
  readonly streams: readonly StreamDescriptor[];
  readonly selection: Selection;
  readonly change: (selection: Selection) => void;
  /** Write modes of the destination; empty when unknown. */
  readonly writeModes: readonly WriteMode[];
}

type Row =
  | { readonly kind: "folder"; readonly name: string; readonly streams: readonly StreamDescriptor[] }
  | { readonly kind: "stream"; readonly stream: StreamDescriptor; readonly inside: boolean };

/** Folders by namespace, each followed by its streams unless it is closed. */
function rowsOf(streams: readonly StreamDescriptor[], closed: ReadonlySet<string>): Row[] {
  const folders = Map.groupBy(streams, ({ name }) => name?.namespace ?? "");
  return [...folders].flatMap(([name, inside]): Row[] => {
    const leaves = inside.map((stream): Row => ({ kind: "stream", stream, inside: name !== "" }));
    if (name === "") return leaves;
    return [{ kind: "folder", name, streams: inside }, ...(closed.has(name) ? [] : leaves)];
  });
}

export function StreamPicker({ source, destination, streams, selection, change, writeModes }: PickerProps) {
  const [filter, setFilter] = useState("");
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState<string>();
  const box = useRef<HTMLDivElement>(null);
  const labels = useMemo(() => streams.map((stream) => streamLabel(stream.name).toLowerCase()), [streams]);
  const shown = useMemo(() => {
    const words = filter.trim().toLowerCase();
    return words === "" ? streams : streams.filter((_, index) => labels[index]?.includes(words));
  }, [streams, labels, filter]);
  const rows = useMemo(() => rowsOf(shown, closed), [shown, closed]);
  const current = streams.find(({ name }) => streamKey(name) === at);

  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are read while rendering only
  const view = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => HEIGHT,
    overscan: 10,
  });

  const select = (these: readonly StreamDescriptor[], on: boolean) => {
    const next = new Map(selection);
    for (const stream of these) {
      const key = streamKey(stream.name);
      if (!on) next.delete(key);
      else if (!next.has(key)) next.set(key, withDefaults(stream, writeModes));
    }
    change(next);
  };
  const toggle = (name: string) => {
    const next = new Set(closed);
    if (!next.delete(name)) next.add(name);
    setClosed(next);
  };

  return (
    <section className="card" aria-labelledby="picker-title">
      <header className="section-head">
        <h2 id="picker-title">{t.choose.tree}</h2>
        <span className="small muted" role="status">
          {t.choose.selected(selection.size, streams.length)}
        </span>
        <SearchField label={t.choose.search} value={filter} onChange={setFilter} />
        <button type="button" className="button small" onClick={() => select(shown, true)}>
          {t.choose.selectAll}
        </button>
        <button type="button" className="button small" onClick={() => select(shown, false)}>
          {t.choose.selectNone}
        </button>
      </header>
      <div className="picker">
        <div ref={box} className="picker-list">
          {rows.length === 0 && (
            <p className="muted pad">{streams.length === 0 ? t.choose.noStreams : t.choose.noMatch}</p>
          )}
          <div style={{ height: view.getTotalSize() }}>
            {view.getVirtualItems().map(({ index, start }) => {
              const row = rows[index];
              if (row === undefined) return null;
              const style = { transform: `translateY(${start}px)` };
              if (row.kind === "folder") {
                const on = row.streams.filter(({ name }) => selection.has(streamKey(name))).length;
                const open = !closed.has(row.name);
                return (
                  <div key={`/${row.name}`} className="picker-row" style={style}>
                    <Tick
                      label={row.name}
                      on={on === row.streams.length}
                      some={on > 0 && on < row.streams.length}
                      change={(next) => select(row.streams, next)}
                    />
                    <button type="button" className="picker-name" aria-expanded={open} onClick={() => toggle(row.name)}>
                      {open ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />} {row.name}
                    </button>
                    <span className="small muted">
                      {on} / {row.streams.length}
                    </span>
                  </div>
                );
              }
              const { stream } = row;
              const key = streamKey(stream.name);
              const chosen = selection.get(key);
              return (
                <div
                  key={key}
                  className={`picker-row${row.inside ? " inside" : ""}${key === at ? " here" : ""}`}
                  style={style}
                >
                  <Tick
                    label={streamLabel(stream.name)}
                    on={chosen !== undefined}
                    change={(next) => select([stream], next)}
                  />
                  <button
                    type="button"
                    className="picker-name cut"
                    aria-pressed={key === at}
                    title={streamLabel(stream.name)}
                    onClick={() => setAt(key)}
                  >
                    {stream.name?.name}
                  </button>
                  {chosen !== undefined ? (
                    <span className="tag">
                      {t.choose.readShort[chosen.readMode] ?? t.choose.readShort[1]} ·{" "}
                      {t.choose.writeShort[chosen.writeMode]}
                    </span>
                  ) : (
                    stream.estimatedRows !== undefined && (
                      <span className="small muted">{brief(stream.estimatedRows)}</span>
                    )
                  )}
                </div>
              );
            })}
          </div>
        </div>
        <div className="picker-side">
          {current === undefined ? (
            <p className="muted pad">{t.choose.pick}</p>
          ) : (
            <StreamSettings
              key={at}
              source={source}
              destination={destination}
              descriptor={current}
              stream={selection.get(streamKey(current.name))}
              writeModes={writeModes}
              select={(on) => select([current], on)}
              change={(stream) => change(new Map(selection).set(streamKey(current.name), stream))}
            />
          )}
        </div>
      </div>
      {current !== undefined && (
        <Editors>
          <StreamPreview
            key={at}
            source={source}
            descriptor={current}
            columns={selection.get(streamKey(current.name))?.columns ?? []}
          />
        </Editors>
      )}
    </section>
  );
}

function Tick({
  label,
  on,
  some = false,
  change,
}: {
  label: string;
  on: boolean;
  some?: boolean;
  change: (on: boolean) => void;
}) {
  return (
    <input
      type="checkbox"
      aria-label={label}
      checked={on}
      ref={(element) => {
        if (element !== null) element.indeterminate = some;
      }}
      onChange={(event) => change(event.target.checked)}
    />
  );
}
