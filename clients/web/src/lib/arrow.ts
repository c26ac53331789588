/** Columns of an Arrow schema. Loaded only where columns are shown: the library is large. */
import { RecordBatchReader } from "apache-arrow/ipc/reader";

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Read the schema in one encapsulated IPC message. */
export function columnsOf(ipcSchema: Uint8Array): Column[] {
  const reader = RecordBatchReader.from(ipcSchema).open();
  return reader.schema.fields.map(({ name, type, nullable }) => ({
    name,
    type: `${String(type)}${nullable ? "" : " not null"}`,
  }));
}
