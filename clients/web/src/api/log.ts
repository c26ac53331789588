/** A job's log, followed and filtered. */
import { useCallback, useEffect, useRef, useState } from "react";
import { LogLines, reduce, type Filter } from "../lib/log-lines";
import { follow } from "./resume";
import { jobs } from "./transport";

/** Milliseconds of a frame for holding the filter against lines; the rest is for drawing. */
const SLICE = 6;
/** Lines between two looks at the clock. */
const PORTION = 500;
/** Milliseconds in which lines are gathered before they are shown: nobody reads faster, and to draw takes long. */
const GATHER = 100;

export interface Followed {
  readonly lines: LogLines;
  /** Changes whenever lines have come or were found. */
  readonly version: number;
  readonly error: unknown;
}

/**
 * Follow a job's log to its end, through restarts; what comes within a tenth of a second is shown in one step. A new
 * filter is held against all lines in slices of a frame. `name` is the same for as long as the component lives.
 */
export function useLog(name: string, { level, origin, text }: Filter): Followed {
  const [lines] = useState(() => new LogLines());
  const [version, setVersion] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const frame = useRef(0);
  const gathering = useRef(0);
  const step = useCallback(() => {
    const work = () => {
      const end = performance.now() + SLICE;
      while (lines.pending && performance.now() < end) lines.look(PORTION);
      setVersion((before) => before + 1);
      if (lines.pending) frame.current = requestAnimationFrame(work);
    };
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(work);
  }, [lines]);
  useEffect(() => {
    const stop = new AbortController();
    follow({
      open: (signal) => jobs.tailLogs({ name, afterSeq: BigInt(lines.last), follow: true }, { signal }),
      receive: (message) => {
        lines.append(message.lines.map(reduce));
        gathering.current ||= window.setTimeout(() => {
          gathering.current = 0;
          step();
        }, GATHER);
      },
      signal: stop.signal,
    }).catch(setError);
    return () => {
      stop.abort();
      clearTimeout(gathering.current);
      gathering.current = 0;
      cancelAnimationFrame(frame.current);
    };
  }, [name, lines, step]);
  useEffect(() => {
    lines.show({ level, origin, text });
    step();
  }, [lines, level, origin, text, step]);
  return { lines, version, error };
}
