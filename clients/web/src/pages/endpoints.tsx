/** All sources, or all destinations. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { DESTINATIONS, SOURCES, type Endpoint, type EndpointKind } from "../api/endpoints";
import { connectionList, connectorList, destinationList, sourceList } from "../api/queries";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { idOf } from "../lib/names";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { ConnectorIcon } from "../ui/connector-icon";
import { Broken, Empty, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";
import { SearchField } from "../ui/search";
import { Ago } from "../ui/times";

type Listed = Endpoint & { readonly updateTime?: Timestamp | undefined };

export function SourcesPage() {
  const { data, error, refetch } = useQuery(sourceList);
  return <Endpoints kind={SOURCES} found={data} error={error} again={() => void refetch()} />;
}

export function DestinationsPage() {
  const { data, error, refetch } = useQuery(destinationList);
  return <Endpoints kind={DESTINATIONS} found={data} error={error} again={() => void refetch()} />;
}

interface EndpointsProps {
  readonly kind: EndpointKind;
  readonly found: Listed[] | undefined;
  readonly error: unknown;
  readonly again: () => void;
}

function Endpoints({ kind, found, error, again }: EndpointsProps) {
  const [filter, setFilter] = useState("");
  const connections = useQuery(connectionList).data ?? [];
  const connectors = useQuery(connectorList).data ?? [];
  const create = (
    <Link to={`/${kind.path}/new`} className="button primary">
      <Plus size={15} aria-hidden />
      {kind.words.create}
    </Link>
  );
  const users = (name: string) =>
    connections
      .filter((each) => (kind === SOURCES ? each.source : each.destination) === name)
      .map((each) => idOf(each.name));
  return (
    <Page title={kind.words.title} lead={kind.words.lead} actions={<Editors>{create}</Editors>}>
      {found === undefined ? (
        error === null ? (
          <Skeleton />
        ) : (
          <Broken error={error} again={again} />
        )
      ) : found.length === 0 ? (
        <Empty title={kind.words.empty} action={<Editors>{create}</Editors>}>
          {kind.words.emptyHelp}
        </Empty>
      ) : (
        <>
          <div className="toolbar">
            <SearchField label={kind.words.filter} value={filter} onChange={setFilter} />
          </div>
          <div className="card scroll">
            <table className="table rows">
              <thead>
                <tr>
                  <th scope="col">{t.endpoint.name}</th>
                  <th scope="col">{t.endpoint.connector}</th>
                  <th scope="col">{t.endpoint.usedBy}</th>
                  <th scope="col">{t.endpoint.changed}</th>
                </tr>
              </thead>
              <tbody>
                {found
                  .filter(({ name }) => idOf(name).includes(filter.trim()))
                  .map(({ name, connector, updateTime }) => (
                    <tr key={name}>
                      <th scope="row">
                        <Link to={`/${kind.path}/$id`} params={{ id: idOf(name) }} className="strong named">
                          <ConnectorIcon name={connector} />
                          {idOf(name)}
                        </Link>
                      </th>
                      <td>{connectors.find((each) => each.name === connector)?.spec?.title || idOf(connector)}</td>
                      <td>{users(name).join(", ") || <span className="muted">{t.endpoint.unused}</span>}</td>
                      <td>
                        <Ago at={updateTime} />
                      </td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Page>
  );
}
