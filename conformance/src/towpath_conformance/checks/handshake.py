"""Handshake: what both sides agree to keep to."""

from __future__ import annotations

import re
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2
from towpath.connector.v1 import connector_pb2

from towpath_conformance.newcomer import newcomer
from towpath_conformance.peer import Peer
from towpath_conformance.registry import check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect

_UNKNOWN = (9_998, 9_999)
"""Majors that nobody speaks."""
_MOST = 2**32 - 1


@check(
    "handshake.health-serving",
    asserts="grpc.health.v1 answers SERVING, without a token.",
    why="A platform starts a connector and asks for its health until it is SERVING; nothing is sent to it before.",
    fix="Serve grpc.health.v1, set the status of the empty service name to SERVING when you listen, and demand no "
    "token for it.",
)
async def health_serving(trial: Trial) -> None:
    answer = await (await trial.peer()).health()
    expect(answer.failure is None, f"health without a token fails: {answer.failure}")
    status = answer.ok.status
    expect(
        status == health_pb2.HealthCheckResponse.SERVING,
        f"health is {health_pb2.HealthCheckResponse.ServingStatus.Name(status)}; it should be SERVING",
    )


@check(
    "handshake.highest-common-version",
    asserts="The selected version is the common major with the smaller minor of both sides; majors that the connector "
    "does not know are passed over.",
    why="Old and new platforms and connectors meet in all combinations; each side must know what the other can say.",
    fix="Look for your major among the offered ones, ignore all others, and answer min(offered minor, your minor).",
)
async def highest_common_version(trial: Trial) -> None:
    peer = await trial.peer()
    own = await _selected(peer, [(1, _MOST)])
    expect(own.major == 1, f"offered 1.{_MOST}, the connector selects {_text(own)}; only major 1 was offered")
    expect(own.minor < _MOST, f"offered 1.{_MOST}, the connector selects that minor, which it cannot know")
    for minor in sorted({0, 1, own.minor, own.minor + 1}):
        due = f"1.{min(minor, own.minor)}"
        others = [(major, 7) for major in _UNKNOWN]
        for offer in ([(1, minor)], [*others, (1, minor)], [(1, minor), *others]):
            selected = _text(await _selected(peer, offer))
            offered = ", ".join(f"{major}.{minor}" for major, minor in offer)
            expect(
                selected == due,
                f"offered {offered}, a connector that speaks {_text(own)} selects {selected}; it should be {due}",
            )


async def _selected(peer: Peer, offered: Sequence[tuple[int, int]]) -> connector_pb2.ProtocolVersion:
    request = connector_pb2.HandshakeRequest(client_info="towpath-conformance")
    for major, minor in offered:
        request.supported_versions.add(major=major, minor=minor)
    return (await peer.handshake(request)).ok.selected_version


def _text(version: connector_pb2.ProtocolVersion) -> str:
    return f"{version.major}.{version.minor}"


@check(
    "handshake.no-common-version",
    asserts="A Handshake without a common version fails with FAILED_PRECONDITION and names the supported versions.",
    why="A platform that is too old or too new has to tell its user which of the two to upgrade.",
    fix="Compare the offered majors with yours; when none matches, fail and write your versions into the message.",
)
async def no_common_version(trial: Trial) -> None:
    offered = connector_pb2.HandshakeRequest(
        supported_versions=[connector_pb2.ProtocolVersion(major=9_999, minor=0)], client_info="towpath-conformance"
    )
    refusal = (await (await trial.peer()).handshake(offered)).refusal
    expect(
        refusal.code is grpc.StatusCode.FAILED_PRECONDITION,
        f"a Handshake that offers version 9999 alone fails with {refusal.code.name}; it should be FAILED_PRECONDITION",
    )
    expect(
        re.search(r"\b1(\.\d+)?\b", f"{refusal.message} {refusal.user_message}"),
        f"the failure does not name the versions that the connector speaks: {refusal}",
    )


@check(
    "handshake.unknown-features-ignored",
    asserts="Feature names that the connector does not know are passed over; none is selected that was not offered.",
    why="Features are how the protocol grows: a platform offers what it knows to connectors of any age.",
    fix="Answer with the offered features that you know, and with no others; never fail for one that you do not know.",
)
async def unknown_features_ignored(trial: Trial) -> None:
    unknown = [f"conformance-{trial.random('handshake.unknown-features-ignored').getrandbits(48):x}", "", "☃"]
    for offered in ([], unknown):
        request = connector_pb2.HandshakeRequest(
            supported_versions=[connector_pb2.ProtocolVersion(major=1, minor=0)],
            features=offered,
            client_info="towpath-conformance",
        )
        answer = await (await trial.peer()).handshake(request)
        expect(answer.failure is None, f"a Handshake that offers the features {offered} fails: {answer.failure}")
        selected = list(answer.ok.features)
        expect(
            not selected,
            f"offered {offered or 'no features'}, the connector selects {selected}; none is known to both sides",
        )


@check(
    "handshake.limits-smaller-of-both",
    asserts="Each limit of the answer is the smaller of both sides' limits; zero means no limit of one's own.",
    why="They bound the memory of both sides: one who sends more than was agreed ends the other.",
    fix="Answer each limit with min(yours, offered), where a zero of either side leaves the other's.",
)
async def limits_smaller_of_both(trial: Trial) -> None:
    second = await newcomer(trial)
    own = second.greeting.ok.limits
    for offered, answer in second.offered_limits:
        answered = answer.ok.limits
        for name in ("max_message_bytes", "max_batch_bytes", "max_state_bytes"):
            mine, yours, both = (int(getattr(limits, name)) for limits in (own, offered, answered))
            due = min(mine, yours) if mine and yours else mine or yours
            expect(
                both == due,
                f"the connector's own {name} is {mine}; offered {yours}, it answers {both}, which should be {due}",
            )


@check(
    "handshake.repeatable",
    asserts="The same request gets the same answer as long as the process lives, whatever was agreed in between; "
    "instance_id is never empty, stays within a process, and is another one in another process.",
    why="A change of instance_id is how a broker notices that the connector was restarted and has forgotten all.",
    fix="Make instance_id once, at random, when the process starts, and answer each Handshake from its request alone.",
)
async def repeatable(trial: Trial) -> None:
    second = await newcomer(trial)
    first = second.greeting.ok
    expect(first.instance_id, "instance_id is empty; it should be unique per start of the process")
    for later in second.greeted_again:
        again = later.ok
        expect(
            again.instance_id == first.instance_id,
            f"instance_id changes within one process, from {first.instance_id!r} to {again.instance_id!r}",
        )
        expect(again == first, f"the same Handshake is answered differently later: {again} instead of {first}")
    if trial.target.can_start:
        other = (await (await trial.peer()).handshake()).ok
        expect(
            other.instance_id != first.instance_id,
            f"two processes have the same instance_id {first.instance_id!r}; it should be unique per start",
        )
