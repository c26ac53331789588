// The gRPC services of a connector.
import { randomUUID, timingSafeEqual } from "node:crypto";

import { create } from "@bufbuild/protobuf";
import { type sendUnaryData, Server, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";

import { Health, HealthCheckResponse_ServingStatus as Serving, HealthCheckResponseSchema } from "../../gen/grpc/health/v1/health_pb.js";
import {
  type CheckResult, CheckResultSchema, ConnectorService, CheckResponseSchema, DiscoverResponseSchema, Role,
  type SpecResponse, SpecResponseSchema,
} from "../../gen/towpath/connector/v1/connector_pb.js";
import {
  AbortWriteResponseSchema, CompleteWriteResponseSchema, DestinationService, PrepareWriteResponseSchema,
} from "../../gen/towpath/connector/v1/destination_pb.js";
import { PlanReadResponseSchema, SourceService } from "../../gen/towpath/connector/v1/source_pb.js";
import { type Connector, configSchema, parseConfig } from "./connector.js";
import { errorOf, failureOf, statusOf } from "./failure.js";
import { agree, OWN_LIMITS } from "./limits.js";
import { Reading } from "./reading.js";
import { addService } from "./services.js";
import { Writing } from "./writing.js";

const PAGE_STREAMS = 200;
const HEALTH_METHOD = "/grpc.health.v1.Health/Check";

/** Make the server of a connector. `token` is what callers must bring; `stopping` is aborted when the process drains. */
export function makeServer<Config>(connector: Connector<Config>, token: string | undefined, stopping: AbortSignal): Server {
  const { id: domain, source, destination } = connector;
  const spec = specOf(connector);
  const instanceId = randomUUID();
  const parse = (configJson: string): Config => parseConfig(connector, configJson);
  let limits = OWN_LIMITS;

  /** Answer a unary call with what a promise brings. */
  function answer<T>(callback: sendUnaryData<T>, make: () => T | Promise<T>): void {
    Promise.resolve()
      .then(make)
      .then((value) => callback(null, value), (error: unknown) => callback(errorOf(error, domain)));
  }

  const server = new Server({
    "grpc.max_receive_message_length": Number(OWN_LIMITS.maxMessageBytes),
    ...(token === undefined ? {} : { interceptors: [demand(token)] }),
  });
  addService(server, Health, {
    check: (_, callback) => callback(null, create(HealthCheckResponseSchema, {
      status: stopping.aborted ? Serving.NOT_SERVING : Serving.SERVING,
    })),
  });
  addService(server, ConnectorService, {
    handshake: ({ request }, callback) => answer(callback, () => {
      const agreed = agree(request, instanceId);
      limits = agreed.limits ?? OWN_LIMITS;
      return agreed;
    }),
    spec: (_, callback) => callback(null, spec),
    check: ({ request }, callback) => answer(callback, async () => {
      const results = await probed(connector, parse(request.configJson));
      return create(CheckResponseSchema, { results });
    }),
    ...(source === undefined ? {} : {
      discover: async (call) => {
        const cancelled = new AbortController();
        call.once("cancelled", () => cancelled.abort());
        try {
          let page = create(DiscoverResponseSchema);
          for await (const stream of source.discover(parse(call.request.configJson), cancelled.signal)) {
            page.streams.push(stream);
            if (page.streams.length < PAGE_STREAMS) continue;
            await new Promise((sent) => call.write(page, sent));
            page = create(DiscoverResponseSchema);
          }
          if (page.streams.length > 0) await new Promise((sent) => call.write(page, sent));
          call.end();
        } catch (error) {
          if (!cancelled.signal.aborted) call.emit("error", errorOf(error, domain));
        }
      },
    }),
  });
  if (source !== undefined) {
    addService(server, SourceService, {
      planRead: ({ request }, callback) => answer(callback, async () => {
        const splits = await source.plan(parse(request.configJson), request);
        return create(PlanReadResponseSchema, { splits: [...splits] });
      }),
      read: (call) => void new Reading(call, source, limits, domain, stopping).serve(parse),
    });
  }
  if (destination !== undefined) {
    addService(server, DestinationService, {
      prepareWrite: ({ request }, callback) => answer(callback, async () => {
        const columns = await destination.prepare(parse(request.configJson), request);
        return create(PrepareWriteResponseSchema, { columns: [...columns] });
      }),
      write: (call) => void new Writing(call, domain).serve(
        (request, signal) => destination.open(parse(request.configJson), request, signal),
      ),
      completeWrite: ({ request }, callback) => answer(callback, async () => {
        const { configJson, writeId, receipts, completedStreams } = request;
        await destination.complete(parse(configJson), writeId, receipts, completedStreams);
        return create(CompleteWriteResponseSchema);
      }),
      abortWrite: ({ request }, callback) => answer(callback, async () => {
        await destination.abort(parse(request.configJson), request.writeId);
        return create(AbortWriteResponseSchema);
      }),
    });
  }
  return server;
}

function specOf<Config>(connector: Connector<Config>): SpecResponse {
  const { source, destination } = connector;
  return create(SpecResponseSchema, {
    connectorId: connector.id,
    connectorVersion: connector.version,
    title: connector.title,
    roles: [...(source ? [Role.SOURCE] : []), ...(destination ? [Role.DESTINATION] : [])],
    configJsonSchema: configSchema(connector.config),
    ...(source ? { source: source.capabilities } : {}),
    ...(destination ? { destination: destination.capabilities } : {}),
  });
}

async function probed<Config>(connector: Connector<Config>, config: Config): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run } of connector.probes(config)) {
    try {
      await run();
      results.push(create(CheckResultSchema, { probe: name, status: {} }));
    } catch (error) {
      results.push(create(CheckResultSchema, { probe: name, status: statusOf(failureOf(error), connector.id) }));
      break;
    }
  }
  return results;
}

/** Demand the token on every call but health. */
function demand(token: string): ServerInterceptor {
  const wanted = Buffer.from(`Bearer ${token}`);
  return (method, call) => new ServerInterceptingCall(call, {
    start: (next) => next({
      onReceiveMetadata(metadata, accept) {
        const given = Buffer.from(String(metadata.get("authorization")[0] ?? ""));
        if (method.path === HEALTH_METHOD || (given.length === wanted.length && timingSafeEqual(given, wanted))) {
          accept(metadata);
        } else {
          call.sendStatus({ code: status.UNAUTHENTICATED, details: "the token is missing or wrong" });
        }
      },
    }),
  });
}
