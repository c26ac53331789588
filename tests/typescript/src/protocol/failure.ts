// Failures: whose problem it is, whether a retry helps, what to do next; and how that travels.
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { FailureInfo_Owner, FailureInfoSchema } from "../../gen/towpath/connector/v1/types_pb.js";

const DOMAIN = "towpath";
const LONGEST_MESSAGE = 1000; // bytes; it travels up to three times, and a whole status stays below 4 KiB
const MOST_FIELDS = 8;
const LONGEST_FIELD = 160; // bytes, for a path and its problem each

const KINDS = {
  misconfigured: ["Misconfigured", status.INVALID_ARGUMENT, FailureInfo_Owner.USER],
  denied: ["Denied", status.PERMISSION_DENIED, FailureInfo_Owner.USER],
  notFound: ["NotFound", status.NOT_FOUND, FailureInfo_Owner.USER],
  unavailable: ["Unavailable", status.UNAVAILABLE, FailureInfo_Owner.REMOTE],
  positionLost: ["PositionLost", status.FAILED_PRECONDITION, FailureInfo_Owner.USER],
  badRecord: ["BadRecord", status.DATA_LOSS, FailureInfo_Owner.USER],
  damaged: ["BadRecord", status.DATA_LOSS, FailureInfo_Owner.PLATFORM],
  fenced: ["Fenced", status.ABORTED, FailureInfo_Owner.PLATFORM],
  cancelled: ["Cancelled", status.CANCELLED, FailureInfo_Owner.PLATFORM],
  unspoken: ["Conflict", status.FAILED_PRECONDITION, FailureInfo_Owner.PLATFORM],
  violation: ["Misconfigured", status.INVALID_ARGUMENT, FailureInfo_Owner.PLATFORM],
  bug: ["Bug", status.INTERNAL, FailureInfo_Owner.CONNECTOR],
} as const;

/** What kind of failure it is: decides its name on the wire, the gRPC code, and who has to act. */
export type Kind = keyof typeof KINDS;

/** What else a failure may say. */
export interface Particulars {
  /** A stable word for programs; by default made of the kind. */
  readonly reason?: string;
  /** Fields of the configuration that are at fault, each with what is wrong with it. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
}

/** A failure with a message for the person who has to act. */
export class Failure extends Error {
  readonly kind: Kind;
  readonly particulars: Particulars;

  constructor(kind: Kind, message: string, particulars: Particulars = {}) {
    super(message);
    this.kind = kind;
    this.particulars = particulars;
  }
}

/** The caller did what the protocol does not allow. */
export function violation(problem: string): Failure {
  return new Failure("violation", problem, { reason: "PROTOCOL_VIOLATION" });
}

/** What went wrong, whatever was thrown: an unknown error is a defect of this connector. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  console.error(error);
  return new Failure("bug", error instanceof Error ? error.message : String(error));
}

/** The status of a failure, as it travels in StreamStatus, CheckResult and RejectedRows. */
export function statusOf(failure: Failure): Status {
  const [kind, code, owner] = KINDS[failure.kind];
  const message = shortened(failure.message, LONGEST_MESSAGE);
  const reason = failure.particulars.reason ?? failure.kind.replace(/[A-Z]/g, "_$&").toUpperCase();
  const needsReset = failure.kind === "positionLost";
  const details = [
    anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata: { kind } })),
    anyPack(FailureInfoSchema, create(FailureInfoSchema, { owner, userMessage: message, needsReset })),
  ];
  const fields = Object.entries(failure.particulars.fields ?? {}).slice(0, MOST_FIELDS);
  if (fields.length > 0) {
    const fieldViolations = fields.map(([field, description]) => ({
      field: shortened(field, LONGEST_FIELD),
      description: shortened(description, LONGEST_FIELD),
    }));
    details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  }
  if (failure.kind === "unavailable") {
    const retryDelay = { seconds: BigInt(failure.particulars.retryAfterSeconds ?? 1) };
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return create(StatusSchema, { code, message, details });
}

/** The error with which a gRPC call ends. */
export function errorOf(error: unknown): ServiceError {
  const { code, message, details } = statusOf(failureOf(error));
  const metadata = new Metadata();
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** Cut a text to at most so many bytes of UTF-8, between two characters. */
function shortened(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return bytes.toString();
  let end = most - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}…`;
}
