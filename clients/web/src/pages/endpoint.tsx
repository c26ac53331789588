/** One source or destination: its configuration, and its checks. */
import { useState } from "react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowRight, Trash2 } from "lucide-react";
import { DESTINATIONS, endpointNamed, SOURCES, type EndpointKind } from "../api/endpoints";
import { connectorList } from "../api/queries";
import { t } from "../text/en";
import { Editors } from "../ui/allowed";
import { Checks } from "../ui/checks";
import { Question } from "../ui/dialog";
import { EndpointForm } from "../ui/endpoint-form";
import { Broken, Skeleton } from "../ui/feedback";
import { Page } from "../ui/page";

export function SourcePage() {
  const { id } = useParams({ from: "/sources/$id" });
  return <EndpointView key={id} kind={SOURCES} id={id} />;
}

export function DestinationPage() {
  const { id } = useParams({ from: "/destinations/$id" });
  return <EndpointView key={id} kind={DESTINATIONS} id={id} />;
}

function EndpointView({ kind, id }: { kind: EndpointKind; id: string }) {
  const search: { check?: boolean | undefined } = useSearch({ strict: false });
  const client = useQueryClient();
  const navigate = useNavigate();
  const endpoint = useQuery(endpointNamed(kind, id));
  const connectors = useQuery(connectorList);
  const [run, setRun] = useState(search.check === true ? 1 : 0);
  const [asked, setAsked] = useState(false);
  const [saved, setSaved] = useState(false);
  const name = `${kind.path}/${id}`;
  const connector = connectors.data?.find((each) => each.name === endpoint.data?.connector);
  const error = endpoint.error ?? connectors.error;
  return (
    <Page
      title={id}
      above={<Link to={`/${kind.path}`}>{kind.words.title}</Link>}
      lead={connector?.spec?.title}
      actions={
        <Editors>
          <button type="button" className="button quiet-danger" onClick={() => setAsked(true)}>
            <Trash2 size={14} aria-hidden />
            {t.actions.remove}
          </button>
          <Link
            to="/connections/new"
            search={kind === SOURCES ? { source: id } : { destination: id }}
            className="button"
          >
            {t.actions.newConnection}
            <ArrowRight size={14} aria-hidden />
          </Link>
        </Editors>
      }
    >
      {endpoint.data === undefined || connector === undefined ? (
        error === null ? (
          <Skeleton />
        ) : (
          <Broken error={error} again={() => void endpoint.refetch()} />
        )
      ) : (
        <div className="columns">
          <EndpointForm
            key={endpoint.data.etag}
            connector={connector}
            configJson={endpoint.data.configJson}
            save={async (configJson) => {
              await kind.update(endpoint.data, configJson);
              setSaved(true);
              setRun((before) => before + 1);
              await client.invalidateQueries({ queryKey: [kind.path] });
            }}
          >
            <h2>{t.endpoint.configuration}</h2>
            {saved && (
              <p className="notice ok" role="status">
                {t.endpoint.saved}
              </p>
            )}
          </EndpointForm>
          <Checks kind={kind} name={name} run={run} again={() => setRun(run + 1)} />
        </div>
      )}
      {asked && (
        <Question
          title={t.endpoint.removeTitle(id)}
          body={t.endpoint.removeBody}
          yes={t.actions.remove}
          guard={id}
          close={() => setAsked(false)}
          act={async () => {
            await kind.remove(name);
            await client.invalidateQueries({ queryKey: [kind.path] });
            await navigate({ to: `/${kind.path}` });
          }}
        />
      )}
    </Page>
  );
}
