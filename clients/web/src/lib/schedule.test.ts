import { expect, it } from "vitest";
import { nextOfCron } from "./cron";
import { intervalParts, intervalSeconds, nextOfInterval } from "./schedule";

const NOON = new Date("2026-03-28T12:00:00Z");

it("shows an interval in the unit that somebody would have typed", () => {
  expect(intervalParts(900)).toEqual({ amount: 15, unit: "m" });
  expect(intervalParts(90)).toEqual({ amount: 90, unit: "s" });
  expect(intervalSeconds(2, "d")).toBe(172_800);
});

it("counts intervals from the epoch, as the scheduler does", () => {
  expect(nextOfInterval(3600, 2, NOON.getTime() + 1).map((time) => time.toISOString())).toEqual([
    "2026-03-28T13:00:00.000Z",
    "2026-03-28T14:00:00.000Z",
  ]);
});

it("keeps a calendar's hour when the clocks change", () => {
  expect(nextOfCron("0 3 * * *", "Europe/Amsterdam", 2, NOON).map((time) => time.toISOString())).toEqual([
    "2026-03-29T01:00:00.000Z",
    "2026-03-30T01:00:00.000Z",
  ]);
});

it("shows no times for what the server would refuse", () => {
  expect(nextOfCron("0 3 * *", "UTC", 5)).toEqual([]);
  expect(nextOfCron("61 * * * *", "UTC", 5)).toEqual([]);
  expect(nextOfCron("0 3 * * *", "Europe/Nowhere", 5)).toEqual([]);
});
