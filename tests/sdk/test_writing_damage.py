"""A Write that is damaged: answered promptly, with whose fault it is; nothing is committed and the process lives."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import google_crc32c
import pyarrow as pa
import pytest
from sdk_blocking import eventually
from sdk_listings import listings
from sdk_shelf import ORDERS, Shelf, numbers
from towpath.connector.v1 import destination_pb2, source_pb2, types_pb2
from towpath_sdk import BadRecord, Misconfigured, TowpathError
from towpath_sdk._wire.batches import BatchEncoder, encode_batch
from towpath_sdk._wire.catalogs import write_stream_to_wire
from towpath_sdk._wire.schemas import encode_schema
from towpath_sdk.testing import (
    ConnectorProcess,
    ConnectorUnderTest,
    SteppedCall,
    connector_process,
    connector_under_test,
)

Request = destination_pb2.WriteRequest
RECORDS = pa.record_batch(
    {
        "n": pa.array(range(100), pa.int64()),
        "text": pa.array([f"text {n}" if n % 7 else None for n in range(100)]),
        "tags": pa.array([["a"] * (n % 3) for n in range(100)], pa.list_(pa.string())),
        "colour": pa.array(["red", "green"] * 50).dictionary_encode(),
    }
)
IPC_SCHEMA = encode_schema(RECORDS.schema)


def opening(write_id: str = "job-1", config: str = "{}") -> bytes:
    """Return a valid open."""
    request = destination_pb2.WriteOpen(config_json=config, write_id=write_id, writer_id="w", epoch=1)
    request.streams.append(write_stream_to_wire(ORDERS))
    return Request(open=request).SerializeToString()


def schema(schema_id: int = 1, stream: int = 0, ipc_schema: bytes = IPC_SCHEMA) -> bytes:
    """Return an announcement."""
    announced = types_pb2.SchemaAnnounce(stream=stream, schema_id=schema_id, ipc_schema=ipc_schema)
    return Request(schema=announced).SerializeToString()


def payload() -> bytes:
    """Return the records as IPC messages, their dictionary first."""
    return BatchEncoder(RECORDS.schema, IPC_SCHEMA).encode(RECORDS).to_pybytes()


def batch(
    *,
    schema_id: int = 1,
    seq: int = 1,
    rows: int = 100,
    stream: int = 0,
    crc: int | None = None,
    ipc: bytes | None = None,
) -> bytes:
    """Return a batch; what is not given is right."""
    ipc = payload() if ipc is None else ipc
    return Request(
        batch=types_pb2.Batch(
            stream=stream,
            schema_id=schema_id,
            batch_seq=seq,
            rows=rows,
            crc32c=google_crc32c.value(ipc) if crc is None else crc,
            ipc_messages=ipc,
        )
    ).SerializeToString()


def commit(seq: int = 1, up_to: int = 1) -> bytes:
    """Return a commit."""
    return Request(commit=destination_pb2.WriteCommit(commit_seq=seq, up_to_batch_seq=up_to)).SerializeToString()


VIOLATIONS: dict[str, tuple[list[bytes], type[TowpathError], str]] = {
    "bad checksum": ([schema(), batch(crc=1), commit()], BadRecord, "CHECKSUM_MISMATCH"),
    "truncated payload": ([schema(), batch(ipc=payload()[:-64]), commit()], BadRecord, "MALFORMED_BATCH"),
    "no payload": ([schema(), batch(ipc=b""), commit()], BadRecord, "MALFORMED_BATCH"),
    "payload that is no IPC": ([schema(), batch(ipc=b"hello, world"), commit()], BadRecord, "MALFORMED_BATCH"),
    "two record batches": ([schema(), batch(ipc=payload() * 2), commit()], BadRecord, "MALFORMED_BATCH"),
    "payload of another schema": (
        [schema(ipc_schema=encode_schema(numbers().schema)), batch(), commit()],
        BadRecord,
        "MALFORMED_BATCH",
    ),
    "wrong number of rows": ([schema(), batch(rows=99), commit()], BadRecord, "ROW_COUNT_MISMATCH"),
    "no rows": ([schema(), batch(rows=0), commit()], BadRecord, "ROW_COUNT_MISMATCH"),
    "lost batch": ([schema(), batch(seq=2), commit()], BadRecord, "BATCH_GAP"),
    "repeated batch": ([schema(), batch(), batch(), commit()], BadRecord, "BATCH_GAP"),
    "commit of a batch that never came": ([schema(), batch(), commit(up_to=2)], BadRecord, "BATCH_GAP"),
    "commit of less than came": ([schema(), batch(), commit(up_to=0)], Misconfigured, "PROTOCOL_VIOLATION"),
    "commit out of order": ([schema(), batch(), commit(seq=2)], Misconfigured, "PROTOCOL_VIOLATION"),
    "unknown schema": ([schema(), batch(schema_id=2)], Misconfigured, "PROTOCOL_VIOLATION"),
    "no schema": ([batch()], Misconfigured, "PROTOCOL_VIOLATION"),
    "reused schema id": ([schema(), schema()], Misconfigured, "PROTOCOL_VIOLATION"),
    "schema that is none": ([schema(ipc_schema=b"hello")], Misconfigured, "PROTOCOL_VIOLATION"),
    "schema of an unknown stream": ([schema(stream=1)], Misconfigured, "PROTOCOL_VIOLATION"),
    "batch of an unknown stream": ([schema(), batch(stream=7)], Misconfigured, "PROTOCOL_VIOLATION"),
    "second open": ([opening()], Misconfigured, "PROTOCOL_VIOLATION"),
    "empty oneof": ([Request().SerializeToString()], Misconfigured, "PROTOCOL_VIOLATION"),
    "unknown kind": ([b"\x5a\x02\x08\x01"], Misconfigured, "PROTOCOL_VIOLATION"),
    "garbage": ([b"\xff" * 50], Misconfigured, "PROTOCOL_VIOLATION"),
    "absurd length": ([schema(), b"\x1a\xff\xff\xff\xff\x7f\x10\x01"], Misconfigured, "PROTOCOL_VIOLATION"),
    "absurd length of the payload": (
        [schema(), b"\x1a\x0e\x10\x01\x18\x01\x20\x64\x7a\xff\xff\xff\xff\x7f\x00\x00"],
        Misconfigured,
        "PROTOCOL_VIOLATION",
    ),
    "garbage in a commit": ([b"\x22\x02\x08\xff"], Misconfigured, "PROTOCOL_VIOLATION"),
    "garbage in a schema": ([b"\x12\x03\x1a\x7f\x00"], Misconfigured, "PROTOCOL_VIOLATION"),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_violation_is_answered_promptly(name: str) -> None:
    """A broker with a bug, or a damaged transport, must end the write; whatever was staged stays unpublished."""
    messages, error, reason = VIOLATIONS[name]
    shelf = Shelf()
    with connector_under_test(shelf, timeout=10) as connector:
        refused = refusal_of(connector, [opening(), *messages])
        assert connector.spec().connector_version == "0.1.0"
        assert refused is not None
        assert (type(refused), refused.reason) == (error, reason)
        eventually(lambda: connector.running_threads == 0)  # the refusal does not wait for the author's code
    # A refusal that comes at once may spare the author's code the opening of a writer.
    assert [(writer.commits, writer.closed) for writer in shelf.writers] in ([([], 1)], [])


@pytest.mark.parametrize(
    "messages",
    [[], [schema()], [batch()], [commit()], [b""], [b"\xff" * 30], [b"\x0a\x02\x08\xff"], [b"\x0a\x00"]],
    ids=["nothing", "schema", "batch", "commit", "empty", "garbage", "garbage in the open", "empty open"],
)
def test_write_begins_with_its_open(messages: list[bytes]) -> None:
    """A batch before the open has nowhere to go."""
    shelf = Shelf()
    with connector_under_test(shelf, timeout=10) as connector:
        refused = refusal_of(connector, messages)
        assert connector.spec().connector_version == "0.1.0"
    assert type(refused) is Misconfigured
    assert shelf.writers == []


def test_violation_is_answered_while_the_author_is_busy() -> None:
    """A store that takes a minute for a part must not keep the answer back."""
    shelf = Shelf()
    shelf.may_write.clear()
    with connector_under_test(shelf, timeout=10) as connector:
        refused = refusal_of(connector, [opening(), schema(), batch(), batch(seq=5)])
        assert refused is not None
        assert refused.reason == "BATCH_GAP"
        shelf.may_write.set()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectorProcess]:
    """The destination of the README in its own process, which a crash would end."""
    program = tmp_path_factory.mktemp("program") / "destination.py"
    program.write_text(listings("sdk/README.md")[1])
    with connector_process(sys.executable, program) as connector:
        yield connector


@pytest.mark.parametrize("part", ["batch", "commit"])
def test_flipped_bits_never_crash_and_never_commit(process: ConnectorProcess, tmp_path: Path, part: str) -> None:
    """One bit in a petabyte flips, on every machine; 150 of them, seeded, must each be noticed."""
    config = f'{{"path": "{tmp_path}"}}'
    chance = random.Random(20)
    intact = {"batch": batch(), "commit": commit()}
    for number in range(150):
        damaged = {**intact, part: flipped(intact[part], chance)}
        messages = [opening(f"job-{part}-{number}", config), schema(), damaged["batch"], damaged["commit"]]
        answers: list[bytes] = []
        refusal_of(process, messages, answers)
        kinds = [destination_pb2.WriteResponse.FromString(answer).WhichOneof("message") for answer in answers]
        assert set(kinds) <= {"opened"}, number
    assert process.alive


def test_flipped_bits_under_a_right_checksum_never_crash(process: ConnectorProcess, tmp_path: Path) -> None:
    """A foreign source may compute its checksum over nonsense; Arrow's own checks have to hold then."""
    config = f'{{"path": "{tmp_path}"}}'
    chance = random.Random(21)
    outcomes: set[str] = set()
    for number in range(150):
        messages = [opening(f"job-{number}", config), schema(), batch(ipc=flipped(payload(), chance)), commit()]
        answers: list[bytes] = []
        refused = refusal_of(process, messages, answers, may_pass=True)
        outcomes.add("passed" if refused is None else refused.reason)
    assert process.alive
    assert outcomes <= {"passed", "MALFORMED_BATCH", "ROW_COUNT_MISMATCH"}
    assert "MALFORMED_BATCH" in outcomes


def test_flipped_bits_in_open_and_schema_never_crash(process: ConnectorProcess, tmp_path: Path) -> None:
    """They may well name another stream or column; the process has to survive them."""
    config = f'{{"path": "{tmp_path}"}}'
    chance = random.Random(22)
    for number in range(100):
        intact = opening(f"job-{number}", config), schema()
        opened = flipped(intact[0], chance, spared=str(tmp_path).encode())  # another folder would be somebody else's
        messages = [opened, intact[1]] if number % 2 else [intact[0], flipped(intact[1], chance)]
        refusal_of(process, [*messages, batch(), commit()], may_pass=True)
    assert process.alive


def test_what_is_intact_passes(process: ConnectorProcess, tmp_path: Path) -> None:
    """The messages that the other tests damage are good ones."""
    answers: list[bytes] = []
    messages = [opening("job-good", f'{{"path": "{tmp_path}"}}'), schema(), batch(), commit()]
    assert refusal_of(process, messages, answers, may_pass=True) is None
    kinds = [destination_pb2.WriteResponse.FromString(answer).WhichOneof("message") for answer in answers]
    assert kinds == ["opened", "committed", "status"]


def test_hand_written_batch_is_what_protobuf_writes() -> None:
    """The fast path writes the message itself; every reader in the world uses protobuf."""
    ipc = payload()
    for stream, schema_id, seq, rows in ((0, 1, 1, 100), (3, 300, 2**40, 2**33)):
        written = encode_batch(stream, schema_id, seq, rows, pa.py_buffer(ipc))
        parsed = source_pb2.ReadResponse.FromString(written).batch
        assert written == batch(stream=stream, schema_id=schema_id, seq=seq, rows=rows)
        assert (parsed.stream, parsed.schema_id, parsed.batch_seq, parsed.rows) == (stream, schema_id, seq, rows)


def flipped(message: bytes, chance: random.Random, spared: bytes = b"") -> bytes:
    """Flip one bit, outside of `spared`."""
    begin = message.index(spared)
    damaged = bytearray(message)
    place = chance.choice([place for place in range(len(message)) if not begin <= place < begin + len(spared)])
    damaged[place] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def refusal_of(
    connector: ConnectorUnderTest | ConnectorProcess,
    messages: list[bytes],
    answers: list[bytes] | None = None,
    *,
    may_pass: bool = False,
) -> TowpathError | None:
    """Send messages, half-close, and return what the Write failed with; `answers` gathers what came before."""
    call = connector.raw_write()
    try:
        send_all(call, messages)
        while (answer := call.receive()) is not None:
            if answers is not None:
                answers.append(answer)
    except TowpathError as error:
        return error
    assert may_pass, "the write passed"
    return None


def send_all(call: SteppedCall, messages: list[bytes]) -> None:
    """Send, and half-close; what a call has ended with comes out of `receive`."""
    for message in messages:
        call.send(message)
    call.half_close()
