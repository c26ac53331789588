"""Faults in what is written: batches that are cut off, damaged, lie about themselves, or come at the wrong time."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from towpath.connector.v1 import destination_pb2, types_pb2

from towpath_conformance.damage import bit_flips, cut_off, lying, with_payload
from towpath_conformance.model import difference
from towpath_conformance.offences import (
    PROMPT_SECONDS,
    Material,
    Offence,
    expect_serving,
    expect_writes_refused,
    material,
)
from towpath_conformance.peer import Peer, TooSlow
from towpath_conformance.registry import DESTINATION, check
from towpath_conformance.trial import Trial
from towpath_conformance.verdicts import expect, fail
from towpath_conformance.writing import Writing

_DAMAGED = (grpc.StatusCode.DATA_LOSS,)
_ABSURD_ROWS = 2**63


def _request(batch: types_pb2.Batch) -> bytes:
    return destination_pb2.WriteRequest(batch=batch).SerializeToString()


@check(
    "fault.bad-crc",
    needs=[DESTINATION],
    asserts="A batch whose crc32c is not the CRC-32C of ipc_messages ends the Write with DATA_LOSS, and is not "
    "committed.",
    why="The checksum is the only thing that tells rows that were damaged on the way from rows that were not.",
    fix="Compute CRC-32C (Castagnoli, not the CRC-32 of zip) of ipc_messages before you decode them, and fail with "
    "DATA_LOSS unless it equals crc32c. Zero is a checksum like any other, and does not mean that there is none.",
)
async def bad_crc(trial: Trial) -> None:
    def make(valid: Material) -> Sequence[Offence]:
        spoilt = [valid.batch() for _ in range(2)]
        spoilt[0].crc32c ^= 0xFFFFFFFF
        spoilt[1].crc32c = 0
        names = ("a batch whose crc32c has every bit wrong", "a batch whose crc32c is 0 instead of what it should be")
        return [
            Offence(name, [valid.schema, _request(batch)], _DAMAGED) for name, batch in zip(names, spoilt, strict=True)
        ]

    await expect_writes_refused(trial, "bad-crc", make)


@check(
    "fault.truncated-ipc",
    needs=[DESTINATION],
    asserts="A batch whose ipc_messages are cut off, under a checksum that is right, ends the Write with DATA_LOSS, "
    "and is not committed.",
    why="A checksum says that nothing was damaged on the way, not that the sender was sane: the rest must be checked "
    "as well.",
    fix="Let whatever your Arrow library raises about a message end the call with DATA_LOSS, and read it in full "
    "before you store the first row of it.",
)
async def truncated_ipc(trial: Trial) -> None:
    def make(valid: Material) -> Sequence[Offence]:
        batch = valid.batch()
        return [
            Offence(f"a batch of which {what}", [valid.schema, _request(with_payload(batch, payload))], _DAMAGED)
            for what, payload in cut_off(batch.ipc_messages)
        ]

    await expect_writes_refused(trial, "truncated-ipc", make)


@check(
    "fault.absurd-length",
    needs=[DESTINATION],
    asserts="A length that lies (of the batch, of the metadata or the body of its IPC message, of a field of "
    "protobuf) ends the Write within seconds; the process lives, allocates nothing for it, and commits nothing of it.",
    why="One damaged length must not cost a connector its memory, and all other jobs their connector.",
    fix="Compare a length with what is there before you allocate or loop by it. Compare Batch.rows with the rows that "
    "you have decoded.",
)
async def absurd_length(trial: Trial) -> None:
    def make(valid: Material) -> Sequence[Offence]:
        batch = valid.batch()
        offences = [
            Offence(f"a batch of which {what}", [valid.schema, _request(with_payload(batch, payload))], ())
            for what, payload in lying(batch.ipc_messages)
        ]
        many, none = valid.batch(), valid.batch()
        many.rows, none.rows = _ABSURD_ROWS, 0
        whole = _request(batch)
        return [
            *offences,
            Offence("a batch that claims to have 2^63 rows", [valid.schema, _request(many)], ()),
            Offence("a batch that claims to have no rows", [valid.schema, _request(none)], ()),
            # Field 3 of a length that needs five bytes, and says that 2 GiB follow.
            Offence("a request that claims to have 2 GiB", [valid.schema, b"\x1a\xff\xff\xff\xff\x07" + whole[3:]], ()),
        ]

    await expect_writes_refused(trial, "absurd-length", make)


@check(
    "fault.wrong-schema-id",
    needs=[DESTINATION],
    asserts="A batch with a schema_id that was not announced for its stream in this call ends the Write with "
    "INVALID_ARGUMENT, and is not committed.",
    why="Rows decoded by another schema may look right and be wrong.",
    fix="Keep announced schemas per call, each with its stream; refuse a batch whose pair of both you do not have.",
)
async def wrong_schema_id(trial: Trial) -> None:
    def make(valid: Material) -> Sequence[Offence]:
        spoilt = [valid.batch() for _ in range(3)]
        spoilt[0].schema_id, spoilt[1].schema_id, spoilt[2].stream = 99, 0, 1
        names = (
            "a batch with the schema_id 99, where 1 was announced",
            "a batch with the schema_id 0",
            "a batch of stream 1 with a schema_id that was announced for stream 0",
        )
        return [Offence(name, [valid.schema, _request(batch)]) for name, batch in zip(names, spoilt, strict=True)]

    await expect_writes_refused(trial, "wrong-schema-id", make, streams=2)


@check(
    "fault.batch-before-open",
    needs=[DESTINATION],
    asserts="A Write that does not begin with its open ends with INVALID_ARGUMENT, whatever comes first.",
    why="Without an open nobody has said who writes, where to, and since which epoch.",
    fix="Demand WriteOpen as the first message, and do nothing before you have it; do not wait for it to come later.",
)
async def batch_before_open(trial: Trial) -> None:
    def make(valid: Material) -> Sequence[Offence]:
        batch = _request(valid.batch())
        return [
            Offence("a Write that begins with a batch", [batch, valid.open(1), valid.schema], opened=False),
            Offence("a Write that begins with a schema", [valid.schema, valid.open(2), batch], opened=False),
            Offence("a Write that begins with a commit", [valid.commit], opened=False),
        ]

    await expect_writes_refused(trial, "batch-before-open", make)


@check(
    "fault.bit-flips",
    needs=[DESTINATION],
    slow=True,
    asserts="Of valid batches with one bit changed, at seeded places, none crashes the connector, makes a call hang, "
    "or is committed with other rows than were sent.",
    why="Memory, disks and networks do this. A row that is wrong and looks right is the worst that can happen to data.",
    fix="Verify the checksum before anything else; treat the header, which it does not cover, as something a stranger "
    "has sent; and let whatever a decoder raises end the call and not the process.",
)
async def flips_in_batches(trial: Trial) -> None:
    valid = await material(trial, "bit-flips")
    peer, random = await trial.peer(), trial.random("fault.bit-flips")
    receipts: list[bytes] = []
    for number, (what, flipped) in enumerate(
        bit_flips(_request(valid.batch()), trial.case.patience.bit_flips, random), 1
    ):
        receipt = await _committed_in_spite(peer, valid, f"flip-{number}", what, flipped)
        if receipt is not None:
            receipts.append(receipt)
    await expect_serving(peer, f"{trial.case.patience.bit_flips} batches with a flipped bit")
    _ = (await valid.delivery.complete(receipts)).ok
    once = valid.delivery.targets[0].mode == types_pb2.WRITE_MODE_DEDUP
    expected = list(valid.rows) * (min(1, len(receipts)) if once else len(receipts))
    problem = difference(expected, await valid.delivery.visible())
    expect(
        not problem,
        f"{len(receipts)} of {trial.case.patience.bit_flips} batches with a flipped bit were committed; where that "
        f"changes no row, it may be. After CompleteWrite: {problem}",
    )


async def _committed_in_spite(peer: Peer, valid: Material, writer: str, what: str, flipped: bytes) -> bytes | None:
    """Send a damaged batch by a writer of its own; the receipt, if it is committed all the same."""
    async with peer.write() as call:
        for message in (valid.open(1, writer), valid.schema, flipped, valid.commit):
            await call.send(message)
        writing = Writing(call, valid.delivery.opening(writer=writer), PROMPT_SECONDS)
        try:
            while (answered := await writing.receive()) is not None:
                if answered.kind == "committed":
                    await writing.finish()
                    return answered.message.committed.receipt
        except TooSlow:
            fail(f"a batch with {what} changed: no status came within {PROMPT_SECONDS:g} s")
    failure = writing.recording.failure
    expect(
        failure is None or failure.code is not grpc.StatusCode.UNAVAILABLE,
        f"a batch with {what} changed: the connection is lost, as if the connector had crashed: {failure}",
    )
    return None
