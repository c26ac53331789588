"""Connectors that break a rule of the handshake or of who may call."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from towpath.connector.v1.connector_pb2 import HandshakeRequest, HandshakeResponse, SpecResponse

from conformance_mutants.messages import answers
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Ending, Relayed

_OWN_STATE_BYTES = 16 << 20


def _not_serving(_: HealthCheckRequest, said: HealthCheckResponse) -> HealthCheckResponse:
    said.status = HealthCheckResponse.NOT_SERVING
    return said


def _minor_of_the_caller(asked: HandshakeRequest, said: HandshakeResponse) -> HandshakeResponse:
    said.selected_version.minor = max(offered.minor for offered in asked.supported_versions)
    return said


def _own_features_too(_: HandshakeRequest, said: HandshakeResponse) -> HandshakeResponse:
    said.features.append("compression")
    return said


def _own_state_limit(_: HandshakeRequest, said: HandshakeResponse) -> HandshakeResponse:
    said.limits.max_state_bytes = _OWN_STATE_BYTES
    return said


def _new_instance_each_time(_: HandshakeRequest, said: HandshakeResponse) -> HandshakeResponse:
    said.instance_id = secrets.token_hex(8)
    return said


class _Ended(Relayed):
    """Ends with another status when it ends with `code`."""

    def __init__(self, code: grpc.StatusCode, instead: Ending, before: Iterable[bytes] = ()) -> None:
        self._code, self._instead, self._before = code, instead, before

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        return (self._before, self._instead) if ending[0] is self._code else ((), ending)


def _no_common_version(called: str) -> Relayed:
    if called != "Handshake":
        return Relayed()
    return _Ended(grpc.StatusCode.FAILED_PRECONDITION, (grpc.StatusCode.UNIMPLEMENTED, "no common version", ()))


def _spec_for_everybody(called: str) -> Relayed:
    if called != "Spec":
        return Relayed()
    spec = SpecResponse(title="for everybody").SerializeToString()
    return _Ended(grpc.StatusCode.UNAUTHENTICATED, (grpc.StatusCode.OK, "", ()), [spec])


mutant(
    "handshake.health-serving",
    "source",
    "is never said to be serving",
    begin=answers("Health/Check", HealthCheckRequest, HealthCheckResponse, _not_serving),
)
for check_id, name, each in (
    ("handshake.highest-common-version", "selects the caller's minor", _minor_of_the_caller),
    ("handshake.unknown-features-ignored", "selects features that were not offered", _own_features_too),
    ("handshake.limits-smaller-of-both", "answers its own limit of state", _own_state_limit),
    ("handshake.repeatable", "has a new instance_id for each call", _new_instance_each_time),
):
    mutant(check_id, "destination", name, begin=answers("Handshake", HandshakeRequest, HandshakeResponse, each))
mutant("handshake.no-common-version", "source", "does not say which versions it speaks", begin=_no_common_version)
mutant("handshake.token-required", "destination", "tells its spec to everybody", begin=_spec_for_everybody)
