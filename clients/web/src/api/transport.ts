/** How the browser reaches the server: grpc-web, at the address that this page came from. */
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuditService } from "../gen/towpath/control/v1/audit_pb";
import { ConnectionService } from "../gen/towpath/control/v1/connections_pb";
import { ConnectorService } from "../gen/towpath/control/v1/connectors_pb";
import { DestinationService } from "../gen/towpath/control/v1/destinations_pb";
import { JobService } from "../gen/towpath/control/v1/jobs_pb";
import { SourceService } from "../gen/towpath/control/v1/sources_pb";
import { TokenService } from "../gen/towpath/control/v1/tokens_pb";
import { token } from "./token";

/** Milliseconds for a unary call that only asks the database. */
const QUICK = 20_000;
/** Milliseconds for a call that starts a connector. */
export const SLOW = 150_000;

const authorize: Interceptor = (next) => (request) => {
  const value = token.get();
  if (value !== "") request.header.set("authorization", `Bearer ${value}`);
  return next(request);
};

/** Gives unary calls a deadline, so that no page waits for ever; streams last as long as what they show. */
const deadline: Interceptor = (next) => (request) => {
  if (!request.stream && !request.header.has("grpc-timeout")) request.header.set("grpc-timeout", `${QUICK}m`);
  return next(request);
};

const transport = createGrpcWebTransport({ baseUrl: window.location.origin, interceptors: [authorize, deadline] });

export const connectors = createClient(ConnectorService, transport);
export const sources = createClient(SourceService, transport);
export const destinations = createClient(DestinationService, transport);
export const connections = createClient(ConnectionService, transport);
export const jobs = createClient(JobService, transport);
export const tokens = createClient(TokenService, transport);
export const audit = createClient(AuditService, transport);
