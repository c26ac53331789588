/** Sources and destinations behave alike; this is what differs, in one place. */
import { queryOptions } from "@tanstack/react-query";
import { Role, type CheckResult } from "../gen/towpath/connector/v1/connector_pb";
import { need } from "../lib/need";
import { t } from "../text/en";
import { destinations, SLOW, sources } from "./transport";

/** A source or a destination. */
export interface Endpoint {
  readonly name: string;
  readonly connector: string;
  readonly configJson: string;
  readonly etag: string;
}

/** How far a check has come. */
export interface Checked {
  /** The probes that have ended, in the order in which they ran. */
  readonly results: CheckResult[];
  /** The probe that runs; empty when none does, or when the connector does not tell. */
  readonly running: string;
}

export interface EndpointKind {
  readonly path: "sources" | "destinations";
  readonly role: Role;
  readonly words: { title: string; lead: string; empty: string; emptyHelp: string; create: string; filter: string };
  readonly get: (name: string, signal: AbortSignal) => Promise<Endpoint>;
  readonly create: (id: string, connector: string, configJson: string) => Promise<Endpoint>;
  readonly update: (endpoint: Endpoint, configJson: string) => Promise<Endpoint>;
  readonly remove: (name: string) => Promise<unknown>;
  /** Starts the connector; tells of its probes as they begin and end, and at last of all of them. */
  readonly check: (name: string, signal: AbortSignal) => AsyncIterable<Checked>;
}

const slow = { timeoutMs: SLOW };

export const SOURCES: EndpointKind = {
  path: "sources",
  role: Role.SOURCE,
  words: {
    title: t.endpoint.sources,
    lead: t.endpoint.sourcesLead,
    empty: t.endpoint.noSources,
    emptyHelp: t.endpoint.noSourcesHelp,
    create: t.actions.newSource,
    filter: t.endpoint.filterSources,
  },
  get: async (name, signal) => need((await sources.getSource({ name }, { signal })).source),
  create: async (sourceId, connector, configJson) =>
    need((await sources.createSource({ sourceId, source: { connector, configJson } })).source),
  update: async ({ name, connector, etag }, configJson) =>
    need((await sources.updateSource({ source: { name, connector, configJson, etag } })).source),
  remove: (name) => sources.deleteSource({ name }),
  check: (name, signal) => sources.watchCheckSource({ name }, { ...slow, signal }),
};

export const DESTINATIONS: EndpointKind = {
  path: "destinations",
  role: Role.DESTINATION,
  words: {
    title: t.endpoint.destinations,
    lead: t.endpoint.destinationsLead,
    empty: t.endpoint.noDestinations,
    emptyHelp: t.endpoint.noDestinationsHelp,
    create: t.actions.newDestination,
    filter: t.endpoint.filterDestinations,
  },
  get: async (name, signal) => need((await destinations.getDestination({ name }, { signal })).destination),
  create: async (destinationId, connector, configJson) =>
    need((await destinations.createDestination({ destinationId, destination: { connector, configJson } })).destination),
  update: async ({ name, connector, etag }, configJson) =>
    need((await destinations.updateDestination({ destination: { name, connector, configJson, etag } })).destination),
  remove: (name) => destinations.deleteDestination({ name }),
  check: (name, signal) => destinations.watchCheckDestination({ name }, { ...slow, signal }),
};

export const endpointNamed = (kind: EndpointKind, id: string) =>
  queryOptions({
    queryKey: [kind.path, id],
    queryFn: ({ signal }) => kind.get(`${kind.path}/${id}`, signal),
  });
