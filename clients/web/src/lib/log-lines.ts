/** The lines of a job's log, up to millions: kept small, and filtered a few thousand at a time. */
import type { LogLine } from "../gen/towpath/control/v1/jobs_pb";
import { dateOf } from "./format";
import { Growing, Texts } from "./growing";
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

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Whether every line that passes `after` passes `before` too. */
function narrows(before: Filter, after: Filter): boolean {
  const words = wordsOf(after.text);
  return (
    after.level >= before.level &&
    (before.origin === "" || before.origin === after.origin) &&
    wordsOf(before.text).every((old) => words.some((word) => word.includes(old)))
  );
}

/**
 * All lines of one job and those that pass a filter.
 *
 * Appending costs what is appended and looks at no filter. After `show` or `append`, `look` goes on through what was not
 * looked at yet, as far as its caller has time; without a filter there is nothing to look at. A filter that narrows the
 * one before looks only at what that one had found.
 */
export class LogLines {
  private readonly seqs = new Growing(Float64Array);
  private readonly times = new Growing(Float64Array);
  private readonly levels = new Growing(Uint8Array);
  private readonly originOf = new Growing(Uint32Array);
  private readonly originTexts = new Texts();
  private readonly streamOf = new Growing(Uint32Array);
  private readonly streamTexts = new Texts();
  private readonly messages: string[] = [];
  private readonly attributes: string[] = [];
  /** Indices of errors. */
  private readonly errors = new Growing(Uint32Array);

  private filter: Filter = NO_FILTER;
  private words: readonly string[] = [];
  /** Indices of lines that pass; undefined while all do. */
  private found: Growing | undefined;
  /** Positions in `found` of errors. */
  private foundErrors = new Growing(Uint32Array);
  /** What a wider filter had found, to be looked at before `looked` goes on. */
  private wider: { readonly found: Growing; next: number } | undefined;
  /** How many lines from the first on were looked at. */
  private looked = 0;

  /** How many lines there are. */
  get total(): number {
    return this.seqs.length;
  }

  /** How many lines are known to pass the filter. */
  get shown(): number {
    return this.found?.length ?? this.total;
  }

  /** Whether there are lines that the filter was not held against yet. */
  get pending(): boolean {
    return this.found !== undefined && (this.wider !== undefined || this.looked < this.total);
  }

  get origins(): readonly string[] {
    return this.originTexts.all;
  }

  /** Highest seq so far; 0 before the first. */
  get last(): number {
    return this.total === 0 ? 0 : this.seqs.at(this.total - 1);
  }

  /** Add lines that came; those that were there already are left out. */
  append(lines: readonly Line[]): void {
    let last = this.last;
    for (const line of lines) {
      if (line.seq <= last) continue;
      last = line.seq;
      if (line.level >= ERROR) this.errors.add(this.total);
      this.seqs.add(line.seq);
      this.times.add(line.time);
      this.levels.add(line.level);
      this.originOf.add(this.originTexts.numberOf(line.origin));
      this.streamOf.add(this.streamTexts.numberOf(line.stream));
      this.messages.push(line.message);
      this.attributes.push(line.attributes);
    }
  }

  /** Filter from now on; nothing is found before `look`. */
  show(filter: Filter): void {
    const words = wordsOf(filter.text);
    if (filter.level === 0 && filter.origin === "" && words.length === 0) {
      this.found = undefined;
      this.wider = undefined;
    } else if (this.found !== undefined && narrows(this.filter, filter)) {
      const found = this.found;
      // What an even wider filter had left to look at comes after what was found: their order is that of the log.
      for (let left = this.wider; left !== undefined && left.next < left.found.length; left.next += 1) {
        found.add(left.found.at(left.next));
      }
      this.wider = { found, next: 0 };
      this.found = new Growing(Uint32Array);
    } else {
      this.found = new Growing(Uint32Array);
      this.wider = undefined;
      this.looked = 0;
    }
    this.foundErrors = new Growing(Uint32Array);
    this.filter = filter;
    this.words = words;
  }

  /** Hold the filter against at most `most` further lines. */
  look(most: number): void {
    const { found } = this;
    if (found === undefined) return;
    let left = most;
    for (; left > 0 && this.wider !== undefined; left -= 1) {
      const { wider } = this;
      if (wider.next >= wider.found.length) this.wider = undefined;
      else this.test(wider.found.at(wider.next++), found);
    }
    for (; left > 0 && this.looked < this.total; left -= 1) this.test(this.looked++, found);
  }

  /** The line at a position among those shown. */
  at(position: number): Line | undefined {
    const index = this.indexAt(position);
    if (!(index < this.total)) return undefined;
    return {
      seq: this.seqs.at(index),
      time: this.times.at(index),
      level: this.levels.at(index),
      origin: this.originTexts.at(this.originOf.at(index)),
      stream: this.streamTexts.at(this.streamOf.at(index)),
      message: this.messages[index] ?? "",
      attributes: this.attributes[index] ?? "",
    };
  }

  get hasErrors(): boolean {
    return this.errorPositions.length > 0;
  }

  /** Position among the shown lines of the first error after position `from`, from the start again after the last; -1 if none. */
  nextError(from: number): number {
    const positions = this.errorPositions;
    if (positions.length === 0) return -1;
    const next = positions.firstFrom(from + 1);
    return positions.at(next < positions.length ? next : 0);
  }

  /** Position among the shown lines of a line, or of the first after it. */
  positionOf(seq: number): number {
    const index = this.seqs.firstFrom(seq);
    return this.found === undefined ? index : this.found.firstFrom(index);
  }

  private get errorPositions(): Growing {
    return this.found === undefined ? this.errors : this.foundErrors;
  }

  private indexAt(position: number): number {
    return this.found === undefined ? position : this.found.at(position);
  }

  private test(index: number, found: Growing): void {
    if (!this.passes(index)) return;
    if (this.levels.at(index) >= ERROR) this.foundErrors.add(found.length);
    found.add(index);
  }

  private passes(index: number): boolean {
    const { level, origin } = this.filter;
    if (this.levels.at(index) < level) return false;
    if (origin !== "" && this.originTexts.at(this.originOf.at(index)) !== origin) return false;
    if (this.words.length === 0) return true;
    const stream = this.streamTexts.at(this.streamOf.at(index));
    const text = `${this.messages[index] ?? ""} ${this.attributes[index] ?? ""} ${stream}`.toLowerCase();
    return this.words.every((word) => text.includes(word));
  }
}
