// The gRPC services of a connector.
import { randomUUID } from "node:crypto";

import { create } from "@bufbuild/protobuf";
import { type sendUnaryData, Server } from "@grpc/grpc-js";

import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
  HealthCheckResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.js";
import {
  type CheckResult,
  CheckResultSchema,
  ConnectorService,
  CheckResponseSchema,
  Role,
  type SpecResponse,
  SpecResponseSchema,
} from "../../gen/towpath/connector/v1/connector_pb.js";
import {
  AbortWriteResponseSchema,
  CompleteWriteResponseSchema,
  DestinationService,
  type PrepareWriteRequest,
  PrepareWriteResponseSchema,
} from "../../gen/towpath/connector/v1/destination_pb.js";
import { PlanReadResponseSchema, SourceService } from "../../gen/towpath/connector/v1/source_pb.js";
import { demand } from "./access.js";
import { discover } from "./catalogue.js";
import { type Connector, configSchema, parseConfig } from "./connector.js";
import { errorOf, failureOf, statusOf, violation } from "./failure.js";
import { agree, OWN_LIMITS, smallest } from "./limits.js";
import { Reading } from "./reading.js";
import { addService } from "./services.js";
import { checkStreams } from "./streams.js";
import { Writing } from "./writing.js";

/** Make the server of a connector. `token` is what callers must bring; `stopping` is aborted when the process drains. */
export function makeServer<Config>(
  connector: Connector<Config>,
  token: string | undefined,
  stopping: AbortSignal,
): Server {
  const { source, destination } = connector;
  const spec = specOf(connector);
  const instanceId = randomUUID();
  const parse = (configJson: string): Config => parseConfig(connector, configJson);
  let limits = OWN_LIMITS;

  /** Answer a unary call with what a promise brings. */
  function answer<T>(callback: sendUnaryData<T>, make: () => T | Promise<T>): void {
    Promise.resolve()
      .then(make)
      .then(
        (value) => callback(null, value),
        (error: unknown) => callback(errorOf(error)),
      );
  }

  const server = new Server({
    "grpc.max_receive_message_length": Number(OWN_LIMITS.maxMessageBytes),
    ...(token === undefined ? {} : { interceptors: [demand(token)] }),
  });
  addService(server, Health, {
    check: (_, callback) =>
      callback(
        null,
        create(HealthCheckResponseSchema, {
          status: stopping.aborted ? Serving.NOT_SERVING : Serving.SERVING,
        }),
      ),
  });
  addService(server, ConnectorService, {
    handshake: ({ request }, callback) =>
      answer(callback, () => {
        const agreed = agree(request, instanceId);
        limits = smallest(limits, agreed.limits!); // so that nobody is sent what they cannot read
        return agreed;
      }),
    spec: (_, callback) => callback(null, spec),
    check: ({ request }, callback) =>
      answer(callback, async () => {
        const results = await probed(connector, parse(request.configJson));
        return create(CheckResponseSchema, { results });
      }),
    ...(source === undefined
      ? {}
      : {
          discover: (call) =>
            void discover(
              call,
              (signal) => source.discover(parse(call.request.configJson), signal),
              Number(limits.maxMessageBytes),
            ),
        }),
  });
  if (source !== undefined) {
    addService(server, SourceService, {
      planRead: ({ request }, callback) =>
        answer(callback, async () => {
          checkStreams(request.streams);
          const splits = await source.plan(parse(request.configJson), request);
          return create(PlanReadResponseSchema, { splits: [...splits] });
        }),
      read: (call) => void new Reading(call, source, limits, stopping).serve(parse),
    });
  }
  if (destination !== undefined) {
    addService(server, DestinationService, {
      prepareWrite: ({ request }, callback) =>
        answer(callback, async () => {
          checkPrepare(request);
          const columns = await destination.prepare(parse(request.configJson), request);
          return create(PrepareWriteResponseSchema, { columns: [...columns] });
        }),
      write: (call) =>
        void new Writing(call).serve((request, signal) => destination.open(parse(request.configJson), request, signal)),
      completeWrite: ({ request }, callback) =>
        answer(callback, async () => {
          const { configJson, writeId, receipts, completedStreams } = request;
          await destination.complete(parse(configJson), writeId, receipts, completedStreams);
          return create(CompleteWriteResponseSchema);
        }),
      abortWrite: ({ request }, callback) =>
        answer(callback, async () => {
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
