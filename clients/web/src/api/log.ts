/** A job's log, followed. */
import { useEffect, useRef, useState } from "react";
import { LogLines, reduce } from "../lib/log-lines";
import { follow } from "./resume";
import { jobs } from "./transport";

export interface Followed {
  readonly lines: LogLines;
  /** Changes whenever lines have come. */
  readonly version: number;
  readonly error: unknown;
}

/** Follow a job's log to its end, through restarts; what comes within one frame is shown in one step. */
export function useLog(name: string): Followed {
  const [seen, setSeen] = useState<Followed>(() => ({ lines: new LogLines(), version: 0, error: null }));
  const frame = useRef(0);
  useEffect(() => {
    const stop = new AbortController();
    const lines = new LogLines();
    const publish = (error: unknown = null) => {
      cancelAnimationFrame(frame.current);
      frame.current = requestAnimationFrame(() => setSeen(({ version }) => ({ lines, version: version + 1, error })));
    };
    publish();
    follow({
      open: (signal) => jobs.tailLogs({ name, afterSeq: BigInt(lines.last), follow: true }, { signal }),
      receive: (message) => {
        lines.append(message.lines.map(reduce));
        publish();
      },
      signal: stop.signal,
    }).catch(publish);
    return () => {
      stop.abort();
      cancelAnimationFrame(frame.current);
    };
  }, [name]);
  return seen;
}
