/** A connection as the file that `towpath apply` takes. */
import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Copy, Download } from "lucide-react";
import { DESTINATIONS, endpointNamed, SOURCES } from "../api/endpoints";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import { idOf } from "../lib/names";
import { exported } from "../lib/yaml";
import { t } from "../text/en";
import { Prose } from "../ui/prose";
import { Broken, Skeleton } from "../ui/feedback";

export function YamlTab({ connection }: { connection: Connection }) {
  const source = useQuery(endpointNamed(SOURCES, idOf(connection.source)));
  const destination = useQuery(endpointNamed(DESTINATIONS, idOf(connection.destination)));
  const [copied, setCopied] = useState(false);
  const error = source.error ?? destination.error;
  if (source.data === undefined || destination.data === undefined) {
    return error === null ? <Skeleton /> : <Broken error={error} />;
  }
  const text = exported({ source: source.data, destination: destination.data, connection });
  return (
    <section className="card" aria-label={t.connection.tabs.yaml}>
      <header className="section-head">
        <p className="muted">
          <Prose text={t.yaml.lead} />
        </p>
        <button
          type="button"
          className="button small"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
          }}
        >
          <Copy size={14} aria-hidden />
          {copied ? t.actions.copied : t.actions.copy}
        </button>
        <a
          className="button small"
          download={`${idOf(connection.name)}.yaml`}
          href={URL.createObjectURL(new Blob([text], { type: "application/yaml" }))}
        >
          <Download size={14} aria-hidden />
          {t.actions.download}
        </a>
      </header>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- long lines are scrolled with the keyboard too */}
      <pre className="yaml" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
