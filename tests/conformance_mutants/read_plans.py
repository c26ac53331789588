"""Sources whose plans break a rule."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from itertools import count

from towpath.connector.v1 import source_pb2

from conformance_mutants.mutant import mutant
from conformance_mutants.proxy import Begin
from conformance_mutants.read_relays import Ask, OnRead, during_reads, plans


def _forgets_the_last_stream(planned: source_pb2.PlanReadResponse) -> None:
    last = max(split.stream for split in planned.splits)
    kept = [split for split in planned.splits if split.stream != last or not last]
    del planned.splits[:]
    planned.splits.extend(kept)


def _forgets_the_last_split(planned: source_pb2.PlanReadResponse) -> None:
    if len(planned.splits) > 1 and all(split.stream == 0 for split in planned.splits):
        del planned.splits[-1]


def _plans_the_last_split_twice(planned: source_pb2.PlanReadResponse) -> None:
    if len(planned.splits) > 1:
        planned.splits.add().CopyFrom(planned.splits[-1])
        planned.splits[-1].split_id += " again"


def _counts_plans() -> Begin:
    numbers = count()

    def change(planned: source_pb2.PlanReadResponse) -> None:
        number = next(numbers)
        for split in planned.splits:
            split.split_id += f" {number}"

    return plans(change)


def _keeps_plans_in_memory() -> Begin:
    tokens: dict[bytes, bytes] = {}

    def change(planned: source_pb2.PlanReadResponse) -> None:
        for split in planned.splits:
            key = secrets.token_bytes(8)
            tokens[key], split.token = split.token, key

    class _LooksUp(OnRead):
        def ask(self, message: Ask) -> Iterable[Ask]:
            if message.HasField("open") and message.open.HasField("split"):
                message.open.split.token = tokens.get(message.open.split.token, b"a plan of another instance")
            return (message,)

    return plans(change, during_reads(_LooksUp))


mutant("read.plan", "source", "forgets the last stream of several", begin=plans(_forgets_the_last_stream))
mutant("read.splits-stable", "source", "counts its plans", begins=_counts_plans)
mutant("read.splits-union", "source", "forgets the last split", begin=plans(_forgets_the_last_split))
mutant("read.splits-disjoint", "source", "plans the last split twice", begin=plans(_plans_the_last_split_twice))
mutant("read.splits-elsewhere", "source", "keeps plans in memory", begins=_keeps_plans_in_memory)
