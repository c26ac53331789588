/** What pages ask the server for, with the keys under which answers are kept. */
import { queryOptions } from "@tanstack/react-query";
import type { Connection } from "../gen/towpath/control/v1/connections_pb";
import type { Connector } from "../gen/towpath/control/v1/connectors_pb";
import type { Destination } from "../gen/towpath/control/v1/destinations_pb";
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import type { Source } from "../gen/towpath/control/v1/sources_pb";
import { need } from "../lib/need";
import { audit, connections, connectors, destinations, jobs, sources } from "./transport";

const PAGE = 1000;
/** Milliseconds between two looks at what may change without this page. */
const LIVELY = 3_000;

/** Collect all pages of a list. */
async function all<T>(page: (token: string) => Promise<{ items: T[]; nextPageToken: string }>): Promise<T[]> {
  const found: T[] = [];
  for (let token = ""; ;) {
    const { items, nextPageToken } = await page(token);
    found.push(...items);
    if (nextPageToken === "") return found;
    token = nextPageToken;
  }
}

export const connectionList = queryOptions({
  queryKey: ["connections"],
  queryFn: ({ signal }): Promise<Connection[]> =>
    all(async (pageToken) => {
      const page = await connections.listConnections({ pageSize: PAGE, pageToken }, { signal });
      return { items: page.connections, nextPageToken: page.nextPageToken };
    }),
  refetchInterval: LIVELY,
});

export const connectionNamed = (name: string) =>
  queryOptions({
    queryKey: ["connections", name],
    queryFn: async ({ signal }) => need((await connections.getConnection({ name }, { signal })).connection),
    refetchInterval: LIVELY,
  });

/** The newest jobs, of one connection or of all. */
export const recentJobs = (connection = "", count = 200) =>
  queryOptions({
    queryKey: ["jobs", { connection, count }],
    queryFn: async ({ signal }): Promise<Job[]> =>
      (await jobs.listJobs({ connection, pageSize: count }, { signal })).jobs,
    refetchInterval: LIVELY,
  });

export const streamStates = (name: string) =>
  queryOptions({
    queryKey: ["connections", name, "states"],
    queryFn: async ({ signal }) => (await connections.listStreamStates({ name }, { signal })).states,
  });

/** What changed in the schemas of a connection's streams, the newest first. */
export const schemaChanges = (name: string) =>
  queryOptions({
    queryKey: ["connections", name, "schema"],
    queryFn: async ({ signal }) => (await connections.listSchemaChanges({ name, pageSize: 500 }, { signal })).changes,
  });

/** The newest events, of one resource or of all; only admins may ask. */
export const auditEvents = (resource = "") =>
  queryOptions({
    queryKey: ["events", resource],
    queryFn: async ({ signal }) => (await audit.listAuditEvents({ resource, pageSize: 500 }, { signal })).events,
  });

export const connectorList = queryOptions({
  queryKey: ["connectors"],
  queryFn: ({ signal }): Promise<Connector[]> =>
    all(async (pageToken) => {
      const page = await connectors.listConnectors({ pageSize: PAGE, pageToken }, { signal });
      return { items: page.connectors, nextPageToken: page.nextPageToken };
    }),
});

export const sourceList = queryOptions({
  queryKey: ["sources"],
  queryFn: ({ signal }): Promise<Source[]> =>
    all(async (pageToken) => {
      const page = await sources.listSources({ pageSize: PAGE, pageToken }, { signal });
      return { items: page.sources, nextPageToken: page.nextPageToken };
    }),
});

export const destinationList = queryOptions({
  queryKey: ["destinations"],
  queryFn: ({ signal }): Promise<Destination[]> =>
    all(async (pageToken) => {
      const page = await destinations.listDestinations({ pageSize: PAGE, pageToken }, { signal });
      return { items: page.destinations, nextPageToken: page.nextPageToken };
    }),
});
