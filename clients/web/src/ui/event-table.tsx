/** Events of the audit trail as a table. */
import { Link } from "@tanstack/react-router";
import type { AuditEvent } from "../gen/towpath/control/v1/audit_pb";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { Ago } from "./times";

/** Resources that have a page. */
const PAGES: Record<string, "/connections/$id" | "/sources/$id" | "/destinations/$id" | "/jobs/$id"> = {
  connections: "/connections/$id",
  sources: "/sources/$id",
  destinations: "/destinations/$id",
  jobs: "/jobs/$id",
};

export function EventTable({ events }: { events: readonly AuditEvent[] }) {
  if (events.length === 0) return <p className="muted pad">{t.events.none}</p>;
  return (
    <div className="card scroll">
      <table className="table rows">
        <thead>
          <tr>
            <th scope="col">{t.events.when}</th>
            <th scope="col">{t.events.who}</th>
            <th scope="col">{t.events.what}</th>
            <th scope="col">{t.events.resource}</th>
            <th scope="col">{t.events.details}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.name}>
              <td>
                <Ago at={event.time} />
              </td>
              <td>{event.actor}</td>
              <td>
                <span className="tag">{event.action}</span>
              </td>
              <th scope="row">
                <Resource name={event.resource} />
              </th>
              <td className="small muted">
                {Object.entries(event.details)
                  .map(([key, value]) => `${key}: ${value}`)
                  .join(", ")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Resource({ name }: { name: string }) {
  const page = PAGES[name.slice(0, name.indexOf("/"))];
  if (page === undefined) return <>{name}</>;
  return (
    <Link to={page} params={{ id: idOf(name) }}>
      {name}
    </Link>
  );
}
