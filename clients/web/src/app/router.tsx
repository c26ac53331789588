/** Every address of the client. Pages are loaded when somebody goes there. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { t } from "../text/en";
import { Empty } from "../ui/feedback";
import { ConnectionsPage } from "../pages/connections";
import { Crashed } from "./crashed";
import { Shell } from "./shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Empty title={t.failure.notFound}>{t.failure.notFoundHelp}</Empty>,
});

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const number = (value: unknown): number | undefined => (Number(value) > 0 ? Number(value) : undefined);

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/connections", replace: true });
  },
});
const connections = createRoute({ getParentRoute: () => root, path: "/connections", component: ConnectionsPage });
const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  component: lazyRouteComponent(() => import("../pages/jobs"), "JobsPage"),
});

export interface LogSearch {
  readonly line?: number | undefined;
  readonly level?: number | undefined;
  readonly origin?: string | undefined;
  readonly q?: string | undefined;
}
const job = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$id",
  validateSearch: (search: Record<string, unknown>): LogSearch => ({
    line: number(search["line"]),
    level: number(search["level"]),
    origin: text(search["origin"]),
    q: text(search["q"]),
  }),
  component: lazyRouteComponent(() => import("../pages/job"), "JobPage"),
});
const connectors = createRoute({
  getParentRoute: () => root,
  path: "/connectors",
  component: lazyRouteComponent(() => import("../pages/connectors"), "ConnectorsPage"),
});

const sources = createRoute({
  getParentRoute: () => root,
  path: "/sources",
  component: lazyRouteComponent(() => import("../pages/endpoints"), "SourcesPage"),
});
const destinations = createRoute({
  getParentRoute: () => root,
  path: "/destinations",
  component: lazyRouteComponent(() => import("../pages/endpoints"), "DestinationsPage"),
});

interface NewSearch {
  readonly connector?: string | undefined;
}
const newSearch = (search: Record<string, unknown>): NewSearch => ({ connector: text(search["connector"]) });
const newSource = createRoute({
  getParentRoute: () => root,
  path: "/sources/new",
  validateSearch: newSearch,
  component: lazyRouteComponent(() => import("../pages/endpoint-new"), "NewSourcePage"),
});
const newDestination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/new",
  validateSearch: newSearch,
  component: lazyRouteComponent(() => import("../pages/endpoint-new"), "NewDestinationPage"),
});

interface EndpointSearch {
  readonly check?: boolean | undefined;
}
const endpointSearch = (search: Record<string, unknown>): EndpointSearch => ({
  check: search["check"] === true ? true : undefined,
});
const source = createRoute({
  getParentRoute: () => root,
  path: "/sources/$id",
  validateSearch: endpointSearch,
  component: lazyRouteComponent(() => import("../pages/endpoint"), "SourcePage"),
});
const destination = createRoute({
  getParentRoute: () => root,
  path: "/destinations/$id",
  validateSearch: endpointSearch,
  component: lazyRouteComponent(() => import("../pages/endpoint"), "DestinationPage"),
});

interface ChooseSearch {
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  readonly step?: number | undefined;
}
const newConnection = createRoute({
  getParentRoute: () => root,
  path: "/connections/new",
  validateSearch: (search: Record<string, unknown>): ChooseSearch => ({
    source: text(search["source"]),
    destination: text(search["destination"]),
    step: number(search["step"]),
  }),
  component: lazyRouteComponent(() => import("../pages/connection-new"), "NewConnectionPage"),
});

const TABS = ["streams", "state", "schema", "settings", "events", "yaml"] as const;
interface ConnectionSearch {
  readonly tab?: (typeof TABS)[number] | undefined;
}
const connection = createRoute({
  getParentRoute: () => root,
  path: "/connections/$id",
  validateSearch: (search: Record<string, unknown>): ConnectionSearch => ({
    tab: TABS.find((tab) => tab === search["tab"]),
  }),
  component: lazyRouteComponent(() => import("../pages/connection"), "ConnectionPage"),
});
const events = createRoute({
  getParentRoute: () => root,
  path: "/events",
  component: lazyRouteComponent(() => import("../pages/events"), "EventsPage"),
});
const importing = createRoute({
  getParentRoute: () => root,
  path: "/import",
  component: lazyRouteComponent(() => import("../pages/import"), "ImportPage"),
});

const tree = root.addChildren([
  home,
  connections,
  newConnection,
  connection,
  jobs,
  job,
  sources,
  newSource,
  source,
  destinations,
  newDestination,
  destination,
  connectors,
  events,
  importing,
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultErrorComponent: Crashed,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
