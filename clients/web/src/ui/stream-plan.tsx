/** Where the rows of a stream would be found, and which of its columns are stored in another form. */
import { useQuery } from "@tanstack/react-query";
import { planOf, useSettled } from "../api/plan";
import { ColumnPlan_Fit } from "../gen/towpath/connector/v1/destination_pb";
import type { ConnectionStream } from "../gen/towpath/control/v1/connections_pb";
import { t } from "../text/en";
import { Notice } from "./feedback";

interface PlanProps {
  /** Resource names. */
  readonly source: string;
  readonly destination: string;
  readonly stream: ConnectionStream;
}

const HARMLESS = new Set([ColumnPlan_Fit.LOSSLESS]);

export function StreamPlan({ source, destination, stream }: PlanProps) {
  const settled = useSettled(stream);
  const plan = useQuery(planOf(source, destination, settled));
  const found = settled === stream ? plan.data : undefined;
  return (
    <section className="field" aria-labelledby="plan-title">
      <h3 id="plan-title">{t.plan.title}</h3>
      <div role="status" className="stack">
        {found === undefined && plan.error === null && <p className="help">{t.plan.asking}</p>}
        {found !== undefined && found.failure === undefined && (
          <code className="plan-place">{found.location === "" ? t.plan.silent : found.location}</code>
        )}
      </div>
      <Notice error={settled === stream ? plan.error : null} />
      {found?.failure !== undefined && <p className="notice bad">{found.failure.message}</p>}
      {found !== undefined && found.columns.length > 0 && (
        <ul className="plan-columns">
          {found.columns.map(({ column, fit, reason }) => (
            <li key={column}>
              <code>{column}</code> <span className={HARMLESS.has(fit) ? "tag" : "tag warn"}>{t.plan.fits[fit]}</span>
              {reason !== "" && <p className="help">{reason}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
