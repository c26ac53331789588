/** How the schemas of a connection's streams changed over time, and what was done about it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleX, ArrowRight, Minus, Plus } from "lucide-react";
import { schemaChanges } from "../api/queries";
import {
  Connection_SchemaChangePolicy,
  type ColumnChange,
  type Connection,
  type SchemaChange,
} from "../gen/towpath/control/v1/connections_pb";
import { idOf, streamLabel } from "../lib/names";
import { t } from "../text/en";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { Ago } from "../ui/times";

export function SchemaTab({ connection }: { connection: Connection }) {
  const list = useQuery(schemaChanges(connection.name));
  if (list.data === undefined) {
    return list.error === null ? <Skeleton /> : <Broken error={list.error} again={() => void list.refetch()} />;
  }
  const policy =
    connection.schemaChangePolicy === Connection_SchemaChangePolicy.FAIL ? t.schema.stops : t.schema.goesOn;
  return (
    <>
      <div className="lead-row">
        <p className="muted">{policy}</p>
        <Link
          to="/connections/$id"
          params={{ id: idOf(connection.name) }}
          search={{ tab: "settings" }}
          className="button small"
        >
          {t.schema.change}
        </Link>
      </div>
      {list.data.length === 0 ? (
        <Empty title={t.schema.empty}>{t.schema.emptyHelp}</Empty>
      ) : (
        <Table changes={list.data} />
      )}
    </>
  );
}

function Table({ changes }: { changes: readonly SchemaChange[] }) {
  return (
    <div className="card scroll">
      <table className="table rows">
        <thead>
          <tr>
            <th scope="col">{t.schema.stream}</th>
            <th scope="col">{t.schema.columns}</th>
            <th scope="col">{t.schema.done}</th>
            <th scope="col">{t.schema.when}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr
              key={`${change.job} ${streamLabel(change.stream)} ${String(change.time?.seconds)} ${change.time?.nanos ?? 0}`}
            >
              <th scope="row">{streamLabel(change.stream)}</th>
              <td>
                <ul className="column-changes">
                  {change.columns.map((column) => (
                    <li key={column.column}>
                      <Column change={column} />
                    </li>
                  ))}
                </ul>
              </td>
              <td>
                {change.policy === Connection_SchemaChangePolicy.FAIL ? (
                  <span className="status bad">
                    <CircleX size={13} aria-hidden />
                    {t.schema.stopped}
                  </span>
                ) : (
                  <span className="status ok">
                    <ArrowRight size={13} aria-hidden />
                    {t.schema.delivered}
                  </span>
                )}
              </td>
              <td>
                <Link to="/jobs/$id" params={{ id: idOf(change.job) }}>
                  <Ago at={change.time} />
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Column({ change: { column, typeBefore, typeAfter } }: { change: ColumnChange }) {
  if (typeBefore === "")
    return (
      <>
        <Plus size={13} className="ok-text" aria-label={t.schema.added} /> <strong>{column}</strong>{" "}
        <span className="muted">{typeAfter}</span>
      </>
    );
  if (typeAfter === "")
    return (
      <>
        <Minus size={13} className="bad-text" aria-label={t.schema.removed} /> <strong>{column}</strong>{" "}
        <span className="muted">{typeBefore}</span>
      </>
    );
  return (
    <>
      <ArrowRight size={13} aria-label={t.schema.retyped} /> <strong>{column}</strong>{" "}
      <span className="muted">
        {typeBefore} → {typeAfter}
      </span>
    </>
  );
}
