/** Recent runs as small bars: height by rows, colour and shape by outcome. They are too small to be pressed; the list of jobs leads to each. */
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import { ago, brief, dateOf } from "../lib/format";
import { t } from "../text/en";
import { jobLook } from "./status";

const SHOWN = 16;

/** `jobs` newest first. */
export function RunStrip({ jobs }: { jobs: readonly Job[] }) {
  const shown = jobs.slice(0, SHOWN).reverse();
  const most = Math.max(1, ...shown.map((job) => Math.log10(1 + Number(job.total?.rowsCommitted ?? 0n))));
  return (
    <ul className="strip">
      {Array.from({ length: SHOWN - shown.length }, (_, gap) => (
        <li key={gap} aria-hidden className="gap" />
      ))}
      {shown.map((job) => {
        const rows = job.total?.rowsCommitted ?? 0n;
        const look = jobLook(job.state);
        const height = Math.ceil((Math.log10(1 + Number(rows)) / most) * 5);
        const label = t.connections.runLabel(look.word, ago(dateOf(job.createTime) ?? new Date()), brief(rows));
        return (
          <li key={job.name}>
            <span role="img" className={`mark ${look.tone} h${height}`} aria-label={label} title={label} />
          </li>
        );
      })}
    </ul>
  );
}
