# ruff: noqa: INP001 - plug-ins of the case file beside it, part of no package
"""What `conformance.yaml` does to the made-up remote system: begin anew, let a day pass, say what it holds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from towpath_source_faker import FakerConfig
from towpath_source_faker.ledger import Ledger
from towpath_source_faker.remote import today

__all__ = ["begin", "holds", "next_day"]


def begin(config: Mapping[str, Any]) -> None:
    """Make the folder of clock and ledger anew."""
    folder = Path(config["ledger"]).parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def next_day(config: Mapping[str, Any]) -> None:
    """Let a day pass: rows are inserted and updated."""
    day = today(FakerConfig.model_validate(config)) + 1
    Path(config["changes"]["clock"]).write_text(str(day), encoding="utf-8")


def holds(config: Mapping[str, Any]) -> bool:
    """Whether the remote system holds anything that was not acknowledged."""
    return bool(Ledger(Path(config["ledger"])).held())
