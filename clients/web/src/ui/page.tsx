/** The frame of every page: title, lead, actions. */
import { useEffect, type ReactNode } from "react";
import { t } from "../text/en";
import { Prose } from "./prose";

interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly above?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, lead, above, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title]);
  return (
    <div className="page">
      <header className="page-head">
        <div className="page-title">
          {above !== undefined && <div className="above">{above}</div>}
          <h1>{title}</h1>
          {lead !== undefined && <div className="lead">{typeof lead === "string" ? <Prose text={lead} /> : lead}</div>}
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
