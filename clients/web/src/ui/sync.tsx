/** Starts a job and goes to watch it; while one runs, leads there instead. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Activity, Play } from "lucide-react";
import { useMay } from "../api/me";
import { connections } from "../api/transport";
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import { Token_Role } from "../gen/towpath/control/v1/tokens_pb";
import { idOf } from "../lib/names";
import { need } from "../lib/need";
import { t } from "../text/en";
import { Notice } from "./feedback";
import { isTerminal } from "./status";

interface SyncProps {
  readonly connection: string;
  /** The latest job; absent before the first. */
  readonly active: Job | undefined;
  readonly small?: boolean;
}

export function SyncButton({ connection, active, small = false }: SyncProps) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const sync = useMutation({
    mutationFn: async () =>
      need((await connections.syncConnection({ name: connection, requestId: crypto.randomUUID() })).job),
    onSuccess: (job) => navigate({ to: "/jobs/$id", params: { id: idOf(job.name) } }),
    onSettled: () => client.invalidateQueries({ queryKey: ["connections"] }),
  });
  const mayEdit = useMay(Token_Role.EDITOR);
  const size = small ? "button small" : "button primary";
  if (active !== undefined && !isTerminal(active.state)) {
    return (
      <Link to="/jobs/$id" params={{ id: idOf(active.name) }} className={size}>
        <Activity size={14} aria-hidden />
        {t.connection.watch}
      </Link>
    );
  }
  if (!mayEdit) return null;
  return (
    <>
      <button type="button" className={size} disabled={sync.isPending} onClick={() => sync.mutate()}>
        <Play size={14} aria-hidden />
        {t.actions.sync}
        {small && <span className="hidden"> {idOf(connection)}</span>}
      </button>
      <Notice error={sync.error} />
    </>
  );
}
