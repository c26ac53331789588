"""One read of one stream: which rows come next, where it pauses, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import NoReturn

from towpath_sdk import (
    BadRecord,
    Bug,
    Context,
    Denied,
    Misconfigured,
    NotFound,
    PositionLost,
    ReadMode,
    ReadStream,
    Record,
    Stream,
    Throttled,
    Unavailable,
)

from towpath_source_faker.blocks import Blocks
from towpath_source_faker.config import Emit, FailureKind, FakerConfig, StreamFailure
from towpath_source_faker.dice import Dice
from towpath_source_faker.ledger import Ledger
from towpath_source_faker.remote import today
from towpath_source_faker.state import Part, Position, parse_part, parse_position
from towpath_source_faker.tables import Table
from towpath_source_faker.timeline import Timeline

__all__ = ["Reading", "begin", "snapshot_parts", "timeline_of"]

_MOST_BATCH_BYTES = 4 << 20
_VALUE_BYTES = 16
_FOR_EVER_SECONDS = 3600.0


@dataclass(frozen=True)
class Reading:
    """A read that is about to begin: places from `position.next` to below `end`, of rows or of entries."""

    config: FakerConfig
    table: Table
    stream: ReadStream
    timeline: Timeline
    position: Position
    end: int

    @property
    def name(self) -> str:
        """Of the stream, and of the split if it is one; in the ledger."""
        split = self.stream.split
        return f"{self.stream.name} {split.split_id}" if split is not None and split.token else str(self.stream.name)

    @property
    def declared(self) -> Stream:
        """The stream as it is where the read begins."""
        return self.table.stream(self.timeline.rows, changed=self._changed(self.position.next))

    def records(self, context: Context) -> Iterator[Record]:
        """Yield rows and checkpoints until the end, a drain, or a failure."""
        if self.config.ledger is not None:
            Ledger(self.config.ledger).hold(self.name, self.position.next, self.end)
        failure = self.config.failures.streams.get(str(self.stream.name))
        blocks = self._blocks()
        place = self.position.next
        while True:
            if failure is not None and place >= failure.after_rows and place < self.end:
                if failure.kind is FailureKind.BLOCKS:
                    yield self._at(place).checkpoint()
                _fail(failure, str(self.stream.name), context)
            if place >= self.end or context.draining:
                yield self._at(place).checkpoint()
                return
            if self.config.latency_seconds:
                context.wait(self.config.latency_seconds)
            upto = self._pause_after(place, failure, blocks)
            batch = blocks.batch(place, upto, changed=self._changed(place))
            if batch.num_rows:
                yield from batch.to_pylist() if self.config.emit is Emit.ROWS else (batch,)
            if upto % self.config.checkpoint_rows == 0 and upto < self.end:
                yield self._at(upto).checkpoint()
            place = upto

    def _at(self, place: int) -> Position:
        return replace(self.position, next=place)

    def _pause_after(self, place: int, failure: StreamFailure | None, blocks: Blocks) -> int:
        """The place up to which the next batch goes: never across what has to happen between two rows."""
        pauses = [
            self.end,
            place + self._batch_rows,
            place + blocks.size - place % blocks.size,
            place + self.config.checkpoint_rows - place % self.config.checkpoint_rows,
        ]
        if failure is not None:
            pauses.append(failure.after_rows)
        if self.config.schema_change_after_rows is not None:
            pauses.append(self.config.schema_change_after_rows)
        return min(pause for pause in pauses if pause > place)

    def _changed(self, place: int) -> bool:
        change = self.config.schema_change_after_rows
        return change is not None and place >= change

    @property
    def _batch_rows(self) -> int:
        """As configured, but no more than what makes some MiB."""
        row_bytes = _VALUE_BYTES * len(self.stream.columns or self.table.columns) + self.config.row_bytes
        return min(self.config.batch_rows, max(1, _MOST_BATCH_BYTES // row_bytes))

    def _blocks(self) -> Blocks:
        dice = Dice(self.config.seed, str(self.stream.name))
        log = self.stream.mode is ReadMode.INCREMENTAL
        columns, rows = self.stream.columns, self._batch_rows
        return Blocks(self.table, columns, dice, self.timeline, log=log, end=self.end, rows=rows)


def begin(config: FakerConfig, table: Table, stream: ReadStream) -> Reading:
    """Find out from where to where a stream is to be read.

    Raises Misconfigured for a mode, cursor or split that there is not, PositionLost for a state of nobody's.
    """
    _check_mode(table, stream)
    timeline = timeline_of(config, table, today(config))
    part = parse_part(stream.split.token) if stream.split is not None else None
    position = parse_position(stream.state, stream.state_version, stream.mode, _world(timeline))
    if stream.mode is ReadMode.SNAPSHOT:
        day = position.day if position is not None else part.day if part is not None else timeline.day
        timeline = replace(timeline, day=day)
        first, end = (part.first, part.end) if part is not None else (0, timeline.rows)
        if end > timeline.rows:
            raise Misconfigured("the split belongs to another configuration", reason="UNKNOWN_SPLIT")
    elif part is not None:
        raise Misconfigured("the split belongs to a snapshot", reason="UNKNOWN_SPLIT")
    else:
        first, end = 0, timeline.entries
    if position is None:
        position = Position(stream.mode.name.lower(), first, timeline.day, _world(timeline))
    if not first <= position.next <= end:
        raise PositionLost("the stored state lies beyond the end of the stream; refresh it", reason="BEYOND_THE_END")
    return Reading(config, table, stream, timeline, replace(position, day=timeline.day), end)


def snapshot_parts(reading: Reading, wanted: int) -> list[Part]:
    """Divide what a snapshot has left into about equal parts, at most as many as wanted; at least one."""
    first, left = reading.position.next, reading.end - reading.position.next
    count = max(1, min(wanted, left))
    bounds = [first + left * number // count for number in range(count + 1)]
    return [Part(low, high, reading.timeline.day) for low, high in pairwise(bounds)]


def timeline_of(config: FakerConfig, table: Table, day: int) -> Timeline:
    """The history of a table; one that does not change has none."""
    if not table.changes:
        return Timeline(config.seed, table.full_name, table.rows, 0, 0, 0)
    return Timeline.of(config.seed, table.full_name, table.rows, config.changes, day)


def _world(timeline: Timeline) -> str:
    return f"{timeline.seed} {timeline.initial}+{timeline.inserts}~{timeline.updates}"


def _check_mode(table: Table, stream: ReadStream) -> None:
    modes = table.stream(0).read_modes
    if stream.mode not in modes:
        choices = " or ".join(mode.name.lower() for mode in modes)
        raise Misconfigured(
            f"{stream.name} cannot be read in the mode {stream.mode.name.lower()}; choose {choices}",
            reason="UNSUPPORTED_READ_MODE",
        )
    if stream.mode is ReadMode.INCREMENTAL and stream.cursor_column not in ("", "updated_at"):
        raise Misconfigured(
            f"{stream.cursor_column!r} cannot be the cursor of {stream.name}; choose updated_at",
            reason="UNUSABLE_CURSOR",
            fields={"cursor_column": "must be updated_at"},
        )


def _fail(failure: StreamFailure, name: str, context: Context) -> NoReturn:
    while failure.kind is FailureKind.BLOCKS:
        context.wait(_FOR_EVER_SECONDS)
    message = f"stream {name} fails after {failure.after_rows} rows, because failures.streams says so"
    if failure.kind is FailureKind.THROTTLED:
        raise Throttled(message, reason="ON_DEMAND", retry_after=timedelta(seconds=1))
    raise _KINDS[failure.kind](message, reason="ON_DEMAND")


_KINDS = {
    FailureKind.MISCONFIGURED: Misconfigured,
    FailureKind.DENIED: Denied,
    FailureKind.NOT_FOUND: NotFound,
    FailureKind.UNAVAILABLE: Unavailable,
    FailureKind.POSITION_LOST: PositionLost,
    FailureKind.BAD_RECORD: BadRecord,
    FailureKind.BUG: Bug,
}
