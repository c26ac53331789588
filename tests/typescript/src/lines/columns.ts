// JSON values as Arrow columns: the way back from what `cells` writes.
import { DataType, type Data, type Decimal, type FixedSizeList, makeData, type Struct } from "apache-arrow";

/** A value that does not fit its column; says what is expected, and in which row. */
export class Misfit extends Error {
  readonly row: number;

  constructor(row: number, expected: string, value: unknown) {
    super(`${JSON.stringify(value)?.slice(0, 80)} is no ${expected}`);
    this.row = row;
  }
}

/** Build a column. Throws Misfit. */
export function column(type: DataType, cells: readonly unknown[]): Data {
  const [nullBitmap, nullCount] = validity(cells);
  const common = { type, length: cells.length, nullCount, nullBitmap };
  if (DataType.isNull(type)) return makeData({ type, length: cells.length });
  if (DataType.isBool(type)) return makeData({ ...common, type, data: bits(cells) });
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    const { data, valueOffsets } = spans(cells, "text", textBytes);
    return makeData({ ...common, valueOffsets: sized(type, valueOffsets), data } as never);
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    const { data, valueOffsets } = spans(cells, "base64", base64);
    return makeData({ ...common, valueOffsets: sized(type, valueOffsets), data } as never);
  }
  if (DataType.isFixedSizeBinary(type)) {
    const nothing = Buffer.alloc(type.byteWidth).toString("base64");
    const { data, valueOffsets } = spans(
      cells.map((cell) => cell ?? nothing),
      "base64",
      base64,
    );
    for (let row = 0; row < cells.length; row++) {
      if (valueOffsets[row + 1]! - valueOffsets[row]! !== type.byteWidth) {
        throw new Misfit(row, `base64 of ${type.byteWidth} bytes`, cells[row]);
      }
    }
    return makeData({ ...common, type, data });
  }
  if (DataType.isDecimal(type)) return makeData({ ...common, type, data: decimals(type, cells) });
  if (DataType.isStruct(type)) return makeData({ ...common, type, children: fields(type, cells, members) });
  if (DataType.isFixedSizeList(type)) {
    const size = (type as FixedSizeList).listSize;
    const items = cells.flatMap((cell, row) => (cell == null ? Array<null>(size).fill(null) : array(row, cell, size)));
    return makeData({ ...common, type, child: column(type.children[0]!.type, items) } as never);
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const items = cells.flatMap((cell, row) => (cell == null ? [] : array(row, cell)));
    const offsets = running(cells.map((cell) => (cell == null ? 0 : (cell as unknown[]).length)));
    const itemType = type.children[0]!.type;
    const child = DataType.isMap(type)
      ? makeData({
          type: itemType as Struct,
          length: items.length,
          nullCount: 0,
          children: fields(itemType as Struct, items, (row, pair) => array(row, pair, 2)),
        })
      : column(itemType, items);
    return makeData({ ...common, valueOffsets: sized(type, offsets), child } as never);
  }
  if (DataType.isInterval(type)) return makeData({ ...common, type, data: intervals(cells) });
  return makeData({ ...common, data: numbers(type, cells) } as never);
}

function validity(cells: readonly unknown[]): [Uint8Array | undefined, number] {
  const bitmap = new Uint8Array((cells.length + 7) >> 3);
  let nulls = 0;
  for (let row = 0; row < cells.length; row++) {
    if (cells[row] == null) nulls += 1;
    else bitmap[row >> 3]! |= 1 << (row & 7);
  }
  return [nulls === 0 ? undefined : bitmap, nulls];
}

/** Months, days and nanoseconds, in 4, 4 and 8 bytes. */
function intervals(cells: readonly unknown[]): Int32Array {
  const words = new Int32Array(4 * cells.length);
  for (let row = 0; row < cells.length; row++) {
    if (cells[row] == null) continue;
    const [months, days, nanoseconds] = array(row, cells[row], 3);
    const fine = wholeNumber(row, nanoseconds);
    words.set([Number(months), Number(days), Number(fine & 0xffffffffn), Number(fine >> 32n)], 4 * row);
  }
  return words;
}

function bits(cells: readonly unknown[]): Uint8Array {
  const bitmap = new Uint8Array((cells.length + 7) >> 3);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell != null && typeof cell !== "boolean") throw new Misfit(row, "boolean", cell);
    if (cell) bitmap[row >> 3]! |= 1 << (row & 7);
  }
  return bitmap;
}

function numbers(type: DataType, cells: readonly unknown[]): Int32Array | BigInt64Array {
  const values = new type.ArrayType(cells.length);
  const exact = values instanceof BigInt64Array || values instanceof BigUint64Array;
  const float = DataType.isFloat(type);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell == null) continue;
    if (exact) {
      values[row] = wholeNumber(row, cell);
      if (values[row] !== BigInt(cell as string)) throw new Misfit(row, String(type), cell);
    } else if (float) {
      const value = typeof cell === "string" && /^(NaN|-?Infinity)$/.test(cell) ? Number(cell) : cell;
      if (typeof value !== "number") throw new Misfit(row, String(type), cell);
      values[row] = type.precision === 0 ? halfBits(value) : value;
    } else {
      values[row] = cell;
      if (values[row] !== cell) throw new Misfit(row, String(type), cell);
    }
  }
  return values;
}

function wholeNumber(row: number, cell: unknown): bigint {
  if (typeof cell === "string" && /^-?\d+$/.test(cell)) return BigInt(cell);
  if (typeof cell === "number" && Number.isSafeInteger(cell)) return BigInt(cell);
  throw new Misfit(row, "whole number (write it as a text when it is large)", cell);
}

function decimals(type: Decimal, cells: readonly unknown[]): Uint32Array {
  const words = type.bitWidth / 32;
  const values = new Uint32Array(cells.length * words);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells[row];
    if (cell == null) continue;
    const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(cell)) ?? [];
    const digits = `${whole}${fraction.padEnd(type.scale, "0")}`;
    if (whole === undefined || fraction.length > type.scale || digits.replace(/^0+/, "").length > type.precision) {
      throw new Misfit(row, `decimal of ${type.precision} digits, ${type.scale} of them behind the point`, cell);
    }
    let value = BigInt.asUintN(type.bitWidth, sign ? -BigInt(digits) : BigInt(digits));
    for (let word = 0; word < words; word++, value >>= 32n) values[row * words + word] = Number(value & 0xffffffffn);
  }
  return values;
}

function spans(
  cells: readonly unknown[],
  expected: string,
  bytesOf: (cell: string) => Buffer | undefined,
): { data: Uint8Array; valueOffsets: Int32Array } {
  const parts = cells.map((cell, row) => {
    const bytes = cell == null ? Buffer.alloc(0) : typeof cell === "string" ? bytesOf(cell) : undefined;
    if (bytes === undefined) throw new Misfit(row, expected, cell);
    return bytes;
  });
  return { data: Buffer.concat(parts), valueOffsets: running(parts.map((part) => part.length)) };
}

/** Offsets as wide as the type wants them. */
function sized(type: DataType, offsets: Int32Array): Int32Array | BigInt64Array {
  const large = DataType.isLargeUtf8(type) || DataType.isLargeBinary(type) || DataType.isLargeList(type);
  return large ? BigInt64Array.from(offsets, BigInt) : offsets;
}

function textBytes(cell: string): Buffer {
  return Buffer.from(cell);
}

function base64(cell: string): Buffer | undefined {
  const bytes = Buffer.from(cell, "base64");
  return bytes.toString("base64") === cell ? bytes : undefined;
}

/** Offsets of parts of these lengths, one after the other. */
function running(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [index, length] of lengths.entries()) offsets[index + 1] = offsets[index]! + length;
  return offsets;
}

function fields(
  type: Struct,
  cells: readonly unknown[],
  membersOf: (row: number, cell: unknown, type: Struct) => readonly unknown[],
): Data[] {
  const rows = cells.map((cell, row) => (cell == null ? [] : membersOf(row, cell, type)));
  return type.children.map((field, index) =>
    column(
      field.type,
      rows.map((members) => members[index]),
    ),
  );
}

function members(row: number, cell: unknown, type: Struct): readonly unknown[] {
  if (typeof cell !== "object" || Array.isArray(cell)) throw new Misfit(row, "object", cell);
  return type.children.map((field) => (cell as Record<string, unknown>)[field.name]);
}

function array(row: number, cell: unknown, length?: number): readonly unknown[] {
  if (!Array.isArray(cell) || (length !== undefined && cell.length !== length)) {
    throw new Misfit(row, length === undefined ? "array" : `array of ${length}`, cell);
  }
  return cell;
}

function halfBits(value: number): number {
  const single = new Float32Array([value]);
  const bits = new Uint32Array(single.buffer)[0]!;
  const [sign, exponent, fraction] = [(bits >>> 16) & 0x8000, ((bits >>> 23) & 0xff) - 112, bits & 0x7fffff];
  if (Number.isNaN(value)) return 0x7e00;
  if (exponent >= 0x1f) return sign | 0x7c00;
  if (exponent <= 0) return exponent < -10 ? sign : sign | ((fraction | 0x800000) >> (14 - exponent));
  return sign | (exponent << 10) | (fraction >> 13);
}
