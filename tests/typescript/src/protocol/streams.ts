// Streams as requests name them.
import { violation } from "./failure.js";

/** Fail as a violation when a stream has no name. */
export function checkStreams(streams: readonly { readonly name?: { readonly name: string } }[]): void {
  if (streams.some(({ name }) => !name?.name)) throw violation("a stream has no name");
}
