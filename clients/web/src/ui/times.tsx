/** Moments and spans, kept up to date by one clock. */
import { useSyncExternalStore } from "react";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ago, dateOf, duration, moment } from "../lib/format";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Milliseconds since the epoch, a second exact. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** `3 minutes ago`, with the exact time as its title. */
export function Ago({ at }: { at: Timestamp | undefined }) {
  const current = useNow();
  const date = dateOf(at);
  if (date === undefined) return <span className="muted">–</span>;
  return (
    <time dateTime={date.toISOString()} title={moment(date)}>
      {ago(date, current)}
    </time>
  );
}

/** How long something took, or takes so far. */
export function Span({ from, to }: { from: Timestamp | undefined; to: Timestamp | undefined }) {
  const current = useNow();
  const start = dateOf(from);
  if (start === undefined) return <span className="muted">–</span>;
  return <>{duration((dateOf(to)?.getTime() ?? current) - start.getTime())}</>;
}
