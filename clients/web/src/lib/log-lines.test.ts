import { describe, expect, it } from "vitest";
import { LogLines, type Line } from "./log-lines";

const line = (seq: number, more: Partial<Line> = {}): Line => ({
  seq,
  time: seq,
  level: 2,
  origin: "source",
  stream: "public.orders",
  message: `message ${seq}`,
  attributes: "rows=10",
  ...more,
});

describe("log lines", () => {
  it("leave out what a reconnect brings again", () => {
    const lines = new LogLines();
    lines.append([line(1), line(2)]);
    lines.append([line(2), line(3)]);
    expect(lines.all.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(lines.last).toBe(3);
  });

  it("are filtered by level, origin and every word, also those that come later", () => {
    const lines = new LogLines();
    lines.append([line(1), line(2, { level: 4 }), line(3, { level: 4, origin: "destination" })]);
    lines.show({ level: 3, origin: "destination", text: "" });
    expect(lines.shown.map(({ seq }) => seq)).toEqual([3]);
    lines.show({ level: 0, origin: "", text: "orders message" });
    lines.append([line(4), line(5, { stream: "public.items" })]);
    expect(lines.shown.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it("are jumped through by errors, and around the end", () => {
    const lines = new LogLines();
    lines.append([line(1), line(2, { level: 4 }), line(3), line(4, { level: 4 })]);
    expect(lines.nextError(-1)).toBe(1);
    expect(lines.nextError(1)).toBe(3);
    expect(lines.nextError(3)).toBe(1);
    expect(new LogLines().nextError(-1)).toBe(-1);
  });

  it("are found by seq, or the next one when a filter hides it", () => {
    const lines = new LogLines();
    lines.append([line(1), line(5), line(9)]);
    expect(lines.indexOf(5)).toBe(1);
    expect(lines.indexOf(6)).toBe(2);
  });
});
