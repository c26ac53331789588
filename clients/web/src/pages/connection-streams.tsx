/** Which streams a connection moves, and how. */
import { useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { create } from "@bufbuild/protobuf";
import { discovered } from "../api/discover";
import { connections } from "../api/transport";
import { StreamDescriptorSchema } from "../gen/towpath/connector/v1/types_pb";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import { streamKey } from "../lib/names";
import { selectionOf, type Selection } from "../lib/selection";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { Broken, Notice, Skeleton } from "../ui/feedback";
import { StreamPicker } from "../ui/stream-picker";
import { useWriteModes } from "./connection-new";

export function StreamsTab({ connection }: { connection: Connection }) {
  const client = useQueryClient();
  const found = useQuery(discovered(connection.source));
  const writeModes = useWriteModes(connection.destination);
  const [selection, setSelection] = useState<Selection>(() => selectionOf(connection.streams));
  const [saved, setSaved] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  if (found.data === undefined) {
    return found.error === null ? (
      <>
        <p className="muted" role="status">
          {t.choose.discovering}
        </p>
        <Skeleton />
      </>
    ) : (
      <Broken error={found.error} again={() => void found.refetch()} />
    );
  }
  const known = new Set(found.data.map(({ name }) => streamKey(name)));
  const gone = connection.streams
    .filter(({ name }) => !known.has(streamKey(name)))
    .map(({ name, readMode }) =>
      create(StreamDescriptorSchema, { ...(name && { name }), readModes: [readMode], kind: t.choose.gone }),
    );
  const save = async () => {
    setBusy(true);
    setError(null);
    try {
      await connections.updateConnection({
        connection: { ...connection, streams: [...selection.values()] },
        updateMask: { paths: ["streams"] },
      });
      setSaved(true);
      await client.invalidateQueries({ queryKey: ["connections"] });
    } catch (thrown) {
      setError(thrown);
    }
    setBusy(false);
  };
  return (
    <>
      <StreamPicker
        source={connection.source}
        destination={connection.destination}
        streams={[...found.data, ...gone]}
        selection={selection}
        writeModes={writeModes}
        change={(next) => {
          setSelection(next);
          setSaved(false);
        }}
      />
      <Notice error={error} />
      <div className="form-foot">
        <Editors>
          <button
            type="button"
            className="button primary"
            disabled={busy || selection.size === 0}
            onClick={() => void save()}
          >
            {t.actions.save}
          </button>
        </Editors>
        {saved && <span role="status">{t.connection.savedStreams}</span>}
        {selection.size === 0 && <span className="muted">{t.choose.noSelection}</span>}
      </div>
    </>
  );
}
