/** The first rows of a stream, asked for by somebody: the audit trail tells of every look. */
import { queryOptions } from "@tanstack/react-query";
import type { StreamName } from "../gen/towpath/connector/v1/types_pb";
import { need } from "../lib/need";
import { streamKey } from "../lib/names";
import { SLOW, sources } from "./transport";

/** Starts the connector. Never asks by itself: `refetch` does. */
export const firstRows = (source: string, stream: StreamName | undefined, columns: readonly string[]) =>
  queryOptions({
    queryKey: ["preview", source, streamKey(stream), columns],
    queryFn: async ({ signal }) => {
      const wanted = { name: source, columns: [...columns], ...(stream && { stream }) };
      return need((await sources.previewStream(wanted, { signal, timeoutMs: SLOW })).preview);
    },
    enabled: false,
    staleTime: Infinity,
    retry: false,
  });
