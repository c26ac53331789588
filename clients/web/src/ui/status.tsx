/** States of jobs and streams: one word, one colour, one shape, so that colour is never all that tells them apart. */
import { Ban, Check, CircleDashed, Clock, Loader, X, type LucideIcon } from "lucide-react";
import { StreamProgress_State } from "../gen/towpath/control/v1/jobs_pb";
import { Job_State } from "../gen/towpath/control/v1/jobs_pb";
import { t } from "../text/en";

type Tone = "ok" | "bad" | "run" | "warn" | "idle";

interface Look {
  readonly tone: Tone;
  readonly word: string;
  readonly icon: LucideIcon;
}

const UNKNOWN: Look = { tone: "idle", word: t.states.unknown, icon: CircleDashed };

const JOBS: Partial<Record<Job_State, Look>> = {
  [Job_State.QUEUED]: { tone: "idle", word: t.states.queued, icon: Clock },
  [Job_State.RUNNING]: { tone: "run", word: t.states.running, icon: Loader },
  [Job_State.CANCELLING]: { tone: "warn", word: t.states.cancelling, icon: Ban },
  [Job_State.SUCCEEDED]: { tone: "ok", word: t.states.succeeded, icon: Check },
  [Job_State.FAILED]: { tone: "bad", word: t.states.failed, icon: X },
  [Job_State.CANCELLED]: { tone: "idle", word: t.states.cancelled, icon: Ban },
};

const STREAMS: Partial<Record<StreamProgress_State, Look>> = {
  [StreamProgress_State.PENDING]: { tone: "idle", word: t.states.pending, icon: Clock },
  [StreamProgress_State.RUNNING]: { tone: "run", word: t.states.running, icon: Loader },
  [StreamProgress_State.TRANSFERRED]: { tone: "run", word: t.states.transferred, icon: Check },
  [StreamProgress_State.SUCCEEDED]: { tone: "ok", word: t.states.succeeded, icon: Check },
  [StreamProgress_State.FAILED]: { tone: "bad", word: t.states.failed, icon: X },
  [StreamProgress_State.CANCELLED]: { tone: "idle", word: t.states.cancelled, icon: Ban },
};

export const jobLook = (state: Job_State | undefined): Look =>
  state === undefined ? { tone: "idle", word: t.states.never, icon: CircleDashed } : (JOBS[state] ?? UNKNOWN);
export const streamLook = (state: StreamProgress_State): Look => STREAMS[state] ?? UNKNOWN;

export const isTerminal = (state: Job_State): boolean =>
  state === Job_State.SUCCEEDED || state === Job_State.FAILED || state === Job_State.CANCELLED;

/** A state as a small label. */
export function Status({ look }: { look: Look }) {
  const Icon = look.icon;
  return (
    <span className={`status ${look.tone}`}>
      <Icon size={13} aria-hidden className={look.icon === Loader ? "spin" : undefined} />
      {look.word}
    </span>
  );
}
