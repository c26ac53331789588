/** When jobs start: by hand, at an interval, by the calendar; and what comes of it. */
import { useId } from "react";
import { create } from "@bufbuild/protobuf";
import { useQuery } from "@tanstack/react-query";
import { ScheduleSchema, type Schedule } from "../gen/towpath/control/v1/connections_pb";
import { moment } from "../lib/format";
import { intervalParts, intervalSeconds, nextOfInterval } from "../lib/schedule";
import { t } from "../text/en";

const SHOWN = 5;
const SHORTEST = 10;
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const every = (seconds: number): Schedule =>
  create(ScheduleSchema, { timing: { case: "interval", value: { seconds: BigInt(seconds), nanos: 0 } } });
const cron = (expression: string, timeZone: string): Schedule =>
  create(ScheduleSchema, { timing: { case: "cron", value: { expression, timeZone } } });

export function SchedulePicker({ value, change }: { value: Schedule; change: (value: Schedule) => void }) {
  const group = useId();
  const timing = value.timing;
  const choices = [
    { kind: undefined, label: t.schedule.manual, make: () => create(ScheduleSchema) },
    { kind: "interval", label: t.schedule.every, make: () => every(3600) },
    { kind: "cron", label: t.schedule.cron, make: () => cron("0 3 * * *", HERE) },
  ] as const;
  return (
    <fieldset className="group">
      <legend>{t.schedule.label}</legend>
      <div className="cards">
        {choices.map(({ kind, label, make }) => (
          <label key={label} className="choice">
            <input type="radio" name={group} checked={timing.case === kind} onChange={() => change(make())} />
            <strong>{label}</strong>
          </label>
        ))}
      </div>
      {timing.case === "interval" && <Interval seconds={Number(timing.value.seconds)} change={change} />}
      {timing.case === "cron" && (
        <Cron expression={timing.value.expression} zone={timing.value.timeZone} change={change} />
      )}
    </fieldset>
  );
}

function Interval({ seconds, change }: { seconds: number; change: (value: Schedule) => void }) {
  const { amount, unit } = intervalParts(seconds);
  return (
    <>
      <div className="pair">
        <label className="field">
          <span>{t.schedule.intervalLabel}</span>
          <input
            type="number"
            min={1}
            value={amount}
            onChange={(event) =>
              change(every(intervalSeconds(Math.max(1, Math.trunc(Number(event.target.value))), unit)))
            }
          />
        </label>
        <label className="field">
          <span>{t.schedule.unit}</span>
          <select value={unit} onChange={(event) => change(every(intervalSeconds(amount, event.target.value)))}>
            {Object.entries(t.schedule.units).map(([key, label]) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      {seconds < SHORTEST ? (
        <p className="problem">{t.schedule.short}</p>
      ) : (
        <Times times={nextOfInterval(seconds, SHOWN)} />
      )}
    </>
  );
}

function Cron({ expression, zone, change }: { expression: string; zone: string; change: (value: Schedule) => void }) {
  const list = useId();
  const next = useQuery({
    queryKey: ["cron", expression, zone],
    queryFn: async () => (await import("../lib/cron")).nextOfCron(expression, zone, SHOWN),
    staleTime: 30_000,
  });
  return (
    <>
      <div className="pair">
        <label className="field">
          <span>{t.schedule.expression}</span>
          <input
            className="mono"
            value={expression}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={next.data?.length === 0}
            onChange={(event) => change(cron(event.target.value, zone))}
          />
          <span className="help">{t.schedule.expressionHelp}</span>
        </label>
        <label className="field">
          <span>{t.schedule.zone}</span>
          <input
            list={list}
            value={zone}
            autoComplete="off"
            onChange={(event) => change(cron(expression, event.target.value))}
          />
          <datalist id={list}>
            {["UTC", ...Intl.supportedValuesOf("timeZone")].map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </label>
      </div>
      {next.data?.length === 0 ? <p className="problem">{t.schedule.bad}</p> : <Times times={next.data ?? []} />}
    </>
  );
}

function Times({ times }: { times: readonly Date[] }) {
  return (
    <div>
      <p className="small muted">{t.schedule.next}</p>
      <ol className="times">
        {times.map((time) => (
          <li key={time.getTime()}>{moment(time)}</li>
        ))}
      </ol>
    </div>
  );
}
