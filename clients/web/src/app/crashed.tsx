/** A page that threw. */
import type { ErrorComponentProps } from "@tanstack/react-router";
import { problemOf } from "../api/failures";
import { t } from "../text/en";
import { Empty } from "../ui/feedback";

export function Crashed({ error }: ErrorComponentProps) {
  return (
    <Empty
      title={t.failure.crash}
      action={
        <button type="button" className="button" onClick={() => window.location.reload()}>
          {t.actions.again}
        </button>
      }
    >
      {t.failure.crashHelp} {problemOf(error).message}
    </Empty>
  );
}
