"""Which streams a connection moves: defaults, and what is wrong with a selection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from towpath_sdk.errors import Misconfigured

from towpath_server.domain.streams import CatalogStream, ReadMode, StreamName, StreamSelection, WriteMode

__all__ = ["WantedStream", "check_selection", "choices", "select_all", "with_defaults"]

_MOST_CHOICES_SHOWN = 30


@dataclass(frozen=True)
class WantedStream:
    """A stream as it was asked for; modes that are None get their defaults."""

    name: StreamName
    read_mode: ReadMode | None
    write_mode: WriteMode | None
    columns: tuple[str, ...]
    cursor_column: str
    primary_key: tuple[str, ...]


def with_defaults(wanted: WantedStream) -> StreamSelection:
    """Fill in the modes: SNAPSHOT, and OVERWRITE for snapshots, APPEND for the rest."""
    read_mode = wanted.read_mode or ReadMode.SNAPSHOT
    usual = WriteMode.OVERWRITE if read_mode is ReadMode.SNAPSHOT else WriteMode.APPEND
    return StreamSelection(
        name=wanted.name,
        read_mode=read_mode,
        write_mode=wanted.write_mode or usual,
        columns=wanted.columns,
        cursor_column=wanted.cursor_column,
        primary_key=wanted.primary_key,
    )


def select_all(catalog: Iterable[CatalogStream], write_modes: Sequence[WriteMode]) -> tuple[StreamSelection, ...]:
    """Select every stream: incremental append where the source names its own cursor, otherwise snapshot overwrite.

    A destination that cannot overwrite gets snapshots appended.
    """
    whole = WriteMode.OVERWRITE if WriteMode.OVERWRITE in write_modes else WriteMode.APPEND
    return tuple(
        StreamSelection(stream.name, ReadMode.INCREMENTAL, WriteMode.APPEND)
        if stream.has_own_cursor and WriteMode.APPEND in write_modes
        else StreamSelection(stream.name, ReadMode.SNAPSHOT, whole)
        for stream in catalog
    )


def check_selection(
    streams: Sequence[StreamSelection],
    write_modes: Sequence[WriteMode],
    catalog: Mapping[StreamName, CatalogStream] | None,
) -> None:
    """Raise Misconfigured, naming every field at fault below `connection.streams`.

    `write_modes` are the destination's; `catalog` is what the source offers, None when it could not be asked: the
    source itself then refuses what does not exist, when the job runs.
    """
    fields: dict[str, str] = {}
    if not streams:
        fields["connection.streams"] = "the source offers no stream; grant access to some, then try again"
    seen: set[StreamName] = set()
    for index, stream in enumerate(streams):
        path = f"connection.streams[{index}]"
        if not stream.name.name:
            fields[f"{path}.name.name"] = "is required"
        elif "\x00" in f"{stream.name}":
            fields[f"{path}.name"] = "a name cannot hold a NUL"
        elif stream.name in seen:
            fields[f"{path}.name"] = f"{stream.name} is selected twice"
        seen.add(stream.name)
        _check_modes(path, stream, write_modes, fields)
        _check_names(path, stream, fields)
        if catalog is not None and stream.name.name:
            _check_against(path, stream, catalog, fields)
    if fields:
        first = next(iter(fields.values()))
        raise Misconfigured(
            f"the streams cannot be selected like this: {first}", reason="INVALID_STREAMS", fields=fields
        )


def _check_modes(path: str, stream: StreamSelection, write_modes: Sequence[WriteMode], fields: dict[str, str]) -> None:
    if stream.write_mode not in write_modes:
        offered = ", ".join(mode.name for mode in write_modes) or "none"
        fields[f"{path}.write_mode"] = f"the destination cannot {stream.write_mode.name}; it offers: {offered}"
    elif stream.write_mode is WriteMode.OVERWRITE and stream.read_mode is not ReadMode.SNAPSHOT:
        fields[f"{path}.write_mode"] = (
            f"{stream.read_mode.name} reads only what is new, so OVERWRITE would lose the rest; choose APPEND or DEDUP"
        )
    if stream.cursor_column and stream.read_mode is not ReadMode.INCREMENTAL:
        fields[f"{path}.cursor_column"] = "only an INCREMENTAL read has a cursor"


def _check_names(path: str, stream: StreamSelection, fields: dict[str, str]) -> None:
    for field, names in (("columns", stream.columns), ("primary_key", stream.primary_key)):
        seen: set[str] = set()
        for index, name in enumerate(names):
            if not name:
                fields[f"{path}.{field}[{index}]"] = "a column name cannot be empty"
            elif name in seen:
                fields[f"{path}.{field}[{index}]"] = f"{name!r} is named twice"
            seen.add(name)
    _check_key_columns(path, stream, stream.primary_key, fields)


def _check_against(
    path: str, stream: StreamSelection, catalog: Mapping[StreamName, CatalogStream], fields: dict[str, str]
) -> None:
    offered = catalog.get(stream.name)
    if offered is None:
        fields[f"{path}.name"] = f"the source has no stream {stream.name}; choose one of: {choices(map(str, catalog))}"
        return
    if stream.read_mode not in offered.read_modes:
        modes = ", ".join(mode.name for mode in sorted(offered.read_modes))
        fields[f"{path}.read_mode"] = f"{stream.name} cannot be read as {stream.read_mode.name}; it offers: {modes}"
    elif stream.read_mode is ReadMode.INCREMENTAL:
        _check_cursor(path, stream, offered, fields)
    for field, names in (("columns", stream.columns), ("primary_key", stream.primary_key)):
        for index, name in enumerate(names):
            if name and name not in offered.columns:
                fields.setdefault(
                    f"{path}.{field}[{index}]",
                    f"{stream.name} has no column {name!r}; choose one of: {choices(offered.columns)}",
                )
    if stream.write_mode is WriteMode.DEDUP and not (stream.primary_key or offered.primary_key):
        fields[f"{path}.primary_key"] = f"{stream.name} has no primary key; name the columns that identify a row"
    _check_key_columns(path, stream, stream.primary_key or offered.primary_key, fields)


def _check_key_columns(path: str, stream: StreamSelection, key: Sequence[str], fields: dict[str, str]) -> None:
    absent = [name for name in key if name not in stream.columns]
    if stream.write_mode is WriteMode.DEDUP and stream.columns and absent:
        fields[f"{path}.columns"] = f"DEDUP needs the key columns too: {', '.join(absent)}"


def _check_cursor(path: str, stream: StreamSelection, offered: CatalogStream, fields: dict[str, str]) -> None:
    field = f"{path}.cursor_column"
    if offered.has_own_cursor:
        if stream.cursor_column:
            fields[field] = f"the source defines the cursor of {stream.name} itself; leave it empty"
    elif not stream.cursor_column:
        fields[field] = f"an INCREMENTAL read of {stream.name} needs one; choose: {choices(offered.cursor_columns)}"
    elif stream.cursor_column not in offered.cursor_columns:
        fields[field] = (
            f"{stream.cursor_column!r} cannot be a cursor of {stream.name}; choose one of: "
            f"{choices(offered.cursor_columns)}"
        )


def choices(names: Iterable[str]) -> str:
    """Return names for people who are to choose one: the first of them, and how many more there are."""
    every = list(names)
    shown = ", ".join(every[:_MOST_CHOICES_SHOWN])
    hidden = len(every) - _MOST_CHOICES_SHOWN
    return f"{shown} and {hidden} more" if hidden > 0 else shown or "none"
