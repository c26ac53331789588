"""A second instance, from its very first call on: what it says before anybody has spoken to it, and later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.connector.v1 import connector_pb2

from towpath_conformance.peer import PROTOCOL_VERSION, Answer, Peer
from towpath_conformance.targets.port import StartFailed
from towpath_conformance.trial import Trial

__all__ = ["NO_NETWORK", "Newcomer", "newcomer"]

_NOWHERE = "http://127.0.0.1:9"
NO_NETWORK: Mapping[str, str] = {
    name: _NOWHERE for word in ("http_proxy", "https_proxy", "all_proxy") for name in (word, word.upper())
}
"""An environment in which whoever asks the network for something gets nowhere."""

_WHEN_UNLIMITED = 1 << 30
_MOST = 2**64 - 1


@dataclass(frozen=True)
class Newcomer:
    """What a second instance answered. `greeting` is the plain Handshake, which was repeated between the others."""

    spec: Answer[connector_pb2.SpecResponse] | None
    """The answer to the first call of all; None when the instance did not start without a network."""
    why_no_spec: str
    greeting: Answer[connector_pb2.HandshakeResponse]
    greeted_again: Sequence[Answer[connector_pb2.HandshakeResponse]]
    offered_limits: Sequence[tuple[connector_pb2.Limits, Answer[connector_pb2.HandshakeResponse]]]


async def newcomer(trial: Trial) -> Newcomer:
    """Start a second instance and take down what it says; done once."""
    return await trial.once("newcomer", lambda: _meet(trial))


async def _meet(trial: Trial) -> Newcomer:
    spec, why = None, ""
    try:
        async with trial.fresh(environ=NO_NETWORK) as instance:
            spec = await instance.peer.spec(trial.case.patience.call_seconds)
            return Newcomer(spec, why, **await _greet(instance.peer))
    except StartFailed as failure:
        why = str(failure)
    async with trial.fresh() as instance:
        return Newcomer(None, why, **await _greet(instance.peer))


async def _greet(peer: Peer) -> dict[str, Any]:
    """Shake hands with other limits each time, and plainly in between."""
    greeting = await peer.handshake()
    own = greeting.responses[0].limits if greeting.responses else connector_pb2.Limits()
    again: list[Answer[connector_pb2.HandshakeResponse]] = []
    offered_limits: list[tuple[connector_pb2.Limits, Answer[connector_pb2.HandshakeResponse]]] = []
    for offered in _offers(own):
        request = connector_pb2.HandshakeRequest(
            supported_versions=[PROTOCOL_VERSION], limits=offered, client_info="towpath-conformance"
        )
        offered_limits.append((offered, await peer.handshake(request)))
        again.append(await peer.handshake())
    return {"greeting": greeting, "greeted_again": again, "offered_limits": offered_limits}


def _offers(own: connector_pb2.Limits) -> Sequence[connector_pb2.Limits]:
    """Half of each limit, half of one alone, and twice as much; never so little that later calls would suffer."""
    message, batch, state = (
        limit or _WHEN_UNLIMITED for limit in (own.max_message_bytes, own.max_batch_bytes, own.max_state_bytes)
    )
    return (
        connector_pb2.Limits(
            max_message_bytes=message // 2 + 1, max_batch_bytes=batch // 2 + 1, max_state_bytes=state // 2 + 1
        ),
        connector_pb2.Limits(max_state_bytes=state // 2 + 2),
        connector_pb2.Limits(
            max_message_bytes=min(2 * message, _MOST),
            max_batch_bytes=min(2 * batch, _MOST),
            max_state_bytes=min(2 * state, _MOST),
        ),
    )
