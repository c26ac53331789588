/** Numbers and times as people read them. */
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** `1,234,567` */
export const count = (value: number | bigint): string => whole.format(value);
/** `1.2M`, for where space is short. */
export const brief = (value: number | bigint): string => compact.format(value);

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `12.3 MiB`; binary units. */
export function bytes(value: number | bigint): string {
  let left = Number(value);
  let unit = 0;
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || left >= 100 ? 0 : 1;
  return `${left.toFixed(digits)} ${UNITS[unit] ?? "B"}`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`, `2 h 10 min`, from milliseconds. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 60 / 24)} d ${Math.floor(minutes / 60) % 24} h`;
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** `3 minutes ago`, `in 2 hours`. */
export function ago(date: Date, now: number = Date.now()): string {
  const distance = date.getTime() - now;
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) >= size) return relative.format(Math.trunc(distance / size), unit);
  }
  return "now";
}

/** Date and time in the person's zone. */
export const moment = (date: Date): string => full.format(date);
/** Time of day in the person's zone. */
export const timeOfDay = (date: Date): string => clock.format(date);

export const dateOf = (timestamp: Timestamp | undefined): Date | undefined =>
  timestamp === undefined ? undefined : timestampDate(timestamp);

/** Milliseconds from one moment to another, or to now. */
export function span(from: Timestamp | undefined, to: Timestamp | undefined): number | undefined {
  const start = dateOf(from);
  return start === undefined ? undefined : (dateOf(to) ?? new Date()).getTime() - start.getTime();
}
