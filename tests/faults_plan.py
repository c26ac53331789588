"""Which fault strikes when, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

__all__ = ["Plan", "Strike", "Victim"]

Victim = Literal[
    "source", "destination", "worker", "server", "server away", "temporal", "s3", "postgres", "supervisor", "everything"
]
"""The server is killed, and may come back at once or only after the leases have run out."""

_DECK: tuple[Victim, ...] = (
    *("source", "destination", "worker", "server", "temporal", "s3", "postgres"),
    *("destination", "worker", "source", "temporal", "server", "s3", "postgres"),
    *("server", "destination", "everything", "source", "worker", "supervisor"),
)
"""First victims of twenty seeds in a row: whatever seed they begin with, each is struck."""

_TWICE = 0.35
_EARLY = 0.15
_LONGEST_DELAY = 0.3

_UNTIL: dict[Victim, float] = {"source": 0.5, "postgres": 0.5}
"""Who is gone before the end of a run, and from when on."""


@dataclass(frozen=True)
class Strike:
    """One fault: whom it strikes, and when.

    `at` is a part of the requests that an undisturbed run sends to S3, `delay` the seconds after these. Counting
    requests makes the moment that of the work, however fast the machine is. Above 1, a recovery is struck.
    """

    at: float
    delay: float
    victim: Victim


@dataclass(frozen=True)
class Plan:
    """What happens during one run, by time; `seed` also drives what a strike itself draws."""

    seed: int
    strikes: tuple[Strike, ...]

    @classmethod
    def draw(cls, seed: int) -> Plan:
        """Return the plan of a seed."""
        chance = random.Random(seed)
        victim = _DECK[seed % len(_DECK)]
        if chance.random() < _EARLY:
            strikes = [Strike(0, 4 * _LONGEST_DELAY * chance.random(), victim)]
        else:
            strikes = [Strike(_UNTIL.get(victim, 0.9) * chance.random(), _LONGEST_DELAY * chance.random(), victim)]
        if chance.random() < _TWICE:
            at = strikes[0].at + chance.random()
            strikes.append(Strike(at, _LONGEST_DELAY * chance.random(), chance.choice(_DECK)))
        return cls(seed, tuple(strikes))

    def __str__(self) -> str:
        struck = ", ".join(f"{strike.victim} at {strike.at:.2f} + {strike.delay:.2f} s" for strike in self.strikes)
        return f"seed {self.seed}: {struck}"
