"""Connectors that take what they should refuse, or refuse what they should take."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
import pyarrow as pa
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2
from towpath_conformance.damage import with_unknown
from towpath_conformance.encoding import crc32c

from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin, Ending, Relayed
from conformance_mutants.read_relays import Ask, OnRead, Say, during_reads
from conformance_mutants.write_relays import OnWrite, asks_of_a_write, during_writes

_Ask = destination_pb2.WriteRequest


class _TakesZeroForNoChecksum(OnWrite):
    """Verifies a checksum only when there is one, and takes 0 for none."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("batch") and not message.batch.crc32c:
            message.batch.crc32c = crc32c(message.batch.ipc_messages)
        return (message,)


class _VerifiesOnce(OnWrite):
    """Takes a checksum that it has met before for one that it has verified."""

    def __init__(self, met: set[int]) -> None:
        self._met = met

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("batch"):
            if message.batch.crc32c in self._met:
                message.batch.crc32c = crc32c(message.batch.ipc_messages)
            else:
                self._met.add(message.batch.crc32c)
        return (message,)


def _verifies_once() -> Begin:
    met: set[int] = set()
    return during_writes(lambda: _VerifiesOnce(met))


class _CallsDamageItsOwnBug(Relayed):
    """Lets what Arrow raises end the call as it comes."""

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        code, message, _ = ending
        malformed = code is grpc.StatusCode.DATA_LOSS and "is malformed" in message
        return (), (grpc.StatusCode.INTERNAL, message, ()) if malformed else ending


class _Announced(OnWrite):
    """Remembers the schemas of a Write by their ids."""

    def __init__(self) -> None:
        self.schemas: dict[int, types_pb2.SchemaAnnounce] = {}

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("schema"):
            self.schemas[message.schema.schema_id] = message.schema
        return (message,)


class _CountsRowsItself(_Announced):
    """Does not care how many rows a batch claims to have."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        announced = self.schemas.get(message.batch.schema_id)
        if message.HasField("batch") and announced is not None:
            message.batch.rows = _rows(announced.ipc_schema, message.batch)
        return super().ask(message)


def _rows(ipc_schema: bytes, batch: types_pb2.Batch) -> int:
    """How many rows there are; where that cannot be told, how many there should be."""
    if crc32c(batch.ipc_messages) != batch.crc32c:
        return batch.rows
    try:
        with pa.ipc.open_stream(pa.py_buffer(ipc_schema + batch.ipc_messages)) as stream:
            return stream.read_next_batch().num_rows
    except (pa.ArrowException, OSError, EOFError, StopIteration):
        return batch.rows


class _TakesAnySchemaForTheLatest(_Announced):
    """Decodes a batch by the latest schema where it does not know the one that is named."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("batch") and self.schemas and message.batch.schema_id not in self.schemas:
            message.batch.schema_id = max(self.schemas)
        return super().ask(message)


class _WaitsForTheOpen(OnWrite):
    """Passes over batches that come before the open."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        return () if message.HasField("batch") and self.opening is None else (message,)


class _KeepsTheFirstOpen(OnWrite):
    """Passes over every open but the first."""

    _opened = False

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        again = message.HasField("open") and self._opened
        self._opened = self._opened or message.HasField("open")
        return () if again else (message,)


class _PassesOverUnknownKinds(OnWrite):
    """Has no default branch."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        return () if message.WhichOneof("message") is None else (message,)


class _TakesUnknownFieldsForDamage(OnWrite):
    """Reads the header of a batch by hand, and does not expect anything between its fields."""

    def ask(self, message: _Ask) -> Iterable[_Ask]:
        if message.HasField("batch") and len(UnknownFieldSet(message.batch)):
            message.batch.crc32c ^= 1
        return (message,)


def _appends_in_unknown_modes(opening: destination_pb2.WriteOpen) -> None:
    for stream in opening.streams:
        if stream.mode not in (types_pb2.WRITE_MODE_UNSPECIFIED, *types_pb2.WriteMode.values()):
            stream.mode = types_pb2.WRITE_MODE_APPEND


class _AcknowledgesBeforeTheOpen(OnRead):
    """Passes over acknowledgements that come before the open, and then wants no others."""

    _early = False

    def ask(self, message: Ask) -> Iterable[Ask]:
        if message.HasField("ack") and not self.opening.streams:
            self._early = True
            return ()
        return (message,)

    def answer(self, message: Say) -> Iterable[Say]:
        self.over = self._early and message.HasField("finished")
        return (message,)


class _DiesOfDamage(Relayed):
    """Is gone as soon as a request cannot be parsed."""

    _damaged = False

    async def request(self, raw: bytes) -> Iterable[bytes]:
        try:
            source_pb2.ReadRequest.FromString(raw)
        except DecodeError:
            self._damaged = True
        return (raw,)

    async def end(self, ending: Ending) -> tuple[Iterable[bytes], Ending]:
        return (), (grpc.StatusCode.UNAVAILABLE, "Socket closed", ()) if self._damaged else ending


class _SpeaksALaterMinor(Relayed):
    """Sends a field that no version has."""

    async def response(self, raw: bytes) -> Iterable[bytes]:
        message = source_pb2.ReadResponse.FromString(raw)
        return (with_unknown(message) if message.HasField("opened") else raw,)


for _check, _name, _begin in (
    ("fault.bad-crc", "takes a checksum of 0 for none", during_writes(_TakesZeroForNoChecksum)),
    (
        "fault.truncated-ipc",
        "calls damage its own bug",
        lambda method: _CallsDamageItsOwnBug() if method == "Write" else Relayed(),
    ),
    ("fault.absurd-length", "counts rows itself", during_writes(_CountsRowsItself)),
    ("fault.wrong-schema-id", "takes any schema for the latest", during_writes(_TakesAnySchemaForTheLatest)),
    ("fault.batch-before-open", "passes over what comes before the open", during_writes(_WaitsForTheOpen)),
    ("fault.second-open", "keeps the first open", during_writes(_KeepsTheFirstOpen)),
    ("fault.empty-oneof", "passes over unknown kinds", during_writes(_PassesOverUnknownKinds)),
    ("fault.unknown-fields", "takes unknown fields for damage", during_writes(_TakesUnknownFieldsForDamage)),
    ("fault.unknown-enums", "appends in unknown modes", asks_of_a_write(_appends_in_unknown_modes)),
):
    mutant(_check, "destination", _name, begin=_begin)

for _check, _name, _begin in (
    ("fault.ack-before-open", "passes over what comes before the open", during_reads(_AcknowledgesBeforeTheOpen)),
    (
        "fault.flips-in-reads",
        "dies of requests that cannot be parsed",
        lambda method: _DiesOfDamage() if method == "Read" else Relayed(),
    ),
    (
        "fault.previous-minor",
        "sends a field of a later minor",
        lambda method: _SpeaksALaterMinor() if method == "Read" else Relayed(),
    ),
):
    mutant(_check, "source", _name, begin=_begin)

mutant("fault.bit-flips", "destination", "verifies each checksum once", begins=_verifies_once)
