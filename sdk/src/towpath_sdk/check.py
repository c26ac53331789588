"""Probes: the named steps of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """One step of a check.

    `name` is stable and dotted, such as "network" or "permissions.select". `run` returns when all is well and raises a
    `TowpathError` that says what to do otherwise. When an `essential` probe fails, the later ones are not run.
    """

    name: str
    run: Callable[[], None]
    essential: bool = True
