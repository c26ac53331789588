/** What a page shows when there is nothing, not yet, or no more: empty, loading, broken. */
import { useEffect, useState, type ReactNode } from "react";
import { Code } from "@connectrpc/connect";
import { CircleAlert, Inbox, Unplug } from "lucide-react";
import { problemOf } from "../api/failures";
import { t } from "../text/en";
import { Prose } from "./prose";

/** Nothing here, why, and what to do. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <Inbox size={28} aria-hidden />
      <h2>{title}</h2>
      {children !== undefined && <p>{typeof children === "string" ? <Prose text={children} /> : children}</p>}
      {action}
    </div>
  );
}

/** Grey bars where content will be; they appear only when it takes longer than the eye notices. */
export function Skeleton({ lines = 5 }: { lines?: number }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 120);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={late ? "skeleton" : "skeleton early"} role="status">
      <span className="hidden">{t.loading}</span>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={`bone bone-${line % 3}`} />
      ))}
    </div>
  );
}

/** A failure in place of what should be here. */
export function Broken({ error, again }: { error: unknown; again?: (() => void) | undefined }) {
  const problem = problemOf(error);
  const missing = problem.code === Code.NotFound;
  const Icon = problem.temporary ? Unplug : CircleAlert;
  const title = missing ? t.failure.notFound : problem.temporary ? t.failure.offline : t.failure.load;
  const help = missing ? t.failure.notFoundHelp : problem.temporary ? t.failure.offlineHelp : problem.message;
  return (
    <div className="empty" role="alert">
      <Icon size={28} aria-hidden />
      <h2>{title}</h2>
      <p>
        <Prose text={help} />
      </p>
      {again !== undefined && !missing && (
        <button className="button" type="button" onClick={again}>
          {t.actions.again}
        </button>
      )}
    </div>
  );
}

/** What went wrong with something that the person asked for. */
export function Notice({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <p className="notice bad" role="alert">
      <CircleAlert size={16} aria-hidden />
      <span>{problemOf(error).message}</span>
    </p>
  );
}
