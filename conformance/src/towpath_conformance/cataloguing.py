"""The catalogues that many rules are judged by: the ordinary one, and one of very many streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from towpath.connector.v1 import connector_pb2, types_pb2

from towpath_conformance.peer import PROTOCOL_VERSION, Answer
from towpath_conformance.recording import decode_schema
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed

__all__ = ["InPages", "catalogue", "discovered", "in_small_pages", "schema_of", "streams_of"]

_SMALL_BYTES = 64 << 10


async def discovered(trial: Trial) -> Answer[connector_pb2.DiscoverResponse]:
    """Discover with the valid configuration; done once."""

    async def discover() -> Answer[connector_pb2.DiscoverResponse]:
        return await (await trial.peer()).discover(trial.case.config_json, trial.case.patience.call_seconds)

    return await trial.once("discover", discover)


async def catalogue(trial: Trial) -> Sequence[types_pb2.StreamDescriptor]:
    """All streams of it, in order. Fails the check when Discover fails."""
    return streams_of((await discovered(trial)).all_ok)


def streams_of(pages: Iterable[connector_pb2.DiscoverResponse]) -> Sequence[types_pb2.StreamDescriptor]:
    """Concatenate pages."""
    return [stream for page in pages for stream in page.streams]


def schema_of(stream: types_pb2.StreamDescriptor) -> pa.Schema | None:
    """The schema of a stream; None when it cannot be decoded, for checks of something else."""
    try:
        return decode_schema(stream.ipc_schema)
    except Failed:
        return None


@dataclass(frozen=True)
class InPages:
    """A catalogue as it came from an instance that was told to keep its messages below `limit` bytes."""

    limit: int
    agreed: bool
    """The instance said that it would; False, too, where it could not be asked because all calls go to one process."""
    answer: Answer[connector_pb2.DiscoverResponse]


async def in_small_pages(trial: Trial) -> InPages:
    """Discover, with `many_streams` where it is given, from an instance that agreed to a small limit; done once."""
    return await trial.once("discover in small pages", lambda: _in_small_pages(trial))


async def _in_small_pages(trial: Trial) -> InPages:
    streams = streams_of((await discovered(trial)).responses)
    many = trial.source.many_streams
    config_json = trial.case.config_json if many is None else trial.case.config_with(many)
    # Twice the largest stream, so that the smallest of pages has room.
    limit = max(_SMALL_BYTES if many is not None else 1024, *(2 * stream.ByteSize() for stream in streams), 0)
    offered = connector_pb2.HandshakeRequest(
        supported_versions=[PROTOCOL_VERSION],
        limits=connector_pb2.Limits(max_message_bytes=limit),
        client_info="towpath-conformance",
    )
    shared = await (await trial.peer()).handshake()
    async with trial.fresh() as instance:
        own = await instance.peer.handshake()
        if _instance_id(own) == _instance_id(shared):
            # One process for all calls: what it agrees to now, it would keep to in those of every other check.
            agreed = False
        else:
            answers = (await instance.peer.handshake(offered)).responses
            agreed = bool(answers) and answers[0].limits.max_message_bytes == limit
        answer = await instance.peer.discover(config_json, trial.case.patience.call_seconds)
    return InPages(limit, agreed, answer)


def _instance_id(answer: Answer[connector_pb2.HandshakeResponse]) -> str:
    return answer.responses[0].instance_id if answer.responses else ""
