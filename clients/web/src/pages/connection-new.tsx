/** A new connection, in four steps; source, destination and step are in the address. */
import { useState } from "react";
import { create } from "@bufbuild/protobuf";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, RotateCcw } from "lucide-react";
import { discovered } from "../api/discover";
import { connectorList, destinationList, sourceList } from "../api/queries";
import { connections } from "../api/transport";
import { ScheduleSchema, type Schedule } from "../gen/towpath/control/v1/connections_pb";
import { idOf, isId } from "../lib/names";
import { need } from "../lib/need";
import type { Selection } from "../lib/selection";
import { t } from "../text/en";
import { ConnectorIcon } from "../ui/connector-icon";
import { Broken, Notice, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";
import { SchedulePicker } from "../ui/schedule-picker";
import { StreamPicker } from "../ui/stream-picker";

const STEPS = [t.choose.stepSource, t.choose.stepDestination, t.choose.stepStreams, t.choose.stepRun] as const;

export function NewConnectionPage() {
  const search = useSearch({ from: "/connections/new" });
  const navigate = useNavigate();
  const [selection, setSelection] = useState<Selection>(new Map());
  const reached = search.source === undefined ? 1 : search.destination === undefined ? 2 : selection.size === 0 ? 3 : 4;
  // The last step is gone to on purpose: whoever selects one stream may want another.
  const step = Math.min(search.step ?? 3, reached);
  const go = (change: Partial<typeof search>) => navigate({ to: "/connections/new", search: { ...search, ...change } });
  const source = search.source ?? "";
  const destination = search.destination ?? "";
  return (
    <Page title={t.choose.title} above={<Link to="/connections">{t.connections.title}</Link>}>
      <ol className="steps">
        {STEPS.map((label, index) => (
          <li key={label}>
            <button
              type="button"
              className={index + 1 === step ? "step here" : "step"}
              aria-current={index + 1 === step ? "step" : undefined}
              disabled={index + 1 > reached}
              onClick={() => void go({ step: index + 1 })}
            >
              <b>{index + 1}</b>
              {index === 0 && source !== "" ? source : index === 1 && destination !== "" ? destination : label}
            </button>
          </li>
        ))}
      </ol>
      {step === 1 && (
        <Pick kind="sources" chosen={source} pick={(id) => void go({ source: id, step: destination === "" ? 2 : 3 })} />
      )}
      {step === 2 && (
        <Pick kind="destinations" chosen={destination} pick={(id) => void go({ destination: id, step: 3 })} />
      )}
      {step === 3 && (
        <Streams
          source={source}
          destination={destination}
          selection={selection}
          change={setSelection}
          next={() => void go({ step: 4 })}
        />
      )}
      {step === 4 && <Finish source={source} destination={destination} selection={selection} />}
    </Page>
  );
}

interface PickProps {
  readonly kind: "sources" | "destinations";
  readonly chosen: string;
  readonly pick: (id: string) => void;
}

function Pick({ kind, chosen, pick }: PickProps) {
  const sources = useQuery({ ...sourceList, enabled: kind === "sources" });
  const destinations = useQuery({ ...destinationList, enabled: kind === "destinations" });
  const list = kind === "sources" ? sources : destinations;
  if (list.data === undefined) {
    return list.error === null ? <Skeleton /> : <Broken error={list.error} again={() => void list.refetch()} />;
  }
  return (
    <section className="stack-wide">
      <h2>{kind === "sources" ? t.choose.pickSource : t.choose.pickDestination}</h2>
      <ul className="tiles">
        {list.data.map(({ name, connector }) => (
          <li key={name}>
            <button
              type="button"
              className="card tile full"
              aria-pressed={idOf(name) === chosen}
              onClick={() => pick(idOf(name))}
            >
              <ConnectorIcon name={connector} />
              <span className="stack">
                <strong>{idOf(name)}</strong>
                <span className="small muted">{idOf(connector)}</span>
              </span>
            </button>
          </li>
        ))}
        <li>
          <Link to={`/${kind}/new`} className="card tile full dashed">
            <span className="picture" aria-hidden>
              <Plus size={18} />
            </span>
            <strong>{kind === "sources" ? t.actions.newSource : t.actions.newDestination}</strong>
          </Link>
        </li>
      </ul>
    </section>
  );
}

/** Write modes that the connector behind a destination knows; empty while unknown. */
export function useWriteModes(destination: string) {
  const to = useQuery(destinationList).data?.find(({ name }) => name === destination);
  const connector = useQuery(connectorList).data?.find(({ name }) => name === to?.connector);
  return connector?.spec?.destination?.writeModes ?? [];
}

interface StreamsProps {
  readonly source: string;
  readonly destination: string;
  readonly selection: Selection;
  readonly change: (selection: Selection) => void;
  readonly next: () => void;
}

function Streams({ source, destination, selection, change, next }: StreamsProps) {
  const found = useQuery(discovered(`sources/${source}`));
  const writeModes = useWriteModes(`destinations/${destination}`);
  return (
    <>
      {found.data === undefined || found.isFetching ? (
        found.error === null || found.isFetching ? (
          <>
            <p className="muted" role="status">
              {t.choose.discovering}
            </p>
            <Skeleton />
          </>
        ) : (
          <Broken error={found.error} again={() => void found.refetch()} />
        )
      ) : (
        <StreamPicker
          source={`sources/${source}`}
          destination={`destinations/${destination}`}
          streams={found.data}
          selection={selection}
          change={change}
          writeModes={writeModes}
        />
      )}
      <div className="form-foot">
        <button type="button" className="button primary" disabled={selection.size === 0} onClick={next}>
          {t.actions.next}
        </button>
        <button type="button" className="button" disabled={found.isFetching} onClick={() => void found.refetch()}>
          <RotateCcw size={14} aria-hidden />
          {t.choose.discover}
        </button>
        {selection.size === 0 && <span className="muted">{t.choose.noSelection}</span>}
      </div>
    </>
  );
}

function Finish({ source, destination, selection }: { source: string; destination: string; selection: Selection }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [id, setId] = useState(() => (isId(`${source}-${destination}`) ? `${source}-${destination}` : ""));
  const [schedule, setSchedule] = useState<Schedule>(() => create(ScheduleSchema));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const finish = async (sync: boolean) => {
    setBusy(true);
    setError(null);
    try {
      const { connection } = await connections.createConnection({
        connectionId: id,
        connection: {
          source: `sources/${source}`,
          destination: `destinations/${destination}`,
          streams: [...selection.values()],
          schedule,
        },
      });
      await client.invalidateQueries({ queryKey: ["connections"] });
      if (sync) {
        const { job } = await connections.syncConnection({
          name: need(connection).name,
          requestId: crypto.randomUUID(),
        });
        await navigate({ to: "/jobs/$id", params: { id: idOf(need(job).name) } });
      } else {
        await navigate({ to: "/connections/$id", params: { id } });
      }
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <form
      className="card form"
      onSubmit={(event) => {
        event.preventDefault();
        void finish(true);
      }}
    >
      <label className="field">
        <span>{t.endpoint.name}</span>
        <input
          value={id}
          aria-invalid={!isId(id)}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setId(event.target.value)}
        />
        <span className={isId(id) ? "help" : "problem"}>{isId(id) ? t.endpoint.nameHelp : t.endpoint.nameBad}</span>
      </label>
      <SchedulePicker value={schedule} change={setSchedule} />
      <Notice error={error} />
      <div className="form-foot">
        <button type="submit" className="button primary" disabled={busy || !isId(id)}>
          {t.choose.createAndSync}
        </button>
        <button type="button" className="button" disabled={busy || !isId(id)} onClick={() => void finish(false)}>
          {t.choose.createOnly}
        </button>
        <span className="muted">{t.connections.streams(selection.size)}</span>
      </div>
    </form>
  );
}
