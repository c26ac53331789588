/** The lines of a job's log: kept small, filtered as they come. */
import type { LogLine } from "../gen/towpath/control/v1/jobs_pb";
import { dateOf } from "./format";
import { streamLabel } from "./names";

/** One line, reduced to what is shown. */
export interface Line {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: number;
  readonly origin: string;
  readonly stream: string;
  readonly message: string;
  /** `key=value`, joined. */
  readonly attributes: string;
}

export interface Filter {
  /** Lowest level; 0 is all. */
  readonly level: number;
  /** Empty is all. */
  readonly origin: string;
  /** Lower-case words that must all occur. */
  readonly text: string;
}

export const NO_FILTER: Filter = { level: 0, origin: "", text: "" };
export const ERROR = 4;

export function reduce(line: LogLine): Line {
  return {
    seq: Number(line.seq),
    time: dateOf(line.time)?.getTime() ?? 0,
    level: line.level,
    origin: line.origin,
    stream: streamLabel(line.stream),
    message: line.message,
    attributes: Object.entries(line.attributes)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
  };
}

export function matches(line: Line, { level, origin, text }: Filter): boolean {
  if (line.level < level || (origin !== "" && line.origin !== origin)) return false;
  if (text === "") return true;
  const all = `${line.message} ${line.attributes} ${line.stream}`.toLowerCase();
  return text.split(/\s+/).every((word) => all.includes(word));
}

/** All lines of one job and those that pass a filter. Appending costs what is appended, whatever is there already. */
export class LogLines {
  readonly all: Line[] = [];
  shown: Line[] = [];
  readonly origins = new Set<string>();
  private filter: Filter = NO_FILTER;

  /** Highest seq so far; 0 before the first. */
  get last(): number {
    return this.all.at(-1)?.seq ?? 0;
  }

  /** Add lines that came; those that were there already are left out. */
  append(lines: readonly Line[]): void {
    const last = this.last;
    for (const line of lines) {
      if (line.seq <= last) continue;
      this.all.push(line);
      this.origins.add(line.origin);
      if (matches(line, this.filter)) this.shown.push(line);
    }
  }

  show(filter: Filter): void {
    this.filter = filter;
    this.shown = this.all.filter((line) => matches(line, filter));
  }

  /** Index among the shown lines of the first error after index `from`, from the start again after the last; -1 if none. */
  nextError(from: number): number {
    const after = this.shown.findIndex((line, index) => index > from && line.level >= ERROR);
    return after >= 0 ? after : this.shown.findIndex((line) => line.level >= ERROR);
  }

  /** Index among the shown lines of a line, or of the first after it. */
  indexOf(seq: number): number {
    let low = 0;
    let high = this.shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.shown[middle]?.seq ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
