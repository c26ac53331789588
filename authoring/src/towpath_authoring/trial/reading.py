"""A read of one stream, as the broker does it: every checkpoint is stored, then acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk.catalog import ReadMode, Stream
from towpath_sdk.errors import Misconfigured, NotFound
from towpath_sdk.testing import ConnectorProcess, ReadSession

from towpath_authoring.trial.columns import column_types
from towpath_authoring.trial.showing import Shown
from towpath_authoring.trial.state_file import load_state, save_state

__all__ = ["Reading", "read"]


@dataclass(frozen=True)
class Reading:
    """What to read. `stop_after` rows the source is asked to stop at its next safe point."""

    stream: str | None
    mode: ReadMode
    cursor: str
    columns: Sequence[str]
    state_file: Path
    resume: bool
    stop_after: int | None


def read(connector: ConnectorProcess, config: str, reading: Reading, shown: Shown) -> None:
    """Read to the end and show everything on the way. Raises what the stream failed with."""
    stream = _chosen(connector.discover(config), reading, shown)
    name = f"{stream.namespace}.{stream.name}" if stream.namespace else stream.name
    opening = source_pb2.ReadOpen(config_json=config, attempt=1)
    wanted = opening.streams.add(
        mode=types_pb2.ReadMode.Value(f"READ_MODE_{reading.mode.name}"),
        cursor_column=reading.cursor,
        columns=reading.columns,
    )
    wanted.name.namespace, wanted.name.name = stream.namespace, stream.name
    if reading.resume:
        saved = load_state(reading.state_file, name, reading.mode)
        wanted.state, wanted.state_version = saved.encoded, saved.version
    session = ReadSession(connector.raw_read(), opening)
    _follow(session, reading, name, shown)


def _follow(session: ReadSession, reading: Reading, name: str, shown: Shown) -> None:
    (result,) = session.results
    rows = 0
    for response in session:
        event = response.WhichOneof("message")
        if event == "batch":
            records = result.batches.pop()
            shown.rows(records)
            enough = reading.stop_after is not None and rows < reading.stop_after <= rows + records.num_rows
            rows += records.num_rows
            if enough:
                session.drain()
        elif event == "checkpoint":
            checkpoint = result.checkpoints.pop()
            save_state(reading.state_file, name, reading.mode, checkpoint)
            session.ack(checkpoint.checkpoint_seq)
            text = f"checkpoint {checkpoint.checkpoint_seq}: {checkpoint.rows:,} rows, state {checkpoint.state!r}"
            facts = {"seq": checkpoint.checkpoint_seq, "rows": checkpoint.rows, "state": checkpoint.state}
            shown.event("checkpoint", text, facts)
        elif event == "schema":
            columns = column_types(result.schemas[-1])
            text = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            shown.event("schema", f"schema: {text}", columns)
        elif event == "log":
            shown.log(response.log)
        result.messages.clear()
    session.half_close()
    while session.receive() is not None:
        pass
    shown.end()
    if result.failure is not None:
        raise result.failure
    ending = "complete" if result.complete else "stopped at a checkpoint"
    facts = {"stream": name, "rows": rows, "complete": result.complete}
    shown.event("status", f"{name}: {rows:,} rows, {ending}", facts)


def _chosen(streams: Sequence[Stream], reading: Reading, shown: Shown) -> Stream:
    names = [f"{stream.namespace}.{stream.name}" if stream.namespace else stream.name for stream in streams]
    if not streams:
        raise NotFound("the source discovers no streams; look at its configuration")
    if reading.stream is None:
        if len(streams) > 1:
            shown.event("note", f"reading {names[0]}, the first of {len(streams)}; --stream names another", {})
        return streams[0]
    if reading.stream not in names:
        raise NotFound(f"there is no stream {reading.stream}; choose one of: {', '.join(names[:20])}")
    chosen = streams[names.index(reading.stream)]
    if reading.mode not in chosen.read_modes:
        modes = ", ".join(mode.name.lower() for mode in chosen.read_modes)
        raise Misconfigured(f"{reading.stream} cannot be read as {reading.mode.name.lower()}; choose one of: {modes}")
    return chosen
