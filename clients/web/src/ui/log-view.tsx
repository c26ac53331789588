/** A job's log: only the lines in view are in the page, so that a million of them scroll as well as ten. */
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import { ArrowDownToLine, Link as LinkIcon, TriangleAlert } from "lucide-react";
import { useLog } from "../api/log";
import type { LogSearch } from "../app/router";
import { moment, timeOfDay } from "../lib/format";
import type { Line } from "../lib/log-lines";
import { t } from "../text/en";
import { Notice } from "./feedback";
import { SearchField } from "./search";
import { useLongScroll } from "./use-long-scroll";

/** Height of a line in pixels, as in the stylesheet. */
const HEIGHT = 24;

interface LogViewProps {
  readonly job: string;
  readonly id: string;
  readonly search: LogSearch;
}

export function LogView({ job, id, search }: LogViewProps) {
  const navigate = useNavigate();
  const [pinned, setPinned] = useState(search.line === undefined);
  const [chosen, setChosen] = useState(-1);
  const arrived = useRef(false);

  const level = search.level ?? 0;
  const origin = search.origin ?? "";
  const { lines, version, error } = useLog(job, { level, origin, text: (search.q ?? "").trim().toLowerCase() });
  // The lines grow in place; the version tells that they did.
  const size = version >= 0 ? lines.shown : 0;
  const { box, reveal, ...rows } = useLongScroll({ size, row: HEIGHT, away: () => setPinned(false) });

  useEffect(() => {
    if (pinned && size > 0) reveal(size - 1);
  }, [pinned, size, reveal]);

  useEffect(() => {
    if (search.line === undefined || arrived.current) return;
    const position = lines.positionOf(search.line);
    // It may not have come yet; the next look will find it.
    if (position >= size) return;
    arrived.current = true;
    reveal(position);
  }, [search.line, lines, reveal, size]);

  const narrow = (change: LogSearch) => {
    setChosen(-1);
    void navigate({
      to: "/jobs/$id",
      params: { id },
      search: { ...search, line: undefined, ...change },
      replace: true,
    });
  };
  const jump = () => {
    const next = lines.nextError(chosen);
    if (next < 0) return;
    setPinned(false);
    setChosen(next);
    reveal(next);
  };
  const errors = lines.hasErrors;

  return (
    <section className="card log" aria-labelledby="log-title">
      <header className="log-head">
        <h2 id="log-title">{t.job.log}</h2>
        <span className="small muted">{t.log.lines(size, lines.total)}</span>
        <SearchField label={t.log.filter} value={search.q ?? ""} onChange={(q) => narrow({ q: q || undefined })} />
        <select
          aria-label={t.log.level}
          value={level}
          onChange={(event) => narrow({ level: Number(event.target.value) || undefined })}
        >
          <option value={0}>{t.log.all}</option>
          {[2, 3, 4].map((each) => (
            <option key={each} value={each}>
              {t.log.levels[each]}
            </option>
          ))}
        </select>
        <select
          aria-label={t.log.origin}
          value={origin}
          onChange={(event) => narrow({ origin: event.target.value || undefined })}
        >
          <option value="">{t.log.allOrigins}</option>
          {[...new Set([...lines.origins, ...(origin === "" ? [] : [origin])])].sort().map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <button type="button" className="button small" onClick={jump} disabled={!errors}>
          <TriangleAlert size={14} aria-hidden />
          {errors ? t.log.nextError : t.log.noErrors}
        </button>
        <button type="button" className="button small" aria-pressed={pinned} onClick={() => setPinned(!pinned)}>
          <ArrowDownToLine size={14} aria-hidden />
          {t.log.follow}
        </button>
      </header>
      <Notice error={error} />
      <div
        ref={box}
        className="log-box"
        // A log is scrolled with the keyboard too, and then stays where it is.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t.log.label}
        aria-busy={lines.pending}
        onScroll={rows.onScroll}
      >
        {size === 0 && !lines.pending && <p className="muted pad">{lines.total === 0 ? t.log.empty : t.log.noMatch}</p>}
        <div className="log-lines" style={{ height: rows.height }}>
          {Array.from({ length: Math.max(0, rows.end - rows.first) }, (_, offset) => {
            const position = rows.first + offset;
            const line = lines.at(position);
            if (line === undefined) return null;
            const marked = line.seq === search.line || position === chosen;
            const top = rows.place(position);
            return <Row key={line.seq} line={line} top={top} marked={marked} link={() => link(line.seq)} />;
          })}
        </div>
      </div>
    </section>
  );

  function link(seq: number): void {
    setPinned(false);
    arrived.current = true;
    void navigate({ to: "/jobs/$id", params: { id }, search: { ...search, line: seq }, replace: true });
    const address = new URL(window.location.href);
    address.searchParams.set("line", String(seq));
    void navigator.clipboard.writeText(address.href).catch(() => undefined);
  }
}

interface RowProps {
  readonly line: Line;
  readonly top: number;
  readonly marked: boolean;
  readonly link: () => void;
}

function Row({ line, top, marked, link }: RowProps) {
  return (
    <div className={`line l${line.level}${marked ? " marked" : ""}`} style={{ transform: `translateY(${top}px)` }}>
      <button type="button" className="line-link" aria-label={t.log.copyLink(line.seq)} tabIndex={-1} onClick={link}>
        <LinkIcon size={12} aria-hidden />
      </button>
      <time title={moment(new Date(line.time))}>{timeOfDay(new Date(line.time))}</time>
      <span className="line-level">{t.log.levels[line.level] ?? ""}</span>
      <span className="line-origin">{line.origin}</span>
      <span className="line-text" title={`${line.message} ${line.attributes}`}>
        {line.stream !== "" && <b>{line.stream} </b>}
        {line.message} <span className="muted">{line.attributes}</span>
      </span>
    </div>
  );
}
