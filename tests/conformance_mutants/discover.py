"""Sources whose catalogue, or whose call for it, breaks a rule."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import pyarrow as pa
from towpath.connector.v1 import connector_pb2, types_pb2

from conformance_mutants.locking import forgets_its_lock
from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed

_SCHEMA = pa.schema([pa.field("id", pa.int64()), pa.field("at", pa.timestamp("us"))])
_FEW = 1000


def _pages(make: Callable[[], Callable[[connector_pb2.DiscoverResponse], Any]]) -> Begin:
    """Change the pages of a Discover; `make` is called for each call, and may keep count."""
    return lambda called: _Paged(make()) if called == "Discover" else Relayed()


class _Paged(Relayed):
    def __init__(self, each: Callable[[connector_pb2.DiscoverResponse], Any]) -> None:
        self._each = each

    async def response(self, raw: bytes) -> Iterable[bytes]:
        page = connector_pb2.DiscoverResponse.FromString(raw)
        self._each(page)
        return (page.SerializeToString(),)


def _odd_stream(**changes: Any) -> Begin:
    """List one stream more, with something wrong about it."""
    stream = types_pb2.StreamDescriptor(
        name=types_pb2.StreamName(namespace="odd", name="odd"),
        ipc_schema=_SCHEMA.serialize().to_pybytes(),
        read_modes=[types_pb2.READ_MODE_SNAPSHOT],
    )
    stream.MergeFrom(types_pb2.StreamDescriptor(**changes))
    if changes.get("read_modes") == []:
        stream.ClearField("read_modes")

    def make() -> Callable[[connector_pb2.DiscoverResponse], Any]:
        first = itertools.count()
        return lambda page: page.streams.append(stream) if not next(first) else None

    return _pages(make)


def _repeated() -> Callable[[connector_pb2.DiscoverResponse], Any]:
    return lambda page: page.streams.append(page.streams[0])


def _restless() -> Callable[[], Callable[[connector_pb2.DiscoverResponse], Any]]:
    """Begin with another stream each time."""
    calls = itertools.count()

    def make() -> Callable[[connector_pb2.DiscoverResponse], Any]:
        first = next(calls)
        return lambda page: _turned(page, first)

    return make


def _turned(page: connector_pb2.DiscoverResponse, first: int) -> None:
    streams = list(page.streams)
    first %= len(streams)
    del page.streams[:]
    page.streams.extend([*streams[first:], *streams[:first]])


def _no_cursor_for_orders() -> Callable[[connector_pb2.DiscoverResponse], Any]:
    def each(page: connector_pb2.DiscoverResponse) -> None:
        for stream in page.streams:
            if stream.name.name == "orders":
                stream.cursor_columns.remove("updated_at")

    return each


class _OnePage(Relayed):
    """Says everything in one message."""

    def __init__(self) -> None:
        self._all = connector_pb2.DiscoverResponse()

    async def response(self, raw: bytes) -> Iterable[bytes]:
        self._all.MergeFromString(raw)
        return ()

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        return ((self._all.SerializeToString(),) if self._all.streams else ()), ending


class _Few(Relayed):
    """Stops after some streams, as if there were no more."""

    def __init__(self) -> None:
        self._count = 0

    async def response(self, raw: bytes) -> Iterable[bytes]:
        self._count += len(connector_pb2.DiscoverResponse.FromString(raw).streams)
        return (raw,) if self._count <= _FEW else ()


class _Empty(Relayed):
    """Takes a configuration that it cannot read for one of a system without streams."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        return (), (grpc.StatusCode.OK, "", ()) if ending[0] is grpc.StatusCode.INVALID_ARGUMENT else ending


def _at_discover(relayed: Callable[[], Relayed]) -> Begin:
    return lambda called: relayed() if called == "Discover" else Relayed()


_TWO_OF_A_NAME = pa.schema([pa.field("id", pa.int64()), pa.field("id", pa.string())])

for check_id, name, begin in (
    ("discover.schemas-decode", "sends half a schema", _odd_stream(ipc_schema=_SCHEMA.serialize().to_pybytes()[:64])),
    (
        "discover.columns-named",
        "has two columns of a name",
        _odd_stream(ipc_schema=_TWO_OF_A_NAME.serialize().to_pybytes()),
    ),
    ("discover.names-unique", "lists a stream twice", _pages(_repeated)),
    ("discover.keys-and-cursors-exist", "has a key without a column", _odd_stream(primary_key=["no such column"])),
    ("discover.modes", "has a stream that cannot be read", _odd_stream(read_modes=[])),
    ("discover.repeatable", "turns the order around", _pages(_restless())),
    ("discover.case-streams", "does not list a cursor", _pages(_no_cursor_for_orders)),
    ("discover.page-size", "says everything in one page", _at_discover(_OnePage)),
    ("discover.ten-thousand-streams", "stops after a thousand", _at_discover(_Few)),
    ("discover.invalid-config", "finds nothing with a configuration that it cannot read", _at_discover(_Empty)),
):
    mutant(check_id, "source", name, begin=begin)
mutant("discover.cancel", "source", "keeps a lock of a cancelled Discover", begins=forgets_its_lock("Discover"))
