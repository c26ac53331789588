// Values of Arrow columns as JSON. Whole numbers of 64 bits, moments and decimals are exact: they are texts or integers.
import { DataType, type Data, type Dictionary, type FixedSizeList } from "apache-arrow";

/** A value that cannot be stored; says why. */
export class Unstorable extends Error {}

/** Returns the JSON of the value in one row. Throws Unstorable. */
export type CellWriter = (row: number) => string;

/** How the values of a column are written. */
export function cellWriter(data: Data): CellWriter {
  const write = valueWriter(data);
  if (data.nullCount === 0) return write;
  return (row) => (data.getValid(row) ? write(row) : "null");
}

function valueWriter(data: Data): CellWriter {
  const { type, values, valueOffsets } = data as Data & { values: ArrayLike<never>; valueOffsets: ArrayLike<never> };
  if (DataType.isNull(type)) return () => "null";
  if (DataType.isDictionary(type)) return dictionaryWriter(data as Data<Dictionary>);
  if (DataType.isBool(type)) return (row) => (((values[row >> 3] as number) >> (row & 7)) & 1 ? "true" : "false");
  if (DataType.isFloat(type)) return floatWriter(data, type.precision === 0);
  if (DataType.isDecimal(type)) {
    const words = type.bitWidth / 32;
    return (row) => `"${decimalText(data.values.subarray(row * words, (row + 1) * words), type.scale)}"`;
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    const bytes = asBuffer(data.values);
    return (row) => {
      const [from, to] = [Number(valueOffsets[row]), Number(valueOffsets[row + 1])];
      // Lines are for tools of the command line, to which a NUL is the end of a text.
      if (bytes.subarray(from, to).includes(0)) throw new Unstorable("a text holds the character NUL");
      return JSON.stringify(bytes.toString("utf8", from, to));
    };
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) {
    const bytes = asBuffer(data.values);
    return (row) => `"${bytes.toString("base64", Number(valueOffsets[row]), Number(valueOffsets[row + 1]))}"`;
  }
  if (DataType.isFixedSizeBinary(type)) {
    const [bytes, width] = [asBuffer(data.values), type.byteWidth];
    return (row) => `"${bytes.toString("base64", row * width, (row + 1) * width)}"`;
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const item = DataType.isMap(type) ? pairWriter(data.children[0]!) : cellWriter(data.children[0]!);
    return (row) => arrayText(item, Number(valueOffsets[row]), Number(valueOffsets[row + 1]));
  }
  if (DataType.isFixedSizeList(type)) {
    const [item, size] = [cellWriter(data.children[0]!), (type as FixedSizeList).listSize];
    return (row) => arrayText(item, row * size, (row + 1) * size);
  }
  if (DataType.isStruct(type)) return structWriter(data);
  if (DataType.isInterval(type)) {
    const words: Int32Array = data.values;
    const nanoseconds = (row: number): bigint =>
      (BigInt(words[4 * row + 3]!) << 32n) | BigInt(words[4 * row + 2]! >>> 0);
    return (row) => `[${words[4 * row]},${words[4 * row + 1]},"${nanoseconds(row)}"]`;
  }
  return values instanceof BigInt64Array || values instanceof BigUint64Array
    ? (row) => `"${values[row]}"`
    : (row) => `${values[row]}`;
}

function floatWriter(data: Data, half: boolean): CellWriter {
  return (row) => {
    const value: number = half ? halfFloat(data.values[row]) : data.values[row];
    if (!Number.isFinite(value)) return `"${value}"`; // JSON has no such number
    return Object.is(value, -0) ? "-0.0" : String(value);
  };
}

function dictionaryWriter(data: Data<Dictionary>): CellWriter {
  const chunks = data.dictionary!.data.map((chunk) => ({ length: chunk.length, write: cellWriter(chunk) }));
  return (row) => {
    let index = Number(data.values[row]);
    for (const { length, write } of chunks) {
      if (index < length) return write(index);
      index -= length;
    }
    throw new Unstorable("its dictionary has no such entry");
  };
}

function structWriter(data: Data): CellWriter {
  const fields = data.children.map((child, index) => {
    return { key: JSON.stringify(data.type.children[index]!.name), write: cellWriter(child) };
  });
  return (row) => `{${fields.map(({ key, write }) => `${key}:${write(row)}`).join(",")}}`;
}

function pairWriter(entries: Data): CellWriter {
  const [key, value] = entries.children.map(cellWriter);
  return (row) => `[${key!(row)},${value!(row)}]`;
}

function arrayText(item: CellWriter, from: number, to: number): string {
  const items: string[] = [];
  for (let row = from; row < to; row++) items.push(item(row));
  return `[${items.join(",")}]`;
}

/** A decimal from its words, the lowest first, in two's complement. */
function decimalText(words: Uint32Array, scale: number): string {
  let value = 0n;
  for (let index = words.length - 1; index >= 0; index--) value = (value << 32n) | BigInt(words[index]!);
  value = BigInt.asIntN(words.length * 32, value);
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function halfFloat(bits: number): number {
  const [exponent, fraction, sign] = [(bits >> 10) & 0x1f, bits & 0x3ff, bits & 0x8000 ? -1 : 1];
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
