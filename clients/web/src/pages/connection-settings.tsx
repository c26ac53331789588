/** When and how a connection runs, and how it goes away. */
import { useState } from "react";
import { create } from "@bufbuild/protobuf";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { connections } from "../api/transport";
import {
  Connection_SchemaChangePolicy,
  ScheduleSchema,
  type Connection,
} from "../gen/towpath/control/v1/connections_pb";
import { idOf } from "../lib/names";
import { need } from "../lib/need";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { Question } from "../ui/dialog";
import { Notice } from "../ui/feedback";
import { SchedulePicker } from "../ui/schedule-picker";

const MIB = 1024 * 1024;
const { PROPAGATE, FAIL } = Connection_SchemaChangePolicy;

const shown = (value: number): string => (value === 0 ? "" : String(value));
const whole = (text: string): number => Math.max(0, Math.trunc(Number(text)) || 0);

export function SettingsTab({ connection }: { connection: Connection }) {
  const client = useQueryClient();
  const { settings } = connection;
  const [schedule, setSchedule] = useState(() => connection.schedule ?? create(ScheduleSchema));
  const [policy, setPolicy] = useState(connection.schemaChangePolicy || PROPAGATE);
  const [numbers, setNumbers] = useState({
    parallel: settings?.maxParallelStreams ?? 0,
    mebibytes: Number(settings?.commitBytes ?? 0n) / MIB,
    seconds: Number(settings?.commitInterval?.seconds ?? 0n),
    attempts: settings?.maxAttempts ?? 0,
  });
  const [saved, setSaved] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const save = async () => {
    setSaved(false);
    setError(null);
    try {
      await connections.updateConnection({
        connection: {
          name: connection.name,
          etag: connection.etag,
          schedule,
          schemaChangePolicy: policy,
          settings: {
            maxParallelStreams: numbers.parallel,
            commitBytes: BigInt(Math.round(numbers.mebibytes * MIB)),
            maxAttempts: numbers.attempts,
            ...(numbers.seconds > 0 && { commitInterval: { seconds: BigInt(numbers.seconds), nanos: 0 } }),
          },
        },
        updateMask: { paths: ["schedule", "schema_change_policy", "settings"] },
      });
      setSaved(true);
      await client.invalidateQueries({ queryKey: ["connections"] });
    } catch (thrown) {
      setError(thrown);
    }
  };

  const fields = [
    ["parallel", t.connection.parallel, "4"],
    ["attempts", t.connection.attempts, "5"],
    ["mebibytes", t.connection.commitBytes, "256"],
    ["seconds", t.connection.commitSeconds, "60"],
  ] as const;

  return (
    <>
      <form
        className="card form"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <SchedulePicker value={schedule} change={setSchedule} />
        <fieldset className="group">
          <legend>{t.connection.drift}</legend>
          <div className="cards">
            {(
              [
                [PROPAGATE, t.connection.driftPropagate],
                [FAIL, t.connection.driftFail],
              ] as const
            ).map(([each, label]) => (
              <label key={each} className="choice">
                <input type="radio" name="policy" checked={policy === each} onChange={() => setPolicy(each)} />
                <strong>{label}</strong>
              </label>
            ))}
          </div>
        </fieldset>
        <div className="pair">
          {fields.map(([key, label, usual]) => (
            <label key={key} className="field">
              <span>{label}</span>
              <input
                inputMode="numeric"
                value={shown(numbers[key])}
                placeholder={usual}
                onChange={(event) => setNumbers({ ...numbers, [key]: whole(event.target.value) })}
              />
              <span className="help">{t.connection.defaultIs(usual)}</span>
            </label>
          ))}
        </div>
        <Notice error={error} />
        <div className="form-foot">
          <Editors>
            <button type="submit" className="button primary">
              {t.actions.save}
            </button>
          </Editors>
          {saved && <span role="status">{t.connection.saved}</span>}
        </div>
      </form>
      <Editors>
        <Danger connection={connection} />
      </Editors>
    </>
  );
}

function Danger({ connection }: { connection: Connection }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [asked, setAsked] = useState<"clear" | "remove">();
  const { name } = connection;
  const id = idOf(name);
  return (
    <section className="card form" aria-labelledby="danger-title">
      <h2 id="danger-title">{t.connection.danger}</h2>
      <p className="muted">{t.connection.clearBody}</p>
      <div>
        <button type="button" className="button quiet-danger" onClick={() => setAsked("clear")}>
          {t.actions.clear}
        </button>
      </div>
      <p className="muted">{t.connection.removeBody}</p>
      <div>
        <button type="button" className="button quiet-danger" onClick={() => setAsked("remove")}>
          {t.actions.remove}
        </button>
      </div>
      {asked === "clear" && (
        <Question
          title={t.connection.clearTitle(id)}
          body={t.connection.clearBody}
          yes={t.actions.clear}
          guard={id}
          close={() => setAsked(undefined)}
          act={async () => {
            const { job } = await connections.clearConnection({ name, requestId: crypto.randomUUID() });
            await navigate({ to: "/jobs/$id", params: { id: idOf(need(job).name) } });
          }}
        />
      )}
      {asked === "remove" && (
        <Question
          title={t.connection.removeTitle(id)}
          body={t.connection.removeBody}
          yes={t.actions.remove}
          guard={id}
          close={() => setAsked(undefined)}
          act={async () => {
            await connections.deleteConnection({ name });
            await navigate({ to: "/connections" });
            client.removeQueries({ queryKey: ["connections", name] });
            await client.invalidateQueries({ queryKey: ["connections"], exact: true });
          }}
        />
      )}
    </section>
  );
}
