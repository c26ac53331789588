"""Sources whose Reads break a rule."""

from __future__ import annotations

from collections.abc import Iterable

from towpath.connector.v1 import source_pb2

from conformance_mutants.messages import EachRead, reads
from conformance_mutants.mutant import mutant


def _opened_twice() -> EachRead:
    def each(message: source_pb2.ReadResponse) -> Iterable[source_pb2.ReadResponse]:
        return (message, message) if message.HasField("opened") else (message,)

    return each


def _batches_from_two() -> EachRead:
    def each(message: source_pb2.ReadResponse) -> Iterable[source_pb2.ReadResponse]:
        if message.HasField("batch"):
            message.batch.batch_seq += 1
        elif message.HasField("checkpoint") and message.checkpoint.up_to_batch_seq:
            message.checkpoint.up_to_batch_seq += 1
        return (message,)

    return each


mutant("read.opened-first", "source", "opens twice", begin=reads(_opened_twice))
mutant("read.batch-seq", "source", "counts batches from two", begin=reads(_batches_from_two))
