import { describe, expect, it } from "vitest";
import { LongScroll } from "./long-scroll";

/** A view of 400 pixels on 24 million, in an element of 8 million. */
function long(): LongScroll {
  const scroll = new LongScroll(8_000_000);
  scroll.resize(24_000_000, 400);
  return scroll;
}

describe("a long scroll", () => {
  it("is the browser's own while the element can be as high as its content", () => {
    const scroll = new LongScroll(8_000_000);
    scroll.resize(24_000, 400);
    expect(scroll.height).toBe(24_000);
    scroll.scrolled(12_345);
    expect(scroll.top).toBe(12_345);
    expect(scroll.place(12_360)).toBe(12_360);
  });

  it("skips nothing when it moves a little, and reaches everything when it moves far", () => {
    const scroll = long();
    expect(scroll.height).toBe(8_000_000);
    scroll.scrolled(100);
    expect(scroll.top).toBe(100);
    scroll.scrolled((8_000_000 - 400) / 2);
    expect(scroll.top).toBe((24_000_000 - 400) / 2);
    scroll.scrolled(8_000_000 - 400);
    expect(scroll.top).toBe(24_000_000 - 400);
    scroll.scrolled(0);
    expect(scroll.top).toBe(0);
  });

  it("goes on beyond the end of the element, once that has settled", () => {
    const scroll = long();
    scroll.show(14_000);
    const before = scroll.settle();
    for (let position = before; position > 0; position -= 100) scroll.scrolled(position);
    expect(scroll.top).toBeGreaterThan(8_000);
    expect(scroll.settle()).toBeGreaterThan(2_000);
    const here = scroll.top;
    scroll.scrolled(scroll.settle() - 100);
    expect(scroll.top).toBeCloseTo(here - 100, 5);
  });

  it("places rows where the view is", () => {
    const scroll = long();
    const position = scroll.show(20_000_016);
    expect(scroll.place(20_000_016)).toBe(position);
    expect(scroll.place(20_000_040)).toBe(position + 24);
    expect(scroll.show(1e9)).toBe(8_000_000 - 400);
    expect(scroll.top).toBe(24_000_000 - 400);
  });
});
