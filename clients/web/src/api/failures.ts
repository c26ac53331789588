/** What went wrong, as every page shows it: whose problem, what next, which fields. */
import { Code, ConnectError } from "@connectrpc/connect";
import { FailureInfoSchema, FailureInfo_Owner } from "../gen/towpath/connector/v1/types_pb";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";

export interface Problem {
  /** Stable upper-case word, such as JOB_ACTIVE; empty when the server gave none. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  readonly owner: FailureInfo_Owner;
  readonly code: Code;
  /** Path of a configuration's field to what is wrong with it. */
  readonly fields: ReadonlyMap<string, string>;
  /** The same call may succeed a moment later. */
  readonly temporary: boolean;
}

const TEMPORARY = new Set([
  Code.Unavailable,
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.ResourceExhausted,
]);

/** Read any thrown value as a problem. */
export function problemOf(thrown: unknown): Problem {
  const error = ConnectError.from(thrown);
  const info = error.findDetails(FailureInfoSchema)[0];
  const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  return {
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? "",
    message: info?.userMessage || error.rawMessage,
    owner: info?.owner ?? FailureInfo_Owner.UNSPECIFIED,
    code: error.code,
    fields: new Map(violations.map(({ field, description }) => [field, description])),
    temporary: TEMPORARY.has(error.code),
  };
}

/** Whether the call was ended by this page itself. */
export const isOwnAbort = (thrown: unknown): boolean => ConnectError.from(thrown).code === Code.Canceled;
