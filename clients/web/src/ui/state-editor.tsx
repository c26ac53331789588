/** Edits the state of one stream, behind its name typed out. */
import { useState } from "react";
import { connections } from "../api/transport";
import type { StreamState } from "../gen/towpath/control/v1/connections_pb";
import { streamLabel } from "../lib/names";
import { stateBytes, stateText } from "../lib/state-text";
import { t } from "../text/en";
import { Question } from "./dialog";

interface StateEditorProps {
  readonly connection: string;
  readonly state: StreamState;
  readonly close: () => void;
}

export function StateEditor({ connection, state, close }: StateEditorProps) {
  const before = stateText(state.state);
  const [text, setText] = useState(before.text);
  const label = streamLabel(state.name);
  const bytes = bytesOf(text);
  return (
    <Question
      wide
      title={t.state.editTitle(label)}
      body={t.state.editBody}
      yes={t.state.editConfirm}
      guard={label}
      ready={bytes !== undefined && text !== before.text}
      close={close}
      act={() =>
        connections.updateStreamState({
          name: connection,
          ...(state.name && { stream: state.name }),
          ...(bytes && { state: bytes }),
          etag: state.etag,
        })
      }
    >
      <label className="field">
        <span>{t.state.kinds[before.kind]}</span>
        <textarea
          className="mono"
          rows={6}
          spellCheck={false}
          value={text}
          aria-invalid={bytes === undefined}
          aria-describedby="state-problem"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <p id="state-problem" className="small bad-text" role="status">
        {bytes === undefined ? t.state.bad[before.kind] : ""}
      </p>
    </Question>
  );

  function bytesOf(wanted: string): Uint8Array<ArrayBuffer> | undefined {
    try {
      return stateBytes({ ...before, text: wanted });
    } catch {
      return undefined;
    }
  }
}
