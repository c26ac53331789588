// The gRPC services of a connector.
import { randomUUID, timingSafeEqual } from "node:crypto";

import { create, toBinary } from "@bufbuild/protobuf";
import { type sendUnaryData, Server, ServerInterceptingCall, type ServerInterceptor, status } from "@grpc/grpc-js";

import { Health, HealthCheckResponse_ServingStatus as Serving, HealthCheckResponseSchema } from "../../gen/grpc/health/v1/health_pb.js";
import {
  type CheckResult, CheckResultSchema, ConnectorService, CheckResponseSchema, type DiscoverResponse,
  DiscoverResponseSchema, Role,
  type SpecResponse, SpecResponseSchema,
} from "../../gen/towpath/connector/v1/connector_pb.js";
import {
  AbortWriteResponseSchema, CompleteWriteResponseSchema, DestinationService, type PrepareWriteRequest,
  PrepareWriteResponseSchema,
} from "../../gen/towpath/connector/v1/destination_pb.js";
import { PlanReadResponseSchema, SourceService } from "../../gen/towpath/connector/v1/source_pb.js";
import { type StreamDescriptor, StreamDescriptorSchema } from "../../gen/towpath/connector/v1/types_pb.js";
import { type Connector, configSchema, parseConfig } from "./connector.js";
import { errorOf, failureOf, statusOf, violation } from "./failure.js";
import { agree, OWN_LIMITS, smallest } from "./limits.js";
import { Reading } from "./reading.js";
import { addService } from "./services.js";
import { checkStreams } from "./streams.js";
import { Writing } from "./writing.js";

const PAGE_BYTES = 64 * 1024;
const FIELD_BYTES = 6; // tag and length of a stream in its page
const HEALTH_METHOD = "/grpc.health.v1.Health/Check";

/** Make the server of a connector. `token` is what callers must bring; `stopping` is aborted when the process drains. */
export function makeServer<Config>(connector: Connector<Config>, token: string | undefined, stopping: AbortSignal): Server {
  const { source, destination } = connector;
  const spec = specOf(connector);
  const instanceId = randomUUID();
  const parse = (configJson: string): Config => parseConfig(connector, configJson);
  let limits = OWN_LIMITS;

  /** Answer a unary call with what a promise brings. */
  function answer<T>(callback: sendUnaryData<T>, make: () => T | Promise<T>): void {
    Promise.resolve()
      .then(make)
      .then((value) => callback(null, value), (error: unknown) => callback(errorOf(error)));
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
      limits = smallest(limits, agreed.limits!); // so that nobody is sent what they cannot read
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
          const streams = source.discover(parse(call.request.configJson), cancelled.signal);
          for await (const page of pages(streams, Number(limits.maxMessageBytes))) {
            await new Promise((sent) => call.write(page, sent));
          }
          call.end();
        } catch (error) {
          if (!cancelled.signal.aborted) call.emit("error", errorOf(error));
        }
      },
    }),
  });
  if (source !== undefined) {
    addService(server, SourceService, {
      planRead: ({ request }, callback) => answer(callback, async () => {
        checkStreams(request.streams);
        const splits = await source.plan(parse(request.configJson), request);
        return create(PlanReadResponseSchema, { splits: [...splits] });
      }),
      read: (call) => void new Reading(call, source, limits, stopping).serve(parse),
    });
  }
  if (destination !== undefined) {
    addService(server, DestinationService, {
      prepareWrite: ({ request }, callback) => answer(callback, async () => {
        checkPrepare(request);
        const columns = await destination.prepare(parse(request.configJson), request);
        return create(PrepareWriteResponseSchema, { columns: [...columns] });
      }),
      write: (call) => void new Writing(call).serve(
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

function checkPrepare({ writeId, streams, schemas }: PrepareWriteRequest): void {
  if (!writeId) throw violation("a write is prepared under its name");
  checkStreams(streams);
  const described = new Set(schemas.map(({ stream }) => stream));
  if (schemas.length !== streams.length || streams.some((_, index) => !described.has(index))) {
    throw violation("a write is prepared with one schema for each of its streams");
  }
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

/** Put streams together to pages of at most so many bytes. */
async function* pages(streams: AsyncIterable<StreamDescriptor>, mostBytes: number): AsyncGenerator<DiscoverResponse> {
  let page = create(DiscoverResponseSchema);
  let bytes = 0;
  for await (const stream of streams) {
    const added = toBinary(StreamDescriptorSchema, stream).length + FIELD_BYTES;
    if (page.streams.length > 0 && bytes + added > Math.min(PAGE_BYTES, mostBytes)) {
      yield page;
      [page, bytes] = [create(DiscoverResponseSchema), 0];
    }
    page.streams.push(stream);
    bytes += added;
  }
  if (page.streams.length > 0) yield page;
}

async function probed<Config>(connector: Connector<Config>, config: Config): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run } of connector.probes(config)) {
    try {
      await run();
      results.push(create(CheckResultSchema, { probe: name, status: {} }));
    } catch (error) {
      results.push(create(CheckResultSchema, { probe: name, status: statusOf(failureOf(error)) }));
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
