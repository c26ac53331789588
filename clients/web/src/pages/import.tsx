/** A pipeline file, applied from the browser. */
import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleX, Circle } from "lucide-react";
import { plan, type Step } from "../api/apply";
import { entriesOf } from "../lib/yaml";
import { t } from "../text/en";
import { Notice } from "../ui/feedback";
import { Page } from "../ui/page";

type Outcome = "waiting" | "done" | "failed";
const TONES = { create: "ok", change: "warn", same: "idle" };
const LOOKS = { waiting: Circle, done: CircleCheck, failed: CircleX };

export function ImportPage() {
  const client = useQueryClient();
  const [text, setText] = useState("");
  const [steps, setSteps] = useState<Step[]>();
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  const look = () =>
    attempt(async () => {
      setSteps(undefined);
      const found = await plan(entriesOf(text));
      if (found.length === 0) throw new Error(t.yaml.nothing);
      setSteps(found);
      setOutcomes(found.map(() => "waiting"));
    });
  const carryOut = (all: Step[]) =>
    attempt(async () => {
      for (const [index, step] of all.entries()) {
        const mark = (outcome: Outcome) =>
          setOutcomes((before) => before.map((each, at) => (at === index ? outcome : each)));
        try {
          if (step.action !== "same" || step.secrets) await step.act();
        } catch (thrown) {
          mark("failed");
          throw thrown;
        }
        mark("done");
      }
      await client.invalidateQueries();
    });
  const idle = steps?.every(({ action, secrets }) => action === "same" && !secrets) ?? false;
  const done = outcomes.length > 0 && outcomes.every((outcome) => outcome === "done");

  return (
    <Page
      title={t.yaml.importTitle}
      lead={t.yaml.importLead}
      above={<Link to="/connections">{t.connections.title}</Link>}
    >
      <form
        className="card form"
        onSubmit={(event) => {
          event.preventDefault();
          void look();
        }}
      >
        <label className="field">
          <span>{t.yaml.document}</span>
          <textarea
            className="mono"
            rows={16}
            spellCheck={false}
            value={text}
            onChange={(event) => {
              setText(event.target.value);
              setSteps(undefined);
            }}
          />
        </label>
        <Notice error={error} />
        <div className="form-foot">
          <button
            type="submit"
            className={steps === undefined ? "button primary" : "button"}
            disabled={busy || text.trim() === ""}
          >
            {t.yaml.plan}
          </button>
          {idle && <span role="status">{t.yaml.idle}</span>}
          {steps !== undefined && !done && !idle && (
            <button type="button" className="button primary" disabled={busy} onClick={() => void carryOut(steps)}>
              {t.yaml.apply}
            </button>
          )}
          {done && <span role="status">{t.yaml.applied}</span>}
        </div>
      </form>
      {steps !== undefined && (
        <ol className="card plan">
          {steps.map((step, index) => (
            <StepItem key={`${step.kind}/${step.name}`} step={step} outcome={outcomes[index] ?? "waiting"} />
          ))}
        </ol>
      )}
    </Page>
  );
}

function StepItem({ step: { kind, name, action, fields, secrets }, outcome }: { step: Step; outcome: Outcome }) {
  const Icon = LOOKS[outcome];
  return (
    <li>
      <div className="plan-head">
        <Icon size={15} aria-hidden className={outcome === "failed" ? "bad-text" : undefined} />
        <strong>{name}</strong>
        <span className="muted">{kind}</span>
        <span className={`status ${TONES[action]}`}>{t.yaml[action]}</span>
        {action === "same" && secrets && <span className="small muted">{t.yaml.secrets}</span>}
      </div>
      {fields.length > 0 && (
        <dl className="field-changes">
          {fields.map(({ path, before, after }) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>
                {before !== undefined && <del>{before}</del>} {after !== undefined && <ins>{after}</ins>}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
