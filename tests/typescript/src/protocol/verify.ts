// Verifies that what a record batch says of its buffers is true: Arrow for JavaScript reads beyond them without a word.
import { isUtf8 } from "node:buffer";

import { type Data, DataType, type FixedSizeBinary, type FixedSizeList, IntervalUnit } from "apache-arrow";

import { Failure } from "./failure.js";

/** Verify one column of `length` rows, and what is in it. Fails as damaged, naming the column. */
export function verify(data: Data, column: string, length: number): void {
  const wrong = (problem: string): Failure => new Failure("damaged", `column ${column} is damaged: ${problem}`);
  const type: DataType = data.type;
  if (data.length !== length) throw wrong(`it has ${data.length} values instead of ${length}`);
  if (data.nullCount > 0 && data.nullBitmap.length * 8 < length) throw wrong("its validity bitmap is too short");
  if (DataType.isNull(type)) return;
  if (DataType.isDictionary(type)) {
    const dictionary = data.dictionary;
    if (dictionary === undefined) throw wrong("its dictionary never came");
    for (const chunk of dictionary.data) verify(chunk, column, chunk.length);
    requireValues(data, length, wrong);
    for (let row = 0; row < length; row++) {
      const index = Number(data.values[row]);
      if (data.getValid(row) && (index < 0 || index >= dictionary.length)) throw wrong(`there is no entry ${index}`);
    }
  } else if (hasOffsets(type)) {
    const end = verifyOffsets(data, length, wrong);
    if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
      const [child] = data.children;
      if (child === undefined || end > child.length) throw wrong("its offsets lie beyond its items");
      verify(child, column, child.length);
    } else if (end > data.values.length) {
      throw wrong("its offsets lie beyond its bytes");
    } else if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
      verifyText(data, length, wrong);
    }
  } else if (DataType.isFixedSizeList(type)) {
    verifyChild(data, column, length * (type as FixedSizeList).listSize, wrong);
  } else if (DataType.isStruct(type)) {
    for (const child of data.children) verify(child, column, length);
  } else if (DataType.isBool(type)) {
    if (data.values.length * 8 < length) throw wrong("its values are too short");
  } else {
    requireValues(data, length * width(type), wrong);
  }
}

type Wrong = (problem: string) => Failure;

function hasOffsets(type: DataType): boolean {
  return (
    DataType.isUtf8(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isList(type) ||
    DataType.isLargeList(type) ||
    DataType.isMap(type)
  );
}

/** How many elements of the typed array make one value. */
function width(type: DataType): number {
  if (DataType.isFixedSizeBinary(type)) return (type as FixedSizeBinary).byteWidth;
  if (DataType.isInterval(type)) return type.unit === IntervalUnit.MONTH_DAY_NANO ? 4 : type.unit + 1;
  return DataType.isDecimal(type) ? type.bitWidth / 32 : 1;
}

function requireValues(data: Data, elements: number, wrong: Wrong): void {
  if ((data.values?.length ?? 0) < elements) throw wrong("its values are too short");
}

function verifyChild(data: Data, column: string, length: number, wrong: Wrong): void {
  const [child] = data.children;
  if (child === undefined || child.length < length) throw wrong("it has too few items");
  verify(child, column, child.length);
}

function verifyOffsets(data: Data, length: number, wrong: Wrong): number {
  const offsets: ArrayLike<number | bigint> = data.valueOffsets;
  if (length === 0) return 0;
  if (offsets.length < length + 1) throw wrong("its offsets are too short");
  if (offsets[0]! < 0) throw wrong("an offset is negative");
  for (let row = 0; row < length; row++) {
    if (offsets[row + 1]! < offsets[row]!) throw wrong(`the offsets of row ${row} run backwards`);
  }
  return Number(offsets[length]!);
}

function verifyText(data: Data, length: number, wrong: Wrong): void {
  const bytes: Uint8Array = data.values;
  const first = Number(data.valueOffsets[0] ?? 0);
  if (!isUtf8(bytes.subarray(first, Number(data.valueOffsets[length] ?? 0)))) throw wrong("its text is no UTF-8");
  for (let row = 0; row < length; row++) {
    const [start, end] = [Number(data.valueOffsets[row]), Number(data.valueOffsets[row + 1])];
    if (start < end && (bytes[start]! & 0xc0) === 0x80) throw wrong(`the text of row ${row} begins within a character`);
  }
}
