/** The probes of a connector, one by one, each with what to do when it failed. */
import { useEffect, useState } from "react";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { CircleCheck, CircleX, Loader } from "lucide-react";
import type { Checked, EndpointKind } from "../api/endpoints";
import { isOwnAbort } from "../api/failures";
import type { CheckResult } from "../gen/towpath/connector/v1/connector_pb";
import { FailureInfoSchema } from "../gen/towpath/connector/v1/types_pb";
import { t } from "../text/en";
import { Notice } from "./feedback";
import { useNow } from "./times";

interface ChecksProps {
  readonly kind: EndpointKind;
  readonly name: string;
  /** Another number is another run; 0 is none yet. */
  readonly run: number;
  readonly again: () => void;
}

interface Progress extends Checked {
  readonly run: number;
  readonly ended: boolean;
  readonly error?: unknown;
}

const START = { results: [], running: "", ended: false };

/** What a failed probe says to people. */
function remedy({ status }: CheckResult): string {
  for (const detail of status?.details ?? []) {
    const info = anyUnpack(detail, FailureInfoSchema);
    if (info !== undefined && info.userMessage !== "") return info.userMessage;
  }
  return status?.message ?? "";
}

/** The probe that runs, and for how long it has; `key` it by its name. */
function Running({ probe }: { probe: string }) {
  const [began] = useState(() => Date.now());
  const seconds = Math.floor(Math.max(0, useNow() - began) / 1000);
  return (
    <li>
      <Loader size={16} className="spin" aria-hidden />
      <div>
        <strong>{probe}</strong> <span className="muted small">{t.endpoint.checkNow(seconds)}</span>
      </div>
    </li>
  );
}

export function Checks({ kind, name, run, again }: ChecksProps) {
  const [seen, setSeen] = useState<Progress>({ ...START, run: 0 });
  useEffect(() => {
    if (run === 0) return undefined;
    const stop = new AbortController();
    const update = (change: Partial<Progress>) =>
      setSeen((before) => ({ ...(before.run === run ? before : START), ...change, run }));
    const watch = async () => {
      for await (const { results, running } of kind.check(name, stop.signal)) update({ results, running });
      update({ ended: true });
    };
    watch().catch((error: unknown) => !isOwnAbort(error) && update({ running: "", ended: true, error }));
    return () => stop.abort();
  }, [kind, name, run]);
  const { results, running: probe, ended, error } = seen.run === run ? seen : { ...START, error: undefined };
  const running = run !== 0 && !ended;
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
        {running && results.length === 0 && probe === "" && (
          <p className="muted">
            <Loader size={14} className="spin" aria-hidden /> {t.endpoint.checksRunning}
          </p>
        )}
        {ended && error === undefined && results.length > 0 && passed === results.length && (
          <p>{t.endpoint.allPassed}</p>
        )}
        {ended && <Notice error={error} />}
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
        {running && probe !== "" && <Running key={probe} probe={probe} />}
      </ol>
    </section>
  );
}
