"""Rates over the last seconds, out of cumulative counters that a worker reports about once a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Sample", "rates", "with_sample"]

WINDOW_SECONDS = 8.0
"""Span that a rate looks back over."""


@dataclass(frozen=True)
class Sample:
    """Cumulative counters at one time; `at` in seconds since the Unix epoch."""

    at: float
    rows: int
    bytes: int


def with_sample(samples: Sequence[Sample], sample: Sample) -> tuple[Sample, ...]:
    """Return `samples` with `sample` at the end, without those that fell out of the window.

    Counters that went backwards (a stream was reset) start a new series.
    """
    if samples and (sample.rows < samples[-1].rows or sample.bytes < samples[-1].bytes):
        return (sample,)
    return (*(old for old in samples if sample.at - old.at <= WINDOW_SECONDS), sample)


def rates(samples: Sequence[Sample], now: datetime) -> tuple[float, float]:
    """Return rows and bytes per second; zero when nothing was reported for the length of the window."""
    at = now.timestamp()
    recent = [sample for sample in samples if at - sample.at <= WINDOW_SECONDS]
    if not recent:
        return 0.0, 0.0
    first, last = recent[0], recent[-1]
    elapsed = last.at - first.at
    if elapsed <= 0:
        return 0.0, 0.0
    return (last.rows - first.rows) / elapsed, (last.bytes - first.bytes) / elapsed
