/** Jobs as a table. */
import { Link } from "@tanstack/react-router";
import { Job_Kind, type Job } from "../gen/towpath/control/v1/jobs_pb";
import { bytes, count } from "../lib/format";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { jobLook, Status } from "./status";
import { Ago, Span } from "./times";

const KINDS: Partial<Record<Job_Kind, string>> = {
  [Job_Kind.SYNC]: t.kinds.sync,
  [Job_Kind.REFRESH]: t.kinds.refresh,
  [Job_Kind.CLEAR]: t.kinds.clear,
};
export const kindWord = (kind: Job_Kind): string => KINDS[kind] ?? t.kinds.unknown;
export const triggerWord = (trigger: string): string =>
  trigger === "schedule" ? t.triggers.schedule : trigger === "manual" ? t.triggers.manual : trigger;

export function JobTable({ jobs, withConnection = false }: { jobs: readonly Job[]; withConnection?: boolean }) {
  if (jobs.length === 0) return <p className="muted pad">{withConnection ? t.jobs.noMatch : t.connection.noJobs}</p>;
  return (
    <div className="card scroll">
      <table className="table rows">
        <thead>
          <tr>
            <th scope="col">{t.jobs.state}</th>
            <th scope="col">{t.jobs.job}</th>
            {withConnection && <th scope="col">{t.jobs.connection}</th>}
            <th scope="col">{t.jobs.started}</th>
            <th scope="col" className="number">
              {t.jobs.duration}
            </th>
            <th scope="col" className="number">
              {t.jobs.rows}
            </th>
            <th scope="col" className="number">
              {t.jobs.bytes}
            </th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.name}>
              <td>
                <Status look={jobLook(job.state)} />
              </td>
              <th scope="row">
                <Link to="/jobs/$id" params={{ id: idOf(job.name) }} className="strong">
                  {kindWord(job.kind)} <span className="mono small">{idOf(job.name).slice(-6)}</span>
                </Link>
                <span className="path">
                  {triggerWord(job.trigger)}
                  {job.attempts.length > 1 && ` · ${t.job.attempt(job.attempts.length)}`}
                  {job.failure !== undefined && <span className="cut bad-text"> · {job.failure.message}</span>}
                </span>
              </th>
              {withConnection && (
                <td>
                  <Link to="/connections/$id" params={{ id: idOf(job.connection) }}>
                    {idOf(job.connection)}
                  </Link>
                </td>
              )}
              <td>
                <Ago at={job.createTime} />
              </td>
              <td className="number">
                <Span from={job.startTime} to={job.endTime} />
              </td>
              <td className="number">{count(job.total?.rowsCommitted ?? 0n)}</td>
              <td className="number">{bytes(job.total?.bytesCommitted ?? 0n)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
