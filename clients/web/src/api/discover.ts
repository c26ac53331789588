/** What a source offers, as it is found. */
import { queryOptions } from "@tanstack/react-query";
import type { StreamDescriptor } from "../gen/towpath/connector/v1/types_pb";
import { SLOW, sources } from "./transport";

/** Starts the connector, and blocks until all pages have come. */
export const discovered = (source: string) =>
  queryOptions({
    queryKey: ["discovered", source],
    queryFn: async ({ signal }) => {
      const found: StreamDescriptor[] = [];
      for await (const page of sources.discoverSource({ name: source }, { signal, timeoutMs: SLOW })) {
        found.push(...page.streams);
      }
      return found;
    },
    staleTime: 5 * 60_000,
    retry: false,
  });
