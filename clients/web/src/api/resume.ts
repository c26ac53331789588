/** Keeps a stream of the server open through restarts and broken networks. */
import { isOwnAbort, problemOf, type Problem } from "./failures";

/** Milliseconds before the first, second, ... try to reconnect; the last one repeats. */
const PAUSES = [250, 500, 1000, 2000];

export interface Following<T> {
  /** Open the stream anew, after whatever was already received. */
  open: (signal: AbortSignal) => AsyncIterable<T>;
  receive: (message: T) => void;
  /** The stream is down and tried again; undefined when it is up again. */
  interrupted?: (problem: Problem | undefined) => void;
  signal: AbortSignal;
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Follow a stream to its orderly end. Resolves then, or when aborted; rejects on a failure that no retry mends. */
export async function follow<T>({ open, receive, interrupted, signal }: Following<T>): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      for await (const message of open(signal)) {
        if (failures > 0) interrupted?.(undefined);
        failures = 0;
        receive(message);
      }
      return;
    } catch (thrown) {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it changes while the stream is awaited
      if (signal.aborted) return;
      const problem = problemOf(thrown);
      // A proxy that loses its server may end the stream as if cancelled.
      if (!problem.temporary && !isOwnAbort(thrown)) throw thrown;
      interrupted?.(problem);
      await pause(PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 2000, signal);
      failures += 1;
    }
  }
}
