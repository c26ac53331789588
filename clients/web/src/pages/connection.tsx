/** One connection: how it did, and everything that can be changed about it. */
import { lazy, Suspense, useMemo, useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowRight, Pause, Play } from "lucide-react";
import { useMay } from "../api/me";
import { connectionNamed, recentJobs } from "../api/queries";
import { connections } from "../api/transport";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";
import { brief, count, dateOf, duration, span } from "../lib/format";
import { idOf } from "../lib/names";
import { scheduleText } from "../lib/schedule";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { FailureCard } from "../ui/failure-card";
import { Broken, Notice, Skeleton } from "../ui/feedback";
import { JobTable } from "../ui/job-table";
import { Page } from "../ui/page";
import { RefreshButton } from "../ui/refresh";
import { isTerminal, jobLook, Status } from "../ui/status";
import { RunStrip } from "../ui/strip";
import { SyncButton } from "../ui/sync";
import { Ago } from "../ui/times";

const RunChart = lazy(() => import("../ui/run-chart").then((module) => ({ default: module.RunChart })));
const StreamsTab = lazy(() => import("./connection-streams").then((module) => ({ default: module.StreamsTab })));
const StateTab = lazy(() => import("./connection-state").then((module) => ({ default: module.StateTab })));
const SchemaTab = lazy(() => import("./connection-schema").then((module) => ({ default: module.SchemaTab })));
const SettingsTab = lazy(() => import("./connection-settings").then((module) => ({ default: module.SettingsTab })));
const EventsTab = lazy(() => import("./connection-events").then((module) => ({ default: module.EventsTab })));
const YamlTab = lazy(() => import("./connection-yaml").then((module) => ({ default: module.YamlTab })));

const TABS = [undefined, "streams", "state", "schema", "settings", "events", "yaml"] as const;

export function ConnectionPage() {
  const { id } = useParams({ from: "/connections/$id" });
  const { tab } = useSearch({ from: "/connections/$id" });
  const found = useQuery(connectionNamed(`connections/${id}`));
  const connection = found.data;
  const mayAudit = useMay(Token_Role.ADMIN);
  return (
    <Page
      title={id}
      above={<Link to="/connections">{t.connections.title}</Link>}
      lead={connection !== undefined && <Path connection={connection} />}
      actions={
        connection !== undefined && (
          <Editors>
            <Actions connection={connection} />
          </Editors>
        )
      }
    >
      {connection === undefined ? (
        found.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={found.error} again={() => void found.refetch()} />
        )
      ) : (
        <>
          <nav className="tabs" aria-label={id}>
            {TABS.filter((each) => each !== "events" || mayAudit).map((each) => (
              <Link
                key={each ?? "overview"}
                to="/connections/$id"
                params={{ id }}
                search={{ tab: each }}
                {...(each === tab && { "aria-current": "page" as const })}
                activeOptions={{ exact: true }}
              >
                {t.connection.tabs[each ?? "overview"]}
              </Link>
            ))}
          </nav>
          <Suspense fallback={<Skeleton />}>
            {tab === undefined && <Overview connection={connection} />}
            {tab === "streams" && <StreamsTab connection={connection} />}
            {tab === "state" && <StateTab connection={connection} />}
            {tab === "schema" && <SchemaTab connection={connection} />}
            {tab === "settings" && <SettingsTab connection={connection} />}
            {tab === "events" && <EventsTab connection={connection} />}
            {tab === "yaml" && <YamlTab connection={connection} />}
          </Suspense>
        </>
      )}
    </Page>
  );
}

function Path({ connection }: { connection: Connection }) {
  return (
    <span className="path">
      <Link to="/sources/$id" params={{ id: idOf(connection.source) }}>
        {idOf(connection.source)}
      </Link>
      <ArrowRight size={12} aria-label="to" />
      <Link to="/destinations/$id" params={{ id: idOf(connection.destination) }}>
        {idOf(connection.destination)}
      </Link>
      <span aria-hidden>·</span>
      {t.connections.streams(connection.streams.length)}
      <Status look={jobLook(connection.lastJob?.state)} />
    </span>
  );
}

function Actions({ connection }: { connection: Connection }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [error, setError] = useState<unknown>(null);
  const { name, paused, schedule } = connection;
  const toggle = async () => {
    try {
      await (paused ? connections.resumeConnection({ name }) : connections.pauseConnection({ name }));
      await client.invalidateQueries({ queryKey: ["connections"] });
      setError(null);
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <>
      {schedule?.timing.case === undefined ? (
        <button
          type="button"
          className="button"
          onClick={() =>
            void navigate({ to: "/connections/$id", params: { id: idOf(name) }, search: { tab: "settings" } })
          }
        >
          {t.connection.schedule}
        </button>
      ) : (
        <button type="button" className="button" onClick={() => void toggle()}>
          {paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
          {paused ? t.actions.resume : t.actions.pause}
        </button>
      )}
      {(connection.lastJob === undefined || isTerminal(connection.lastJob.state)) && (
        <RefreshButton connection={name} />
      )}
      <SyncButton connection={name} active={connection.lastJob} />
      <Notice error={error} />
    </>
  );
}

const rowsText = (value: number): string => brief(value);
const secondsText = (value: number): string => duration(value * 1000);

function Overview({ connection }: { connection: Connection }) {
  const list = useQuery(recentJobs(connection.name));
  // The list of jobs carries the sums, which the connection's own last job leaves out.
  const last = list.data?.find(({ name }) => name === connection.lastJob?.name) ?? connection.lastJob;
  const ended = useMemo(
    () =>
      (list.data ?? [])
        .filter((job) => isTerminal(job.state))
        .slice(0, 60)
        .reverse(),
    [list.data],
  );
  return (
    <>
      {last?.failure !== undefined && <FailureCard failure={last.failure} connection={connection.name} />}
      <dl className="facts card">
        <div>
          <dt>{t.connections.recent}</dt>
          <dd>
            <RunStrip jobs={list.data ?? []} />
          </dd>
        </div>
        <div>
          <dt>{t.connection.lastRun}</dt>
          <dd>{last === undefined ? t.states.never : <Ago at={last.endTime ?? last.createTime} />}</dd>
        </div>
        <div>
          <dt>{t.connection.delivered}</dt>
          <dd>{count(last?.total?.rowsCommitted ?? 0n)}</dd>
        </div>
        <div>
          <dt>{t.connection.schedule}</dt>
          <dd>{scheduleText(connection.schedule)}</dd>
        </div>
        <div>
          <dt>{t.connection.nextRun}</dt>
          <dd>{connection.paused ? t.states.paused : <Ago at={connection.nextRunTime} />}</dd>
        </div>
      </dl>
      <Charts jobs={ended} />
      <section className="stack-wide" aria-labelledby="history-title">
        <h2 id="history-title">{t.connection.history}</h2>
        {list.data === undefined ? (
          list.error === null ? (
            <Skeleton lines={3} />
          ) : (
            <Broken error={list.error} again={() => void list.refetch()} />
          )
        ) : (
          <JobTable jobs={list.data} />
        )}
      </section>
    </>
  );
}

/** `jobs` that have ended, oldest first. */
function Charts({ jobs }: { jobs: readonly Job[] }) {
  const series = useMemo(
    () => ({
      times: jobs.map((job) => (dateOf(job.createTime)?.getTime() ?? 0) / 1000),
      rows: jobs.map((job) => Number(job.total?.rowsCommitted ?? 0n)),
      seconds: jobs.map((job) => (span(job.startTime, job.endTime) ?? 0) / 1000),
    }),
    [jobs],
  );
  return (
    <div className="charts">
      {(
        [
          [t.connection.rowsPerRun, series.rows, rowsText],
          [t.connection.secondsPerRun, series.seconds, secondsText],
        ] as const
      ).map(([label, values, format]) => (
        <figure key={label} className="card chart">
          <figcaption>
            <h2>{label}</h2>
          </figcaption>
          {values.length === 0 ? (
            <p className="muted">{t.connection.chartEmpty}</p>
          ) : (
            <Suspense fallback={<div className="chart-box" />}>
              <RunChart label={label} times={series.times} values={values} format={format} />
            </Suspense>
          )}
        </figure>
      ))}
    </div>
  );
}
