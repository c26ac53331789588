/** Registered connectors. */
import { useQuery } from "@tanstack/react-query";
import { connectorList } from "../api/queries";
import { Role } from "../gen/towpath/connector/v1/connector_pb";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { ConnectorIcon } from "../ui/connector-icon";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";

export function ConnectorsPage() {
  const list = useQuery(connectorList);
  return (
    <Page title={t.connectors.title} lead={t.connectors.lead}>
      {list.data === undefined ? (
        list.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={list.error} again={() => void list.refetch()} />
        )
      ) : list.data.length === 0 ? (
        <Empty title={t.connectors.empty}>{t.connectors.emptyHelp}</Empty>
      ) : (
        <ul className="tiles">
          {list.data.map(({ name, spec, command, image }) => (
            <li key={name} className="card tile">
              <ConnectorIcon name={name} />
              <div>
                <strong>{spec?.title || idOf(name)}</strong>
                <span className="small muted">
                  {idOf(name)} · {t.endpoint.version(spec?.connectorVersion ?? "")}
                </span>
                <span className="tags">
                  {spec?.roles.includes(Role.SOURCE) && <span className="tag">{t.connectors.source}</span>}
                  {spec?.roles.includes(Role.DESTINATION) && <span className="tag">{t.connectors.destination}</span>}
                  {spec?.destination !== undefined && (
                    <span className="tag">
                      {spec.destination.discardsAfterResume ? t.connectors.exactlyOnce : t.connectors.atLeastOnce}
                    </span>
                  )}
                </span>
                <code className="small muted command" title={image || command.join(" ")}>
                  {image || command.slice(1).join(" ")}
                </code>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
