/** A job, live. */
import { useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { Job } from "../gen/towpath/control/v1/jobs_pb";
import { follow } from "./resume";
import { jobs } from "./transport";

export interface Watched {
  readonly job: Job | undefined;
  /** The server does not answer at the moment. */
  readonly interrupted: boolean;
  /** What no further try will mend. */
  readonly error: unknown;
}

const START: Watched = { job: undefined, interrupted: false, error: null };

/** Follow a job until it has ended, through restarts of the server. */
export function useJob(name: string): Watched {
  const [seen, setSeen] = useState<Watched & { name: string }>({ ...START, name });
  const client = useQueryClient();
  useEffect(() => {
    const stop = new AbortController();
    const update = (change: Partial<Watched>) =>
      setSeen((before) => ({ ...(before.name === name ? before : START), ...change, name }));
    follow({
      open: (signal) => jobs.watchJob({ name }, { signal }),
      receive: ({ job }) => update({ job, error: null, interrupted: false }),
      interrupted: (problem) => update({ interrupted: problem !== undefined }),
      signal: stop.signal,
    })
      .then(() => client.invalidateQueries({ queryKey: ["connections"] }))
      .catch((error: unknown) => update({ error }));
    return () => stop.abort();
  }, [name, client]);
  return seen.name === name ? seen : START;
}
