// What both sides agree on in the handshake: version and limits.
import { create } from "@bufbuild/protobuf";

import {
  type HandshakeRequest,
  type HandshakeResponse,
  HandshakeResponseSchema,
  type Limits,
  LimitsSchema,
} from "../../gen/towpath/connector/v1/connector_pb.js";
import { Failure } from "./failure.js";

const MAJOR = 1;
const MINOR = 0;
const MIB = 2 ** 20;

/** What this process can bear, in bytes. */
export const OWN_LIMITS = create(LimitsSchema, {
  maxMessageBytes: BigInt(64 * MIB),
  maxBatchBytes: BigInt(32 * MIB),
  maxStateBytes: BigInt(MIB),
});

/** Answer a handshake; the same for the same request. */
export function agree(request: HandshakeRequest, instanceId: string): HandshakeResponse {
  const common = request.supportedVersions.find((version) => version.major === MAJOR);
  if (common === undefined) {
    throw new Failure("unspoken", `this connector speaks version ${MAJOR}.${MINOR} of the protocol`, {
      reason: "NO_COMMON_VERSION",
    });
  }
  return create(HandshakeResponseSchema, {
    selectedVersion: { major: MAJOR, minor: Math.min(MINOR, common.minor) },
    features: [], // none is known to this connector
    limits: smallest(OWN_LIMITS, request.limits ?? create(LimitsSchema)),
    instanceId,
  });
}

/** The smaller of both, limit by limit. */
export function smallest(ours: Limits, theirs: Limits): Limits {
  return create(LimitsSchema, {
    maxMessageBytes: smaller(ours.maxMessageBytes, theirs.maxMessageBytes),
    maxBatchBytes: smaller(ours.maxBatchBytes, theirs.maxBatchBytes),
    maxStateBytes: smaller(ours.maxStateBytes, theirs.maxStateBytes),
  });
}

/** The bytes that a batch may have, so that its message keeps to the limits too. */
export function batchBytes(limits: Limits): number {
  const header = 64; // fields of Batch and of the message around it
  return Math.max(1, Math.min(Number(limits.maxBatchBytes), Number(limits.maxMessageBytes) - header));
}

function smaller(ours: bigint, theirs: bigint): bigint {
  return theirs === 0n || theirs > ours ? ours : theirs; // zero: no limit of one's own
}
