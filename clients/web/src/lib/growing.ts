/** Lists of whole numbers that grow to millions: a few bytes each, nothing for the garbage collector to look through. */

type Kind = Float64ArrayConstructor | Uint32ArrayConstructor | Uint8ArrayConstructor;

/** Numbers in the order in which they were added; how large they may be is the kind's to say. */
export class Growing {
  private values: Float64Array | Uint32Array | Uint8Array;
  length = 0;

  constructor(private readonly kind: Kind) {
    this.values = new kind(1024);
  }

  add(value: number): void {
    if (this.length === this.values.length) {
      const larger = new this.kind(2 * this.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  /** The number at an index from 0 on; NaN outside. */
  at(index: number): number {
    return index < this.length ? (this.values[index] ?? NaN) : NaN;
  }

  /** Index of the first number that is at least `value`, in a list in ascending order; its length when there is none. */
  firstFrom(value: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Each different text once, under a number: for what repeats on every line. */
export class Texts {
  readonly all: string[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.all.length);
    return this.all.push(text) - 1;
  }

  at(number: number): string {
    return this.all[number] ?? "";
  }
}
