"""One write as a platform drives it: prepared, written by writers, completed or aborted, and read back."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow's stubs leave the types of columns open.
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyarrow as pa
from towpath.connector.v1 import connector_pb2, destination_pb2, types_pb2

from towpath_conformance.actions import read_back
from towpath_conformance.encoding import encode_schema
from towpath_conformance.exchange import current_exchange
from towpath_conformance.model import Row
from towpath_conformance.peer import Answer, Peer
from towpath_conformance.recording import rows_of
from towpath_conformance.trial import Trial
from towpath_conformance.values import as_sent
from towpath_conformance.verdicts import Failed
from towpath_conformance.writing import WriteRecording, Writing

__all__ = ["OP", "POSITION", "Delivery", "Target", "any_mode", "plain", "records", "together"]

T = TypeVar("T")

OP, POSITION = "_towpath_op", "_towpath_position"
"""The columns that a change stream brings."""

_PLAIN = pa.schema([pa.field("id", pa.int64()), pa.field("label", pa.string())])


@dataclass(frozen=True)
class Target:
    """A stream to write: what WriteStream says of it, and the schema that its write is prepared with."""

    name: str
    namespace: str
    mode: types_pb2.WriteMode
    schema: pa.Schema = _PLAIN
    key: tuple[str, ...] = ("id",)
    generation: int = 1
    minimum: int = 0

    @property
    def wire(self) -> destination_pb2.WriteStream:
        """As it travels."""
        return destination_pb2.WriteStream(
            name=types_pb2.StreamName(namespace=self.namespace, name=self.name),
            mode=self.mode,
            primary_key=self.key,
            generation_id=self.generation,
            minimum_generation_id=self.minimum,
        )

    def __str__(self) -> str:
        """As in messages."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name


def any_mode(spec: connector_pb2.SpecResponse) -> types_pb2.WriteMode:
    """Return a mode that the destination declares, for checks to which it does not matter."""
    wanted = (types_pb2.WRITE_MODE_APPEND, types_pb2.WRITE_MODE_OVERWRITE, types_pb2.WRITE_MODE_DEDUP)
    return next((mode for mode in wanted if mode in spec.destination.write_modes), wanted[0])


def plain(trial: Trial, name: str, mode: types_pb2.WriteMode | None = None, **changes: Any) -> Target:
    """Return a stream of its own for a check, with a number and a nullable text; by default in any mode."""
    namespace = trial.destination.namespace
    return Target(
        f"{name}_{trial.run}" if namespace else f"conformance_{name}_{trial.run}",
        namespace,
        any_mode(trial.spec) if mode is None else mode,
        **changes,
    )


def records(rows: Sequence[Row], schema: pa.Schema = _PLAIN) -> pa.RecordBatch:
    """Return rows as a record batch."""
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(list(values), type_) for values, type_ in zip(columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """Do several things at the same time; the first failure ends the others and is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Delivery:
    """One write of some streams; `name` tells the writes of a check apart."""

    trial: Trial
    name: str
    targets: Sequence[Target]
    plans: list[destination_pb2.ColumnPlan] = field(default_factory=list[destination_pb2.ColumnPlan])
    config_json: str = ""

    def __post_init__(self) -> None:
        """Take the valid configuration unless another one is given."""
        self.config_json = self.config_json or self.trial.case.config_json

    @property
    def write_id(self) -> str:
        """Equal over all attempts."""
        return f"conformance-{self.trial.run}-{self.trial.seed}-{self.name}"

    @property
    def _seconds(self) -> float:
        return self.trial.case.patience.call_seconds

    async def prepare(
        self, schemas: Sequence[pa.Schema] = (), *, peer: Peer | None = None, dry_run: bool = False
    ) -> Answer[destination_pb2.PrepareWriteResponse]:
        """Call PrepareWrite, and remember what it plans."""
        request = destination_pb2.PrepareWriteRequest(
            config_json=self.config_json,
            write_id=self.write_id,
            streams=[target.wire for target in self.targets],
            dry_run=dry_run,
        )
        for index, target in enumerate(self.targets):
            schema = schemas[index] if schemas else target.schema
            request.schemas.add(
                stream=index, schema_id=index + 1, ipc_schema=encode_schema(schema), primary_key=target.key
            )
        answer = await (peer or await self.trial.peer()).prepare(request, self._seconds)
        self.plans = [plan for response in answer.responses for plan in response.columns]
        return answer

    def opening(
        self, *, epoch: int = 1, writer: str = "writer", resume: int = 0, receipts: Sequence[bytes] = ()
    ) -> destination_pb2.WriteOpen:
        """Return what opens a writer."""
        return destination_pb2.WriteOpen(
            config_json=self.config_json,
            write_id=self.write_id,
            writer_id=writer,
            epoch=epoch,
            streams=[target.wire for target in self.targets],
            resume_after_commit_seq=resume,
            receipts=receipts,
        )

    @asynccontextmanager
    async def unopened(
        self, opening: destination_pb2.WriteOpen | None = None, *, peer: Peer | None = None
    ) -> AsyncGenerator[Writing]:
        """Begin a Write and send nothing yet; leaving cancels what still runs of it."""
        async with (peer or await self.trial.peer()).write() as call:
            yield Writing(call, opening or self.opening(), self._seconds)

    @asynccontextmanager
    async def writer(self, *, peer: Peer | None = None, **opening: Any) -> AsyncGenerator[Writing]:
        """Open a writer; leaving cancels what still runs of it. Fails the check when it is refused."""
        async with self.unopened(self.opening(**opening), peer=peer) as writing:
            if not await writing.open():
                refusal = writing.recording.refusal
                raise Failed(f"the Write of {self} was refused: {refusal or 'it ended without WriteOpened'}")
            yield writing

    async def write(self, *commits: Sequence[pa.RecordBatch], key: tuple[str, ...] = ()) -> WriteRecording:
        """Prepare, and write the first stream with one writer: each argument is what one commit covers.

        Fails the check when that does not go well.
        """
        _ = (await self.prepare()).ok
        async with self.writer() as writing:
            for batches in commits:
                for batch in batches:
                    await writing.send(batch, key=key)
                await writing.commit()
            recording = await writing.finish()
        if recording.refusal is not None:
            raise Failed(f"the Write of {self} failed: {recording.refusal}")
        return recording

    async def publish(self, *commits: Sequence[pa.RecordBatch], key: tuple[str, ...] = ()) -> None:
        """Write as `write` does, and complete. Fails the check when that does not go well."""
        recording = await self.write(*commits, key=key)
        _ = (await self.complete(recording.receipts)).ok

    async def complete(
        self, receipts: Sequence[bytes], *, completed: Sequence[Target] | None = None, peer: Peer | None = None
    ) -> Answer[destination_pb2.CompleteWriteResponse]:
        """Call CompleteWrite; by default every stream has reached completion."""
        request = destination_pb2.CompleteWriteRequest(
            config_json=self.config_json,
            write_id=self.write_id,
            receipts=receipts,
            completed_streams=[target.wire for target in (self.targets if completed is None else completed)],
        )
        return await (peer or await self.trial.peer()).complete(request, self._seconds)

    async def abort(self, *, peer: Peer | None = None) -> Answer[destination_pb2.AbortWriteResponse]:
        """Call AbortWrite."""
        request = destination_pb2.AbortWriteRequest(config_json=self.config_json, write_id=self.write_id)
        return await (peer or await self.trial.peer()).abort(request, self._seconds)

    async def table(self, stream: int = 0) -> pa.Table:
        """Read back what readers see of a stream, without the columns that the destination adds."""
        target, trial = self.targets[stream], self.trial
        table = await read_back(
            trial.destination.read_back, trial.case.config, trial.case.folder, target.namespace, target.name
        )
        current_exchange().note("--", "read back", f"{target}: {table.num_rows} rows of {table.schema.names}")
        added = set(trial.destination.metadata_columns)
        return table.select([name for name in table.schema.names if name not in added])

    def stored_names(self, stream: int = 0) -> Mapping[str, str]:
        """Column at the source to its name in the destination, for those that the plan renames."""
        return {plan.column: plan.stored_name for plan in self.plans if plan.stream == stream and plan.stored_name}

    async def visible(self, stream: int = 0, schema: pa.Schema | None = None) -> list[Row]:
        """Read back the rows of a stream, in the order of the columns that were sent.

        Fails the check when a column is not there at all.
        """
        target, table = self.targets[stream], await self.table(stream)
        if not table.num_rows:
            return []
        fields = [field for field in schema or target.schema if field.name not in (OP, POSITION)]
        stored = self.stored_names(stream)
        wanted = [stored.get(field.name, field.name) for field in fields]
        missing = [name for name in wanted if name not in table.schema.names]
        if missing:
            raise Failed(f"column {missing[0]!r} of {target} is not in what is read back: {table.schema.names}")
        columns = [as_sent(table.column(name), field.type) for name, field in zip(wanted, fields, strict=True)]
        return rows_of(pa.RecordBatch.from_arrays(columns, names=wanted))

    def __str__(self) -> str:
        """As in messages."""
        return ", ".join(map(str, self.targets))
