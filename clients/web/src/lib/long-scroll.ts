/**
 * Scrolling through more rows than a browser lets an element be high: Firefox ends at 17.9 million pixels.
 *
 * Beyond `LIMIT` the element is as high as that and stands for more. A small movement moves by as many pixels as it says,
 * so that no line is skipped by a wheel or an arrow key; a large one, of the scroll bar, goes to the same share of the
 * whole. `settle` puts the bar back to where the view is, once nothing moves.
 */
export const LIMIT = 8_000_000;

export class LongScroll {
  /** Pixels of the whole above the view. */
  top = 0;
  /** The same, as the element has it. */
  private seen = 0;
  private whole = 0;
  private view = 0;

  constructor(private readonly limit = LIMIT) {}

  /** Pixels that the element is high. */
  get height(): number {
    return Math.min(this.whole, this.limit);
  }

  /** Say how high everything and the view are. What became shorter is scrolled no further than to its end. */
  resize(whole: number, view: number): void {
    this.whole = whole;
    this.view = view;
    this.top = this.within(this.top);
    this.seen = Math.min(this.seen, Math.max(0, this.height - view));
  }

  /** The element was scrolled to `position`. */
  scrolled(position: number): void {
    const distance = position - this.seen;
    this.seen = position;
    const end = this.height - this.view;
    if (this.whole <= this.limit) this.top = position;
    else if (position <= 0 && this.top < 20 * this.view) this.top = 0;
    else if (position >= end - 1 && this.last - this.top < 20 * this.view) this.top = this.last;
    else if (Math.abs(distance) < 3 * this.view) this.top = this.within(this.top + distance);
    else this.top = this.within((position / end) * this.last);
  }

  /** Show what is `top` pixels below the start of the whole; returns where the element has to be scrolled to. */
  show(top: number): number {
    this.top = this.within(top);
    return this.settle();
  }

  /** Where the element has to be scrolled to, to stand for what is shown. Nothing moves by it. */
  settle(): number {
    const share = this.last === 0 ? 0 : this.top / this.last;
    this.seen = this.whole <= this.limit ? this.top : Math.round(share * (this.height - this.view));
    return this.seen;
  }

  /** Where a row that begins `start` pixels below the start of the whole lies in the element. */
  place(start: number): number {
    return this.seen + start - this.top;
  }

  private get last(): number {
    return Math.max(0, this.whole - this.view);
  }

  private within(top: number): number {
    return Math.max(0, Math.min(top, this.last));
  }
}
