// Discover: the catalogue in pages that keep to the limit for a message.
import { create, toBinary } from "@bufbuild/protobuf";
import type { ServerWritableStream } from "@grpc/grpc-js";

import {
  type DiscoverRequest,
  type DiscoverResponse,
  DiscoverResponseSchema,
} from "../../gen/towpath/connector/v1/connector_pb.js";
import { type StreamDescriptor, StreamDescriptorSchema } from "../../gen/towpath/connector/v1/types_pb.js";
import { rejectedBy } from "./conversation.js";
import { errorOf } from "./failure.js";

const PAGE_BYTES = 64 * 1024;
const FIELD_BYTES = 6; // tag and length of a stream in its page

/** Serve one Discover: list streams until the caller has enough. */
export async function discover(
  call: ServerWritableStream<DiscoverRequest, DiscoverResponse>,
  list: (signal: AbortSignal) => AsyncIterable<StreamDescriptor>,
  mostBytes: number,
): Promise<void> {
  const abort = new AbortController();
  call.once("cancelled", () => abort.abort());
  const cancelled = rejectedBy(abort.signal);
  try {
    for await (const page of pages(list(abort.signal), Math.min(PAGE_BYTES, mostBytes))) {
      await Promise.race([new Promise((sent) => call.write(page, sent)), cancelled]);
    }
    call.end();
  } catch (error) {
    if (!abort.signal.aborted) call.emit("error", errorOf(error));
  }
}

/** Put streams together to pages of at most so many bytes. */
async function* pages(streams: AsyncIterable<StreamDescriptor>, mostBytes: number): AsyncGenerator<DiscoverResponse> {
  let page = create(DiscoverResponseSchema);
  let bytes = 0;
  for await (const stream of streams) {
    const added = toBinary(StreamDescriptorSchema, stream).length + FIELD_BYTES;
    if (page.streams.length > 0 && bytes + added > mostBytes) {
      yield page;
      [page, bytes] = [create(DiscoverResponseSchema), 0];
    }
    page.streams.push(stream);
    bytes += added;
  }
  if (page.streams.length > 0) yield page;
}
