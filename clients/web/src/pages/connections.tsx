/** All connections, with their health at a glance. */
import { useMemo, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, FileInput, Plus } from "lucide-react";
import { connectionList, recentJobs } from "../api/queries";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import { brief } from "../lib/format";
import { idOf } from "../lib/names";
import { scheduleText } from "../lib/schedule";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";
import { SearchField } from "../ui/search";
import { jobLook, Status } from "../ui/status";
import { RunStrip } from "../ui/strip";
import { SyncButton } from "../ui/sync";
import { Ago } from "../ui/times";

const create = (
  <Link to="/connections/new" className="button primary">
    <Plus size={15} aria-hidden />
    {t.actions.newConnection}
  </Link>
);

export function ConnectionsPage() {
  const list = useQuery(connectionList);
  const recent = useQuery(recentJobs("", 500));
  const [filter, setFilter] = useState("");
  const runs = useMemo(() => Map.groupBy(recent.data ?? [], (job) => job.connection), [recent.data]);

  return (
    <Page
      title={t.connections.title}
      lead={t.connections.lead}
      actions={
        <Editors>
          <Link to="/import" className="button">
            <FileInput size={15} aria-hidden />
            {t.actions.import}
          </Link>
          {create}
        </Editors>
      }
    >
      {list.data === undefined ? (
        list.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={list.error} again={() => void list.refetch()} />
        )
      ) : list.data.length === 0 ? (
        <Empty title={t.connections.empty} action={<Editors>{create}</Editors>}>
          {t.connections.emptyHelp}
        </Empty>
      ) : (
        <>
          <div className="toolbar">
            <SearchField label={t.connections.filter} value={filter} onChange={setFilter} />
          </div>
          <Table connections={list.data.filter(({ name }) => idOf(name).includes(filter.trim()))} runs={runs} />
        </>
      )}
    </Page>
  );
}

function Table({ connections, runs }: { connections: Connection[]; runs: Map<string, Job[]> }) {
  if (connections.length === 0) return <p className="muted pad">{t.connections.noMatch}</p>;
  return (
    <div className="card scroll">
      <table className="table rows">
        <thead>
          <tr>
            <th scope="col">{t.connections.name}</th>
            <th scope="col">{t.connections.recent}</th>
            <th scope="col">{t.connections.last}</th>
            <th scope="col" className="number">
              {t.connections.rows}
            </th>
            <th scope="col">{t.connections.next}</th>
            <th scope="col">
              <span className="hidden">{t.actions.sync}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {connections.map((connection) => (
            <Row key={connection.name} connection={connection} jobs={runs.get(connection.name) ?? []} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ connection, jobs }: { connection: Connection; jobs: Job[] }) {
  // The list of jobs carries the sums, which the connection's own last job leaves out.
  const last = jobs.find(({ name }) => name === connection.lastJob?.name) ?? connection.lastJob;
  const id = idOf(connection.name);
  return (
    <tr>
      <th scope="row">
        <Link to="/connections/$id" params={{ id }} className="strong">
          {id}
        </Link>
        <span className="path">
          {idOf(connection.source)}
          <ArrowRight size={12} aria-label="to" />
          {idOf(connection.destination)}
          <span aria-hidden>·</span>
          {t.connections.streams(connection.streams.length)}
        </span>
      </th>
      <td>
        <RunStrip jobs={jobs} />
      </td>
      <td>
        <div className="stack">
          <Status look={jobLook(last?.state)} />
          {last !== undefined && (
            <span className="small muted">
              <Ago at={last.endTime ?? last.createTime} />
            </span>
          )}
        </div>
      </td>
      <td className="number">{last === undefined ? "–" : brief(last.total?.rowsCommitted ?? 0n)}</td>
      <td>
        {connection.paused ? (
          <span className="muted">{t.states.paused}</span>
        ) : connection.nextRunTime === undefined ? (
          <span className="muted">{scheduleText(connection.schedule)}</span>
        ) : (
          <Ago at={connection.nextRunTime} />
        )}
      </td>
      <td className="end">
        <SyncButton connection={connection.name} active={last} small />
      </td>
    </tr>
  );
}
