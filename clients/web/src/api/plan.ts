/** What a destination would make of a stream, asked of a worker before anything is stored. */
import { useEffect, useState } from "react";
import { toJsonString } from "@bufbuild/protobuf";
import { queryOptions, skipToken } from "@tanstack/react-query";
import { ConnectionStreamSchema, type ConnectionStream } from "../gen/towpath/control/v1/connections_pb";
import { need } from "../lib/need";
import { connections, SLOW } from "./transport";

/** Starts the connector of the destination; `stream` undefined asks nobody. */
export const planOf = (source: string, destination: string, stream: ConnectionStream | undefined) =>
  queryOptions({
    queryKey: ["plan", source, destination, stream && toJsonString(ConnectionStreamSchema, stream)],
    queryFn:
      stream === undefined
        ? skipToken
        : async ({ signal }) => {
            const connection = { source, destination, streams: [stream] };
            return need((await connections.planConnection({ connection }, { signal, timeoutMs: SLOW })).streams[0]);
          },
    staleTime: 5 * 60_000,
    retry: false,
  });

/** The value once it has been the same for a moment: a connector is not started for every click. */
export function useSettled<T>(value: T, milliseconds = 500): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
