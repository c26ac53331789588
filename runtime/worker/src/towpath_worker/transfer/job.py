"""What all streams of one attempt share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from towpath_worker.transfer.budget import Budget
from towpath_worker.transfer.ports import DestinationLink, Journal, Platform, SourceLink

__all__ = ["Job"]


@dataclass(frozen=True)
class Job:
    """One attempt at one job. `commit_interval` and `clock` are in seconds; `clock` never goes back."""

    source: SourceLink
    destination: DestinationLink
    platform: Platform
    journal: Journal
    budget: Budget
    write_id: str
    epoch: int
    commit_bytes: int
    commit_interval: float
    fail_on_drift: bool = False
    max_parallel_streams: int = 4
    clock: Callable[[], float] = time.monotonic
