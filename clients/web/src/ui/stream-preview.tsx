/** The first rows of a stream, as its source sends them. They are read when somebody asks, not before. */
import { useQuery } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { firstRows } from "../api/preview";
import type { StreamDescriptor } from "../gen/towpath/connector/v1/types_pb";
import type { PreviewValue, StreamPreview as Preview } from "../gen/towpath/control/v1/previews_pb";
import { streamLabel } from "../lib/names";
import { t } from "../text/en";
import { Notice, Skeleton } from "./feedback";

const NUMBER = /^(u?int|float|double|halffloat|decimal)/;

interface PreviewProps {
  /** Resource name. */
  readonly source: string;
  readonly descriptor: StreamDescriptor;
  /** Columns that are selected; empty means all. */
  readonly columns: readonly string[];
}

export function StreamPreview({ source, descriptor, columns }: PreviewProps) {
  const rows = useQuery(firstRows(source, descriptor.name, columns));
  const label = streamLabel(descriptor.name);
  const found = rows.isFetching ? undefined : rows.data;
  return (
    <section className="preview" aria-labelledby="preview-title">
      <header className="section-head">
        <h2 id="preview-title">{t.preview.title(label)}</h2>
        <span className="small muted" role="status">
          {rows.isFetching
            ? t.preview.reading
            : found === undefined
              ? t.preview.idle
              : t.preview.count(found.rows.length, found.complete)}
        </span>
        <button
          type="button"
          className="button small"
          disabled={rows.isFetching}
          onClick={() => void rows.refetch({ cancelRefetch: false })}
        >
          <Eye size={14} aria-hidden />
          {rows.data === undefined ? t.preview.show : t.preview.again}
        </button>
      </header>
      {rows.isFetching && (
        <div className="pad">
          <Skeleton lines={3} />
        </div>
      )}
      {!rows.isFetching && rows.error !== null && (
        <div className="pad-small">
          <Notice error={rows.error} />
        </div>
      )}
      {found !== undefined && <Rows label={label} found={found} />}
    </section>
  );
}

function Rows({ label, found }: { label: string; found: Preview }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a table that scrolls is scrolled with the keyboard too
    <div className="scroll preview-rows" role="region" aria-label={t.preview.rows(label)} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {found.columns.map(({ name, type }) => (
              <th key={name} scope="col" className={NUMBER.test(type) ? "number" : undefined}>
                {name} <code className="muted">{type}</code>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.rows.map(({ values }, index) => (
            // Rows have no identity but their place.
            <tr key={index}>
              {values.map((value, column) => (
                <td key={column} className={NUMBER.test(found.columns[column]?.type ?? "") ? "number" : undefined}>
                  <Value value={value} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {found.rows.length === 0 && <p className="muted pad">{t.preview.empty}</p>}
    </div>
  );
}

function Value({ value: { text, cutBytes } }: { value: PreviewValue }) {
  if (text === undefined) return <span className="muted small">NULL</span>;
  return (
    <span className="preview-value" title={cutBytes === 0n ? text : t.preview.cut(cutBytes)}>
      {text}
      {cutBytes > 0n && "…"}
    </span>
  );
}
