/** Reads everything anew, after a question. */
import { useState } from "react";
import { useNavigate } from "@tanstack/react-router";
import { RotateCcw } from "lucide-react";
import { connections } from "../api/transport";
import { idOf } from "../lib/names";
import { need } from "../lib/need";
import { t } from "../text/en";
import { Question } from "./dialog";

export function RefreshButton({ connection, primary = false }: { connection: string; primary?: boolean }) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  return (
    <>
      <button type="button" className={primary ? "button primary" : "button"} onClick={() => setAsked(true)}>
        <RotateCcw size={14} aria-hidden />
        {primary ? t.failure.next.refresh : t.actions.refresh}
      </button>
      {asked && (
        <Question
          title={t.connection.refreshTitle(idOf(connection))}
          body={t.connection.refreshBody}
          yes={t.actions.refresh}
          close={() => setAsked(false)}
          act={async () => {
            const { job } = await connections.refreshConnection({ name: connection, requestId: crypto.randomUUID() });
            await navigate({ to: "/jobs/$id", params: { id: idOf(need(job).name) } });
          }}
        />
      )}
    </>
  );
}
