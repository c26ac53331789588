/** The committed state of each stream, and the buttons that change or drop it. */
import { useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { streamStates } from "../api/queries";
import { connections } from "../api/transport";
import type { Connection, StreamState } from "../gen/towpath/control/v1/connections_pb";
import { streamKey, streamLabel } from "../lib/names";
import { stateText } from "../lib/state-text";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { Question } from "../ui/dialog";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { StateEditor } from "../ui/state-editor";
import { Ago } from "../ui/times";

/** The state in one line, for the table. */
function summary(state: StreamState): string {
  if (state.state.length === 0) return t.state.fromStart;
  const { kind, text } = stateText(state.state);
  return kind === "base64" ? t.state.opaque(state.state.length) : text;
}

export function StateTab({ connection }: { connection: Connection }) {
  const client = useQueryClient();
  const states = useQuery(streamStates(connection.name));
  const [asked, setAsked] = useState<StreamState>();
  const [edited, setEdited] = useState<StreamState>();
  if (states.data === undefined) {
    return states.error === null ? <Skeleton /> : <Broken error={states.error} again={() => void states.refetch()} />;
  }
  if (states.data.length === 0) return <Empty title={t.state.empty} />;
  return (
    <>
      <p className="muted">{t.state.lead}</p>
      <div className="card scroll">
        <table className="table rows">
          <thead>
            <tr>
              <th scope="col">{t.state.stream}</th>
              <th scope="col">{t.state.position}</th>
              <th scope="col" className="number">
                {t.state.generation}
              </th>
              <th scope="col">{t.state.stored}</th>
              <th scope="col">
                <span className="hidden">{t.actions.reset}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {states.data.map((state) => (
              <tr key={streamKey(state.name)}>
                <th scope="row">{streamLabel(state.name)}</th>
                <td>
                  <code className="state-text" title={summary(state)}>
                    {summary(state)}
                  </code>
                </td>
                <td className="number">{String(state.generationId)}</td>
                <td>
                  <Ago at={state.updateTime} />
                </td>
                <td className="end">
                  <Editors>
                    {state.state.length > 0 && (
                      <button type="button" className="button small" onClick={() => setEdited(state)}>
                        {t.state.edit}
                        <span className="hidden"> {streamLabel(state.name)}</span>
                      </button>
                    )}{" "}
                    <button type="button" className="button small quiet-danger" onClick={() => setAsked(state)}>
                      {t.actions.reset}
                      <span className="hidden"> {streamLabel(state.name)}</span>
                    </button>
                  </Editors>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {edited !== undefined && (
        <StateEditor
          key={edited.etag}
          connection={connection.name}
          state={edited}
          close={() => {
            setEdited(undefined);
            void states.refetch();
          }}
        />
      )}
      {asked?.name !== undefined && (
        <Question
          title={t.state.resetTitle(streamLabel(asked.name))}
          body={t.state.resetBody}
          yes={t.actions.reset}
          guard={streamLabel(asked.name)}
          close={() => setAsked(undefined)}
          act={async () => {
            await connections.resetStreamState({ name: connection.name, ...(asked.name && { stream: asked.name }) });
            await client.invalidateQueries({ queryKey: ["connections"] });
          }}
        />
      )}
    </>
  );
}
