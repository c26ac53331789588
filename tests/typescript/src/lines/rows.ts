// Lines as record batches.
import { type DataType, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";

import { Failure } from "../protocol/failure.js";
import { column, Misfit } from "./columns.js";
import type { Line, LinesFile } from "./files.js";

const TARGET_BYTES = 512 * 1024; // of lines in a batch: small enough that health is answered in between

/** Lines in portions that make a batch each. */
export async function* portions(
  file: LinesFile,
  from: number,
  to: number,
  rows: number,
): AsyncGenerator<readonly Line[]> {
  let portion: Line[] = [];
  let bytes = 0;
  for await (const lines of file.lines(from, to)) {
    for (const line of lines) {
      portion.push(line);
      bytes += line.text.length;
      if (portion.length < rows && bytes < TARGET_BYTES) continue;
      yield portion;
      [portion, bytes] = [[], 0];
    }
  }
  if (portion.length > 0) yield portion;
}

/** The columns of some lines; `picked` are their places in a row. Fails as a bad record, naming file and column. */
export function recordsOf(
  schema: Schema,
  picked: readonly number[],
  lines: readonly Line[],
  path: string,
): RecordBatch {
  const rows = lines.map(({ text, end }) => {
    try {
      const cells: unknown = JSON.parse(text);
      if (Array.isArray(cells)) return cells as unknown[];
    } catch {
      // said below
    }
    throw new Failure("badRecord", `${path} has a line that is no row, before byte ${end}`, { reason: "BAD_LINE" });
  });
  const children = schema.fields.map((field, index) => {
    try {
      return column(
        field.type as DataType,
        rows.map((cells) => cells[picked[index]!]),
      );
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      const problem = `${path}, before byte ${lines[error.row]!.end}, column ${field.name}: ${error.message}`;
      throw new Failure("badRecord", problem, { reason: "BAD_CELL" });
    }
  });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows.length, children }));
}
