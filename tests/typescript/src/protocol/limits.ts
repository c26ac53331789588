// What both sides agree on in the handshake: version and limits.
import { create } from "@bufbuild/protobuf";

import {
  type HandshakeRequest, type HandshakeResponse, HandshakeResponseSchema, type Limits, LimitsSchema,
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
  const theirs = request.limits;
  return create(HandshakeResponseSchema, {
    selectedVersion: { major: MAJOR, minor: Math.min(MINOR, common.minor) },
    features: [], // none is known to this connector
    limits: {
      maxMessageBytes: smaller(OWN_LIMITS.maxMessageBytes, theirs?.maxMessageBytes),
      maxBatchBytes: smaller(OWN_LIMITS.maxBatchBytes, theirs?.maxBatchBytes),
      maxStateBytes: smaller(OWN_LIMITS.maxStateBytes, theirs?.maxStateBytes),
    },
    instanceId,
  });
}

/** The bytes that a batch may have, so that its message keeps to the limits too. */
export function batchBytes(limits: Limits): number {
  const header = 64; // fields of Batch and of the message around it
  return Math.max(1, Math.min(Number(limits.maxBatchBytes), Number(limits.maxMessageBytes) - header));
}

function smaller(own: bigint, theirs: bigint | undefined): bigint {
  return theirs === undefined || theirs === 0n || theirs > own ? own : theirs;
}
