/** One bar per stream of a job: what is committed, commit by commit, what is read and not committed yet, what is expected. */
import { useRef, useState } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { StreamProgress_State, type StreamProgress } from "../gen/towpath/control/v1/jobs_pb";
import { brief, bytes, count, duration } from "../lib/format";
import { streamKey, streamLabel } from "../lib/names";
import { t } from "../text/en";
import { SearchField } from "./search";
import { Status, streamLook } from "./status";
import { Ago } from "./times";

/** Height of a stream in pixels, as in the stylesheet. */
const HEIGHT = 58;
const NARROW = 20;

export function StreamBars({ streams }: { streams: readonly StreamProgress[] }) {
  const [filter, setFilter] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const shown = streams.filter(({ name }) => streamLabel(name).toLowerCase().includes(filter.trim().toLowerCase()));
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are read while rendering only
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => HEIGHT,
    overscan: 6,
  });
  return (
    <section className="card" aria-labelledby="streams-title">
      <header className="section-head">
        <h2 id="streams-title">{t.job.streams}</h2>
        <span className="small muted">{count(streams.length)}</span>
        {streams.length > NARROW && <SearchField label={t.job.filterStreams} value={filter} onChange={setFilter} />}
      </header>
      {streams.length === 0 && <p className="muted pad">{t.job.noStreams}</p>}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a list that scrolls is scrolled with the keyboard too */}
      <div ref={box} className="bars" tabIndex={0} role="list" aria-label={t.job.streams}>
        <div style={{ height: rows.getTotalSize() }} role="presentation">
          {rows.getVirtualItems().map(({ index, start }) => {
            const stream = shown[index];
            if (stream === undefined) return null;
            return (
              <div
                key={streamKey(stream.name)}
                role="listitem"
                className="bar-row"
                style={{ transform: `translateY(${start}px)` }}
              >
                <Bar stream={stream} />
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Rows to expect: the source's estimate, or what was read already when that is more. */
export function expected(stream: StreamProgress): number | undefined {
  if (stream.state === StreamProgress_State.SUCCEEDED) return Number(stream.progress?.rowsCommitted ?? 0n);
  if (stream.estimatedRows === undefined) return undefined;
  return Math.max(Number(stream.estimatedRows), Number(stream.progress?.rowsRead ?? 0n));
}

function Bar({ stream }: { stream: StreamProgress }) {
  const label = streamLabel(stream.name);
  const committed = Number(stream.progress?.rowsCommitted ?? 0n);
  const read = Number(stream.progress?.rowsRead ?? 0n);
  const total = expected(stream);
  const rate = stream.progress?.rowsPerSecond ?? 0;
  const running = stream.state === StreamProgress_State.RUNNING;
  const done = stream.state === StreamProgress_State.SUCCEEDED;
  // Where nobody knows how many rows there are, the bar is what was read, and shows how much of it is committed.
  const whole = total ?? read;
  const share = (rows: number): number => (whole === 0 ? (done ? 100 : 0) : (100 * rows) / whole);
  const last = stream.recentCommits.at(-1);
  // The last one ends where the bar does.
  const marks = stream.recentCommits.map(({ rows }) => Number(rows)).filter((rows) => rows < whole);
  const left = running && rate > 0 && total !== undefined ? ((total - read) / rate) * 1000 : undefined;
  return (
    <>
      <div className="bar-text">
        <span className="strong cut" title={label}>
          {label}
        </span>
        <Status look={streamLook(stream.state)} />
        {stream.failure !== undefined && <span className="bad-text small cut">{stream.failure.message}</span>}
        <span className="bar-numbers small">
          {running && rate > 0 && <span className="muted">{t.job.perSecond(rate)}</span>}
          {left !== undefined && left > 0 && <span className="muted wide-only">{t.job.left(duration(left))}</span>}
          <span className="muted wide-only">{bytes(stream.progress?.bytesCommitted ?? 0n)}</span>
          {running && last !== undefined && (
            <span className="muted wide-only">
              {t.job.lastCommit} <Ago at={last.time} />
            </span>
          )}
          <span title={t.job.commitCount(stream.progress?.commits ?? 0n)}>
            {count(committed)}
            {total !== undefined && !done && <span className="muted"> {t.job.ofAbout(brief(total))}</span>}
          </span>
        </span>
      </div>
      <div
        className={`bar ${streamLook(stream.state).tone}`}
        role="progressbar"
        aria-label={
          total === undefined
            ? t.job.barUnknown(label, count(committed), stream.progress?.commits ?? 0n)
            : t.job.bar(label, count(committed), count(total), stream.progress?.commits ?? 0n)
        }
        aria-valuemin={0}
        aria-valuemax={100}
        {...(total === undefined && !done ? {} : { "aria-valuenow": Math.round(share(committed)) })}
      >
        {whole === 0 && running ? (
          <span className="bar-unknown" />
        ) : (
          <>
            <span className="bar-read" style={{ transform: `scaleX(${share(read) / 100})` }} />
            <span className="bar-done" style={{ transform: `scaleX(${share(committed) / 100})` }} />
            {marks.map((rows) => (
              <i key={rows} className="bar-mark" style={{ transform: `translateX(${share(rows)}%)` }} />
            ))}
          </>
        )}
      </div>
    </>
  );
}
