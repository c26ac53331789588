/** When a calendar schedule starts next. */
import { Cron } from "croner";

/** The next starts; none when the expression or the zone is not understood. The server has the last word. */
export function nextOfCron(expression: string, zone: string, howMany: number, from: Date = new Date()): Date[] {
  const text = expression.trim();
  if (!text.startsWith("@") && text.split(/\s+/).length !== 5) return [];
  try {
    return new Cron(text, { timezone: zone || "UTC", paused: true }).nextRuns(howMany, from);
  } catch {
    return [];
  }
}
