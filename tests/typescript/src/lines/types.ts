// Types of columns as a header writes them, and as Arrow has them.
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  DateMillisecond,
  Decimal,
  type Dictionary,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  IntervalMonthDayNano,
  LargeBinary,
  LargeList,
  LargeUtf8,
  List,
  Map_,
  Null,
  Schema,
  Struct,
  Time,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from "apache-arrow";

import { Failure } from "../protocol/failure.js";

/** A type in a header: a name such as "int64" or "timestamp[us, UTC]", or an object for what is made of others. */
export type TypeName =
  | string
  | { readonly list: TypeName }
  | { readonly large_list: TypeName }
  | { readonly list_of: TypeName; readonly size: number }
  | { readonly struct: readonly ColumnName[] }
  | { readonly map: readonly [TypeName, TypeName] };

/** A column in a header. */
export interface ColumnName {
  readonly name: string;
  readonly type: TypeName;
}

const PLAIN: Readonly<Record<string, () => DataType>> = {
  null: () => new Null(),
  bool: () => new Bool(),
  int8: () => new Int8(),
  int16: () => new Int16(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  uint8: () => new Uint8(),
  uint16: () => new Uint16(),
  uint32: () => new Uint32(),
  uint64: () => new Uint64(),
  float16: () => new Float16(),
  float32: () => new Float32(),
  float64: () => new Float64(),
  text: () => new Utf8(),
  large_text: () => new LargeUtf8(),
  binary: () => new Binary(),
  large_binary: () => new LargeBinary(),
  interval: () => new IntervalMonthDayNano(),
  "date[day]": () => new DateDay(),
  "date[ms]": () => new DateMillisecond(),
};
const PLAIN_BY_ARROW = new Map(Object.entries(PLAIN).map(([name, make]) => [String(make()), name]));
const UNITS = ["s", "ms", "us", "ns"] as const;

/** The Arrow type of a type in a header. Fails as misconfigured for one that there is not. */
export function arrowType(name: TypeName): DataType {
  if (typeof name !== "string") return nested(name);
  const plain = PLAIN[name];
  if (plain !== undefined) return plain();
  const [, kind, given] = /^(\w+)\[(.*)\]$/.exec(name) ?? [];
  const [first = "", second] = given?.split(", ") ?? [];
  const unit = UNITS.indexOf(first as (typeof UNITS)[number]);
  if (kind === "binary") return new FixedSizeBinary(Number(first));
  if (kind === "decimal") return new Decimal(Number(second), Number(first), Number(first) > 38 ? 256 : 128);
  if (kind === "time" && unit >= 0) return new Time(unit, unit <= TimeUnit.MILLISECOND ? 32 : 64);
  if (kind === "timestamp" && unit >= 0) return new Timestamp(unit, second);
  if (kind === "duration" && unit >= 0) return new Duration(unit);
  throw new Failure("misconfigured", `there is no type ${JSON.stringify(name)}`, { reason: "BAD_HEADER" });
}

/** How a header writes an Arrow type; undefined for one that no header can hold. */
export function typeName(type: DataType): TypeName | undefined {
  if (DataType.isDictionary(type)) return typeName((type as Dictionary).dictionary);
  const plain = PLAIN_BY_ARROW.get(String(type));
  if (plain !== undefined) return plain;
  if (DataType.isFixedSizeBinary(type)) return `binary[${type.byteWidth}]`;
  if (DataType.isDecimal(type)) return `decimal[${type.precision}, ${type.scale}]`;
  if (DataType.isTime(type)) return `time[${UNITS[type.unit]}]`;
  if (DataType.isTimestamp(type)) {
    const { timezone, unit } = type as Timestamp;
    return timezone ? `timestamp[${UNITS[unit]}, ${timezone}]` : `timestamp[${UNITS[unit]}]`;
  }
  if (DataType.isDuration(type)) return `duration[${UNITS[type.unit]}]`;
  return nestedName(type);
}

/** The Arrow schema of some columns. */
export function schemaOf(columns: readonly ColumnName[]): Schema {
  return new Schema(columns.map(({ name, type }) => new Field(name, arrowType(type), true)));
}

function nested(name: Exclude<TypeName, string>): DataType {
  if ("list" in name) return new List(new Field("item", arrowType(name.list), true));
  if ("large_list" in name) return new LargeList(new Field("item", arrowType(name.large_list), true));
  if ("list_of" in name) return new FixedSizeList(name.size, new Field("item", arrowType(name.list_of), true));
  if ("struct" in name) return new Struct(schemaOf(name.struct).fields);
  const [key, value] = name.map;
  const fields = [new Field("key", arrowType(key), false), new Field("value", arrowType(value), true)];
  return new Map_(new Field("entries", new Struct(fields), false) as never);
}

function nestedName(type: DataType): TypeName | undefined {
  const names = type.children?.map((child) => typeName(child.type)) ?? [];
  const [first] = names;
  if (first === undefined || names.includes(undefined)) return undefined;
  if (DataType.isList(type)) return { list: first };
  if (DataType.isLargeList(type)) return { large_list: first };
  if (DataType.isFixedSizeList(type)) return { list_of: first, size: type.listSize };
  if (DataType.isStruct(type)) {
    return { struct: type.children.map((child, index) => ({ name: child.name, type: names[index]! })) };
  }
  if (!DataType.isMap(type)) return undefined;
  const [key, value] = (type.children[0]!.type as Struct).children;
  return { map: [typeName(key!.type)!, typeName(value!.type)!] };
}
