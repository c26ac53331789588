/** The probes of a connector, one by one, each with what to do when it failed. */
import { useEffect, useState } from "react";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { CircleCheck, CircleX, Loader } from "lucide-react";
import type { EndpointKind } from "../api/endpoints";
import { isOwnAbort } from "../api/failures";
import type { CheckResult } from "../gen/towpath/connector/v1/connector_pb";
import { FailureInfoSchema } from "../gen/towpath/connector/v1/types_pb";
import { t } from "../text/en";
import { Notice } from "./feedback";

interface ChecksProps {
  readonly kind: EndpointKind;
  readonly name: string;
  /** Another number is another run; 0 is none yet. */
  readonly run: number;
  readonly again: () => void;
}

interface Outcome {
  readonly run: number;
  readonly results?: CheckResult[];
  readonly error?: unknown;
}

/** What a failed probe says to people. */
function remedy({ status }: CheckResult): string {
  for (const detail of status?.details ?? []) {
    const info = anyUnpack(detail, FailureInfoSchema);
    if (info !== undefined && info.userMessage !== "") return info.userMessage;
  }
  return status?.message ?? "";
}

export function Checks({ kind, name, run, again }: ChecksProps) {
  const [outcome, setOutcome] = useState<Outcome>({ run: 0 });
  useEffect(() => {
    if (run === 0) return undefined;
    const stop = new AbortController();
    kind.check(name, stop.signal).then(
      (results) => setOutcome({ run, results }),
      (error: unknown) => !isOwnAbort(error) && setOutcome({ run, error }),
    );
    return () => stop.abort();
  }, [kind, name, run]);
  const running = run !== 0 && outcome.run !== run;
  const results = running ? [] : (outcome.results ?? []);
  const passed = results.filter(({ status }) => (status?.code ?? 0) === 0).length;
  return (
    <section className="card" aria-labelledby="checks-title">
      <header className="section-head">
        <h2 id="checks-title">{t.endpoint.checks}</h2>
        <button type="button" className="button small" disabled={running} onClick={again}>
          {t.actions.check}
        </button>
      </header>
      <div role="status" className="pad-small">
        {run === 0 && <p className="muted">{t.endpoint.checksIdle}</p>}
        {running && (
          <p className="muted">
            <Loader size={14} className="spin" aria-hidden /> {t.endpoint.checksRunning}
          </p>
        )}
        {!running && results.length > 0 && passed === results.length && <p>{t.endpoint.allPassed}</p>}
        {!running && <Notice error={outcome.error} />}
      </div>
      <ol className="checks">
        {results.map((result) => {
          const ok = (result.status?.code ?? 0) === 0;
          return (
            <li key={result.probe}>
              {ok ? (
                <CircleCheck size={16} className="ok" aria-hidden />
              ) : (
                <CircleX size={16} className="bad" aria-hidden />
              )}
              <div>
                <strong>{result.probe}</strong>{" "}
                <span className={ok ? "ok small" : "bad small"}>{ok ? t.endpoint.checkOk : t.endpoint.checkBad}</span>
                {remedy(result) !== "" && <p className="small">{remedy(result)}</p>}
              </div>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
