import { describe, expect, it } from "vitest";
import { LogLines, NO_FILTER, type Line } from "./log-lines";

const line = (seq: number, more: Partial<Line> = {}): Line => ({
  seq,
  time: seq,
  level: 2,
  origin: "source",
  stream: "public.orders",
  message: `message ${seq}`,
  attributes: "rows=few",
  ...more,
});

function looked(lines: LogLines): LogLines {
  while (lines.pending) lines.look(7);
  return lines;
}
const seqs = (lines: LogLines): (number | undefined)[] =>
  Array.from({ length: looked(lines).shown }, (_, position) => lines.at(position)?.seq);

describe("log lines", () => {
  it("leave out what a reconnect brings again", () => {
    const lines = new LogLines();
    lines.append([line(1), line(2)]);
    lines.append([line(2), line(3)]);
    expect(seqs(lines)).toEqual([1, 2, 3]);
    expect(lines.last).toBe(3);
    expect(lines.at(3)).toBeUndefined();
    expect(lines.at(1)).toEqual(line(2));
  });

  it("are filtered by level, origin and every word, also those that come later", () => {
    const lines = new LogLines();
    lines.append([line(1), line(2, { level: 4 }), line(3, { level: 4, origin: "destination" })]);
    lines.show({ level: 3, origin: "destination", text: "" });
    expect(seqs(lines)).toEqual([3]);
    lines.show({ level: 0, origin: "", text: "orders message" });
    lines.append([line(4), line(5, { stream: "public.items" })]);
    expect(seqs(lines)).toEqual([1, 2, 3, 4]);
    lines.show(NO_FILTER);
    expect(lines.pending).toBe(false);
    expect(lines.shown).toBe(5);
  });

  it("are narrowed by what is typed on, in whatever state the wider filter is left", () => {
    const lines = new LogLines();
    lines.append(Array.from({ length: 100 }, (_, index) => line(index + 1)));
    lines.show({ level: 0, origin: "", text: "message" });
    lines.look(50);
    lines.show({ level: 0, origin: "", text: "message 1" });
    lines.look(5);
    lines.append([line(101), line(102)]);
    lines.show({ level: 0, origin: "source", text: "message 10" });
    expect(seqs(lines)).toEqual([10, 100, 101, 102]);
    lines.show({ level: 0, origin: "", text: "message 99" });
    expect(seqs(lines)).toEqual([99]);
  });

  it("are jumped through by errors, and around the end", () => {
    const lines = new LogLines();
    expect(lines.nextError(-1)).toBe(-1);
    lines.append([line(1), line(2, { level: 4 }), line(3), line(4, { level: 4, message: "other" })]);
    expect(lines.nextError(-1)).toBe(1);
    expect(lines.nextError(1)).toBe(3);
    expect(lines.nextError(3)).toBe(1);
    lines.show({ level: 0, origin: "", text: "message" });
    expect(looked(lines).nextError(1)).toBe(1);
    lines.show({ level: 0, origin: "", text: "3" });
    expect(looked(lines).hasErrors).toBe(false);
  });

  it("are found by seq, or the next one when a filter hides it", () => {
    const lines = new LogLines();
    lines.append([line(1), line(5), line(9, { level: 3 })]);
    expect(lines.positionOf(5)).toBe(1);
    expect(lines.positionOf(6)).toBe(2);
    lines.show({ level: 3, origin: "", text: "" });
    expect(looked(lines).positionOf(5)).toBe(0);
  });
});

describe("a million log lines", () => {
  const lines = new LogLines();
  const MILLION = 1_000_000;
  for (let seq = 1; seq <= MILLION; seq += 1) {
    lines.append([line(seq, { level: seq % 250_000 === 0 ? 4 : 2, origin: seq % 2 === 0 ? "source" : "destination" })]);
  }

  it("are all there without being looked at", () => {
    expect(lines.pending).toBe(false);
    expect(lines.shown).toBe(MILLION);
    expect(lines.at(MILLION - 1)?.message).toBe("message 1000000");
    expect(lines.positionOf(777_777)).toBe(777_776);
    expect(lines.nextError(249_999)).toBe(499_999);
  });

  it("are filtered a portion at a time: the first that pass are there at once, and no portion is larger than asked for", () => {
    lines.show({ level: 0, origin: "source", text: "" });
    lines.look(1000);
    expect(lines.shown).toBe(500);
    expect(lines.pending).toBe(true);
    while (lines.pending) lines.look(50_000);
    expect(lines.shown).toBe(MILLION / 2);
    expect(lines.at(MILLION / 2 - 1)?.seq).toBe(MILLION);
    expect(lines.nextError(-1)).toBe(124_999);
  });

  it("are searched while more come, and searched on only among what was found", () => {
    lines.show({ level: 0, origin: "", text: "77777" });
    while (lines.pending) lines.look(50_000);
    expect(lines.shown).toBe(19);
    lines.append([line(MILLION + 1, { message: "late 777777" })]);
    lines.show({ level: 0, origin: "", text: "777777" });
    lines.look(25);
    expect(lines.pending).toBe(false);
    expect(lines.at(0)?.seq).toBe(777_777);
    expect(lines.at(1)?.message).toBe("late 777777");
    expect(lines.shown).toBe(2);
  });
});
