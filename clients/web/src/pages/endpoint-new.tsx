/** A new source or destination: choose a connector, fill its form. */
import { useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { DESTINATIONS, SOURCES, type EndpointKind } from "../api/endpoints";
import { connectorList } from "../api/queries";
import type { Connector } from "../gen/towpath/control/v1/connectors_pb";
import { idOf, isId } from "../lib/names";
import { t } from "../text/en";
import { ConnectorIcon } from "../ui/connector-icon";
import { EndpointForm } from "../ui/endpoint-form";
import { Broken, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";
import { SearchField } from "../ui/search";

export const NewSourcePage = () => <NewEndpoint kind={SOURCES} />;
export const NewDestinationPage = () => <NewEndpoint kind={DESTINATIONS} />;

function NewEndpoint({ kind }: { kind: EndpointKind }) {
  const search: { connector?: string | undefined } = useSearch({ strict: false });
  const list = useQuery(connectorList);
  const chosen = list.data?.find(({ name }) => name === `connectors/${search.connector ?? ""}`);
  return (
    <Page
      title={
        chosen === undefined ? t.endpoint.choose : `${kind.words.create}: ${chosen.spec?.title || idOf(chosen.name)}`
      }
      above={<Link to={`/${kind.path}`}>{kind.words.title}</Link>}
      lead={chosen === undefined ? kind.words.lead : undefined}
    >
      {list.data === undefined ? (
        list.error === null ? (
          <Skeleton />
        ) : (
          <Broken error={list.error} again={() => void list.refetch()} />
        )
      ) : chosen === undefined ? (
        <Choose kind={kind} connectors={list.data.filter(({ spec }) => spec?.roles.includes(kind.role))} />
      ) : (
        <Fill kind={kind} connector={chosen} />
      )}
    </Page>
  );
}

function Choose({ kind, connectors }: { kind: EndpointKind; connectors: Connector[] }) {
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = connectors.filter(({ name, spec }) => `${name} ${spec?.title ?? ""}`.toLowerCase().includes(wanted));
  return (
    <>
      <div className="toolbar">
        <SearchField label={t.endpoint.search} value={filter} onChange={setFilter} />
      </div>
      {shown.length === 0 && <p className="muted">{t.endpoint.noMatch}</p>}
      <ul className="tiles">
        {shown.map(({ name, spec }) => (
          <li key={name}>
            <Link to={`/${kind.path}/new`} search={{ connector: idOf(name) }} className="card tile">
              <ConnectorIcon name={name} />
              <div>
                <strong>{spec?.title || idOf(name)}</strong>
                <span className="small muted">
                  {idOf(name)} · {t.endpoint.version(spec?.connectorVersion ?? "")}
                </span>
              </div>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

function Fill({ kind, connector }: { kind: EndpointKind; connector: Connector }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [id, setId] = useState("");
  const [complain, setComplain] = useState(false);
  return (
    <EndpointForm
      connector={connector}
      configJson="{}"
      blocked={!isId(id)}
      onBlocked={() => setComplain(true)}
      save={async (configJson) => {
        await kind.create(id, connector.name, configJson);
        await client.invalidateQueries({ queryKey: [kind.path] });
        await navigate({ to: `/${kind.path}/$id`, params: { id }, search: { check: true } });
      }}
    >
      <label className="field">
        <span>
          {t.endpoint.name}
          <span className="required"> {t.form.required}</span>
        </span>
        <input
          value={id}
          aria-invalid={complain && !isId(id)}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setId(event.target.value)}
          onBlur={() => setComplain(id !== "")}
        />
        {complain && !isId(id) ? (
          <span className="problem">{t.endpoint.nameBad}</span>
        ) : (
          <span className="help">{t.endpoint.nameHelp}</span>
        )}
      </label>
    </EndpointForm>
  );
}
