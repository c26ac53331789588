/** A failure: whose problem, what happened, what to do next, and the button for it. */
import { Link } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { connectionNamed } from "../api/queries";
import { Failure_Kind, type Failure } from "../gen/towpath/control/v1/failures_pb";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { Editors } from "./allowed";
import { RefreshButton } from "./refresh";
import { SyncButton } from "./sync";

/** Kinds that somebody mends in a configuration. */
const IN_CONFIGURATION = new Set([Failure_Kind.MISCONFIGURED, Failure_Kind.DENIED, Failure_Kind.UNAVAILABLE]);

export function FailureCard({ failure, connection }: { failure: Failure; connection: string }) {
  const found = useQuery(connectionNamed(connection)).data;
  const endpoint =
    failure.origin === "source" ? found?.source : failure.origin === "destination" ? found?.destination : "";
  return (
    <section className="card failure" aria-labelledby="failure-title">
      <CircleAlert size={20} aria-hidden />
      <div>
        <h2 id="failure-title">
          {t.failure.owner[failure.owner] ?? t.failure.owner[0]}
          {failure.origin !== "" && <span className="muted"> · {t.failure.where(failure.origin)}</span>}
        </h2>
        <p className="failure-text">{failure.message}</p>
        {failure.reason !== "" && <code className="small muted">{failure.reason}</code>}
        <Editors>
          <div className="actions">
            {failure.kind === Failure_Kind.POSITION_LOST ? (
              <RefreshButton connection={connection} primary />
            ) : (
              <>
                {endpoint !== undefined && endpoint !== "" && IN_CONFIGURATION.has(failure.kind) && (
                  <Link
                    to={failure.origin === "source" ? "/sources/$id" : "/destinations/$id"}
                    params={{ id: idOf(endpoint) }}
                    className="button primary"
                  >
                    {t.failure.next.edit(failure.origin, idOf(endpoint))}
                  </Link>
                )}
                <SyncButton connection={connection} active={found?.lastJob} small />
              </>
            )}
          </div>
        </Editors>
      </div>
    </section>
  );
}
