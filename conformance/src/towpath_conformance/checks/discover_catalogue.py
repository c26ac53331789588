"""Discover: what the catalogue says of each stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from towpath.connector.v1 import types_pb2

from towpath_conformance.case import StreamCase
from towpath_conformance.cataloguing import catalogue, schema_of, streams_of
from towpath_conformance.recording import decode_schema, stream_text
from towpath_conformance.registry import SOURCE, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import Failed, expect, skip

_MODES = {
    types_pb2.READ_MODE_SNAPSHOT,
    types_pb2.READ_MODE_INCREMENTAL,
    types_pb2.READ_MODE_CHANGES,
}


@check(
    "discover.schemas-decode",
    needs=[SOURCE],
    asserts="Discover finds at least one stream; the ipc_schema of each is one encapsulated Arrow IPC Schema message.",
    why="Users choose columns by it, and the destination plans its tables by it, before a single row is read.",
    fix="Write the schema with an IPC writer, and take its first message, continuation marker and padding included.",
)
async def schemas_decode(trial: Trial) -> None:
    streams = await catalogue(trial)
    expect(streams, "Discover finds no stream with the valid configuration")
    for stream in streams:
        try:
            decode_schema(stream.ipc_schema)
        except Failed as failure:
            raise Failed(f"{stream_text(stream.name)}: {failure}") from None


@check(
    "discover.columns-named",
    needs=[SOURCE],
    asserts="Every column of a stream has a name, and no two have the same.",
    why="Columns are chosen, keyed and stored by their names; the second of two could never be asked for.",
    fix="Give columns without a name, and further ones of the same name, names of their own.",
)
async def columns_named(trial: Trial) -> None:
    for stream in await catalogue(trial):
        schema = schema_of(stream)
        counted = Counter(schema.names if schema is not None else ())
        twice = [name for name, times in counted.items() if times > 1]
        expect("" not in counted, f"{stream_text(stream.name)} has a column without a name")
        expect(not twice, f"{stream_text(stream.name)} has more than one column called {twice[:1]}")


@check(
    "discover.names-unique",
    needs=[SOURCE],
    asserts="The name of a stream is not empty, and each pair of namespace and name comes once, over all pages.",
    why="Reads, states and targets refer to a stream by this pair alone.",
    fix="Qualify names by the namespace they belong to, and list each stream once.",
)
async def names_unique(trial: Trial) -> None:
    streams = await catalogue(trial)
    expect(all(stream.name.name for stream in streams), "a stream has an empty name")
    counted = Counter((stream.name.namespace, stream.name.name) for stream in streams)
    twice = [f"{namespace}.{name}" for (namespace, name), times in counted.items() if times > 1]
    expect(not twice, f"streams that are listed more than once: {', '.join(twice[:5])}")


@check(
    "discover.keys-and-cursors-exist",
    needs=[SOURCE],
    asserts="Every column of primary_key and cursor_columns is in the stream's schema, and none is named twice.",
    why="A user chooses a cursor from this list; a destination builds its key by the other.",
    fix="Use the names that the schema has, in the same spelling.",
)
async def keys_and_cursors_exist(trial: Trial) -> None:
    for stream in await catalogue(trial):
        schema = schema_of(stream)
        for what, columns in (("primary_key", stream.primary_key), ("cursor_columns", stream.cursor_columns)):
            where = f"{what} of {stream_text(stream.name)}"
            expect(len(set(columns)) == len(columns), f"{where} names a column twice: {', '.join(columns)}")
            missing = [column for column in columns if schema is not None and column not in schema.names]
            expect(not missing, f"{where} names {', '.join(missing)}, which the schema does not have")


@check(
    "discover.modes",
    needs=[SOURCE],
    asserts="Every stream has at least one read mode, each once and none unset; where there are cursor columns, "
    "READ_MODE_INCREMENTAL is among them.",
    why="A stream without a mode can be seen and never read.",
    fix="List the modes in which `Read` takes the stream; cursor columns only together with READ_MODE_INCREMENTAL.",
)
async def modes(trial: Trial) -> None:
    for stream in await catalogue(trial):
        name, listed = stream_text(stream.name), list(stream.read_modes)
        expect(listed, f"{name} has no read mode")
        expect(types_pb2.READ_MODE_UNSPECIFIED not in listed, f"a read mode of {name} is not set")
        expect(len(set(listed)) == len(listed), f"{name} lists a read mode twice")
        expect(_MODES.intersection(listed), f"{name} has only read modes that the protocol does not know: {listed}")
        if stream.cursor_columns:
            expect(
                types_pb2.READ_MODE_INCREMENTAL in listed,
                f"{name} has cursor columns, and READ_MODE_INCREMENTAL is not among its modes",
            )


@check(
    "discover.repeatable",
    needs=[SOURCE],
    asserts="Discover finds the same the second time: the same streams, in the same order, described alike. Only "
    "estimated_rows may differ.",
    why="The platform compares catalogues to notice changes; what changes by itself is reported to users each night.",
    fix="Sort streams, and whatever else comes from a set or a hash.",
)
async def repeatable(trial: Trial) -> None:
    # Another check may alter the system meanwhile; twice in a row it does not.
    problem = ""
    for _ in range(3):
        problem = await _differing(trial)
        if not problem:
            return
    raise Failed(problem)


async def _differing(trial: Trial) -> str:
    peer, seconds = await trial.peer(), trial.case.patience.call_seconds
    found = [streams_of((await peer.discover(trial.case.config_json, seconds)).all_ok) for _ in range(2)]
    if _names(found[0]) != _names(found[1]):
        same = set(_names(found[0])) == set(_names(found[1]))
        return f"the second Discover lists {'the streams in another order' if same else 'other streams'}"
    for first, second in zip(*found, strict=True):
        if _lasting(first) != _lasting(second):
            return f"the second Discover describes {stream_text(first.name)} differently"
    return ""


def _names(streams: Sequence[types_pb2.StreamDescriptor]) -> list[str]:
    return [stream_text(stream.name) for stream in streams]


def _lasting(stream: types_pb2.StreamDescriptor) -> types_pb2.StreamDescriptor:
    copy = types_pb2.StreamDescriptor()
    copy.CopyFrom(stream)
    copy.ClearField("estimated_rows")
    return copy


@check(
    "discover.case-streams",
    needs=[SOURCE],
    asserts="The streams of the case file are listed, with the mode, the cursor and the columns that it reads them by.",
    why="What is not in the catalogue cannot be chosen, even if it could be read.",
    fix="List every stream that can be read; or correct the case file, which names streams as Discover does.",
)
async def case_streams(trial: Trial) -> None:
    listed = {(stream.name.namespace, stream.name.name): stream for stream in await catalogue(trial)}
    if not listed:
        skip("the catalogue is empty; see discover.schemas-decode")
    matrix = trial.source.type_matrix
    # What is read with another configuration, such as `large`, may be listed only under that.
    wanted = [*trial.source.streams, trial.source.empty, matrix.stream if matrix is not None else None]
    for case in wanted:
        if case is None:
            continue
        name = case.stream_name
        stream = listed.get((name.namespace, name.name))
        if stream is None:
            raise Failed(f"Discover does not list {case.name}, which the case file reads; it lists {_some(listed)}")
        problem = _unreadable(case, stream)
        expect(not problem, f"the case file reads {case}, and {problem}")


def _unreadable(case: StreamCase, stream: types_pb2.StreamDescriptor) -> str:
    if case.mode.wire not in stream.read_modes:
        return f"Discover does not list the mode {case.mode.value}"
    if case.cursor and case.cursor not in stream.cursor_columns:
        return f"Discover does not list the cursor {case.cursor}, but {', '.join(stream.cursor_columns) or 'none'}"
    schema = schema_of(stream)
    missing = [column for column in case.columns if schema is not None and column not in schema.names]
    return f"Discover does not list the columns {', '.join(missing)}" if missing else ""


def _some(listed: dict[tuple[str, str], types_pb2.StreamDescriptor]) -> str:
    names = [stream_text(stream.name) for stream in listed.values()]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
