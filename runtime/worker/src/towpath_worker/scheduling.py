"""How the worker asks the kernel to be scheduled: as a batch of work, not as somebody who waits for an answer.

A message of some MiB goes through a socket in tens of pieces, and each piece wakes whoever waits for it. By default the
one who wakes takes the processor from the one who writes, and finds its caches cold. With SCHED_BATCH it waits until
the writer has filled the socket or used up its time: a transfer costs less CPU time, and shares of the processor stay
what they were. Connectors that are started as processes inherit it.
"""

from __future__ import annotations

import contextlib
import os

__all__ = ["schedule_as_batch"]


def schedule_as_batch() -> None:
    """Take the policy SCHED_BATCH; must be called before any thread or connector is started.

    Does nothing where there is no such policy, or where it may not be taken.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
