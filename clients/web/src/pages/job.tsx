/** One job, live: where it stands, its streams, its log. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ArrowRight, Ban, Unplug } from "lucide-react";
import { useMay } from "../api/me";
import { connectionNamed } from "../api/queries";
import { jobs } from "../api/transport";
import { useJob } from "../api/watch";
import { Job_State, type Job } from "../gen/towpath/control/v1/jobs_pb";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";
import { brief, bytes, count } from "../lib/format";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { Question } from "../ui/dialog";
import { FailureCard } from "../ui/failure-card";
import { Broken, Skeleton } from "../ui/feedback";
import { kindWord, triggerWord } from "../ui/job-table";
import { LogView } from "../ui/log-view";
import { Page } from "../ui/page";
import { isTerminal, jobLook, Status } from "../ui/status";
import { StreamBars } from "../ui/stream-bars";
import { SyncButton } from "../ui/sync";
import { Ago, Span } from "../ui/times";

export function JobPage() {
  const { id } = useParams({ from: "/jobs/$id" });
  const search = useSearch({ from: "/jobs/$id" });
  const name = `jobs/${id}`;
  const { job, interrupted, error } = useJob(name);
  const [asked, setAsked] = useState(false);
  const mayEdit = useMay(Token_Role.EDITOR);

  if (job === undefined) return error === null ? <PageSkeleton /> : <Broken error={error} />;
  const active = job.state === Job_State.QUEUED || job.state === Job_State.RUNNING;
  return (
    <Page
      title={`${kindWord(job.kind)} ${idOf(job.connection)}`}
      above={
        <>
          <Link to="/connections/$id" params={{ id: idOf(job.connection) }}>
            {idOf(job.connection)}
          </Link>
          <span aria-hidden>/</span>
          <span className="mono">{id}</span>
        </>
      }
      lead={
        <span className="job-lead">
          <Status look={jobLook(job.state)} />
          <span>
            {triggerWord(job.trigger)}, <Ago at={job.createTime} />
          </span>
          {job.attempts.length > 1 && <span>{t.job.attempt(job.attempts.length)}</span>}
        </span>
      }
      actions={
        !mayEdit ? null : active ? (
          <button type="button" className="button quiet-danger" onClick={() => setAsked(true)}>
            <Ban size={14} aria-hidden />
            {t.actions.cancel}
          </button>
        ) : isTerminal(job.state) ? (
          <SyncButton connection={job.connection} active={undefined} />
        ) : null
      }
    >
      {interrupted && (
        <p className="notice warn" role="status">
          <Unplug size={16} aria-hidden />
          {t.job.interrupted}
        </p>
      )}
      {job.failure !== undefined && <FailureCard failure={job.failure} connection={job.connection} />}
      <Numbers job={job} />
      <Flow job={job} />
      <StreamBars streams={job.streams} />
      <LogView key={name} job={name} id={id} search={search} />
      {asked && active && (
        <Question
          title={t.job.cancelTitle}
          body={t.job.cancelBody}
          yes={t.job.cancelConfirm}
          act={() => jobs.cancelJob({ name })}
          close={() => setAsked(false)}
        />
      )}
    </Page>
  );
}

function PageSkeleton() {
  return (
    <div className="page">
      <Skeleton />
    </div>
  );
}

function Numbers({ job }: { job: Job }) {
  const total = job.total;
  const running = job.state === Job_State.RUNNING;
  return (
    <dl className="numbers card">
      <div>
        <dt>{t.job.rowsCommitted}</dt>
        <dd>{count(total?.rowsCommitted ?? 0n)}</dd>
      </div>
      <div>
        <dt>{t.jobs.bytes}</dt>
        <dd>{bytes(total?.bytesCommitted ?? 0n)}</dd>
      </div>
      <div>
        <dt>{t.job.rate}</dt>
        <dd>{running ? t.job.perSecond(total?.rowsPerSecond ?? 0) : "–"}</dd>
      </div>
      <div>
        <dt>{t.job.elapsed}</dt>
        <dd>
          <Span from={job.startTime} to={job.endTime} />
        </dd>
      </div>
      <div>
        <dt>{t.job.commits}</dt>
        <dd>{count(total?.commits ?? 0n)}</dd>
      </div>
    </dl>
  );
}

/** Source, broker, destination: what has passed which point, and how much waits between them. */
function Flow({ job }: { job: Job }) {
  const connection = useQuery(connectionNamed(job.connection)).data;
  const read = Number(job.total?.rowsRead ?? 0n);
  const committed = Number(job.total?.rowsCommitted ?? 0n);
  const waiting = Math.max(0, read - committed);
  const moving = job.state === Job_State.RUNNING;
  return (
    <section className={moving ? "card flow moving" : "card flow"} aria-label={t.job.flow}>
      <div className="flow-end">
        <span className="small muted">{t.choose.stepSource}</span>
        <strong className="cut">{connection === undefined ? "…" : idOf(connection.source)}</strong>
        <span className="small muted">
          {t.job.rowsRead} {brief(read)}
        </span>
      </div>
      <span className="flow-line" aria-hidden>
        <ArrowRight size={16} />
      </span>
      <div className={waiting > 0 ? "flow-middle waiting" : "flow-middle"}>
        <span className="small muted">{t.job.broker}</span>
        <strong>{brief(waiting)}</strong>
        <span className="small muted">{waiting > 0 ? t.job.inFlight(brief(waiting)) : t.job.nothingInFlight}</span>
      </div>
      <span className="flow-line" aria-hidden>
        <ArrowRight size={16} />
      </span>
      <div className="flow-end">
        <span className="small muted">{t.choose.stepDestination}</span>
        <strong className="cut">{connection === undefined ? "…" : idOf(connection.destination)}</strong>
        <span className="small muted">
          {t.job.rowsCommitted} {brief(committed)}
        </span>
      </div>
    </section>
  );
}
