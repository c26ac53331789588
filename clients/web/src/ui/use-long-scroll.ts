/** The part of a very long list that is in view, of rows that are all equally high. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject, type UIEvent } from "react";
import { LIMIT, LongScroll } from "../lib/long-scroll";

/** Rows that are drawn beyond the view, at each end. */
const BEYOND = 12;
/** Milliseconds without movement after which a scroll bar is put right. */
const STILL = 150;

interface LongList {
  /** For the element that scrolls; it holds one that is `height` pixels high. */
  readonly box: RefObject<HTMLDivElement | null>;
  readonly height: number;
  /** Index of the first row to draw, and of the one after the last. */
  readonly first: number;
  readonly end: number;
  /** Where a row lies in the element, in pixels. */
  readonly place: (index: number) => number;
  /** Bring a row to the middle of the view, or the last row to its end. */
  readonly reveal: (index: number) => void;
  readonly onScroll: (event: UIEvent) => void;
}

/** A list of `size` rows of `row` pixels; `away` is called when a person scrolls up. */
export function useLongScroll({ size, row, away }: { size: number; row: number; away: () => void }): LongList {
  const box = useRef<HTMLDivElement>(null);
  const [scroll] = useState(() => new LongScroll());
  /** Pixels above the view, and from a row's place in the whole to its place in the element. */
  const [{ top, shift }, setPlace] = useState({ top: 0, shift: 0 });
  const [view, setView] = useState(0);
  const still = useRef(0);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setView(element.clientHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      clearTimeout(still.current);
    };
  }, []);
  useLayoutEffect(() => scroll.resize(size * row, view), [scroll, size, row, view]);

  const scrollTo = useCallback(
    (position: number) => {
      if (box.current !== null) box.current.scrollTop = position;
      setPlace({ top: scroll.top, shift: scroll.place(0) });
    },
    [scroll],
  );
  const reveal = useCallback(
    (index: number) => scrollTo(scroll.show(index >= size - 1 ? size * row : index * row - (view - row) / 2)),
    [scroll, scrollTo, size, row, view],
  );
  const shown = Math.max(0, Math.min(top, size * row - view));
  return {
    box,
    height: Math.min(size * row, LIMIT),
    first: Math.max(0, Math.floor(shown / row) - BEYOND),
    end: Math.min(size, Math.ceil((shown + view) / row) + BEYOND),
    place: (index) => index * row + shift,
    reveal,
    onScroll: (event) => {
      const before = scroll.top;
      scroll.scrolled(event.currentTarget.scrollTop);
      if (scroll.top < before - row / 2) away();
      setPlace({ top: scroll.top, shift: scroll.place(0) });
      clearTimeout(still.current);
      still.current = window.setTimeout(() => scrollTo(scroll.settle()), STILL);
    },
  };
}
