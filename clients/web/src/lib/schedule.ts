/** Schedules as sentences and as the times that come of them. */
import type { Schedule } from "../gen/towpath/control/v1/connections_pb";
import { t } from "../text/en";

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** The largest unit that divides an interval of so many seconds, and how many of it. */
export function intervalParts(seconds: number): { amount: number; unit: "s" | "m" | "h" | "d" } {
  for (const [unit, size] of UNITS) {
    if (seconds >= size && seconds % size === 0) return { amount: seconds / size, unit };
  }
  return { amount: seconds, unit: "s" };
}

export const intervalSeconds = (amount: number, unit: string): number =>
  amount * (UNITS.find(([name]) => name === unit)?.[1] ?? 1);

/** `Every 15 minutes`, `0 3 * * *, Europe/Amsterdam`, `By hand`. */
export function scheduleText(schedule: Schedule | undefined): string {
  switch (schedule?.timing.case) {
    case "interval": {
      const { amount, unit } = intervalParts(Number(schedule.timing.value.seconds));
      return amount === 1
        ? t.schedule.everyText(t.schedule.unit1[unit] ?? unit)
        : t.schedule.everyText(`${amount} ${t.schedule.units[unit] ?? unit}`);
    }
    case "cron": {
      const { expression, timeZone } = schedule.timing.value;
      return `${expression}, ${timeZone || "UTC"}`;
    }
    default:
      return t.connections.manual;
  }
}

/** The next starts of an interval, which is counted from the epoch. */
export function nextOfInterval(seconds: number, howMany: number, now: number = Date.now()): Date[] {
  const step = seconds * 1000;
  const first = Math.floor(now / step) * step + step;
  return Array.from({ length: howMany }, (_, index) => new Date(first + index * step));
}
