"""The good source that mutants are made of, and the case that it is judged with: rows that follow from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from towpath_conformance import Case
from towpath_sdk import Source, StreamName
from towpath_source_faker import FakerConfig, FakerSource
from towpath_source_faker.catalog import find_table
from towpath_source_faker.dice import Dice
from towpath_source_faker.ledger import Ledger
from towpath_source_faker.reading import timeline_of
from towpath_source_faker.remote import today
from towpath_source_faker.tables import Rows

__all__ = ["good_source", "source_case"]

_ROWS = 40


def good_source() -> Source[Any]:
    """A source that keeps every rule."""
    return FakerSource()


def source_case(folder: Path) -> Case:
    """How it is judged in little time. Everything lies below `folder`."""
    config = {
        "seed": 7,
        "rows": _ROWS,
        "api_key": "a-key-that-nobody-sees",
        "batch_rows": 10,
        "checkpoint_rows": 5,
        "wide_columns": 100,
        "changes": {"clock": str(folder / "clock"), "inserts": 6, "updates": 4},
        "ledger": str(folder / "ledger.json"),
    }
    expected = folder / "types.arrow"
    _write_types(config, expected)
    return Case.model_validate(
        {
            "config": config,
            "invalid": [
                {
                    "name": "a revoked key",
                    "kind": "credentials",
                    "set": {"api_key": "revoked-key"},
                    "fails": {"probe": "authentication", "reason": "KEY_REVOKED"},
                },
                {
                    "name": "an unreachable system",
                    "kind": "unreachable",
                    "set": {"failures.remote": "unreachable"},
                    "fails": {"probe": "network", "reason": "UNREACHABLE"},
                },
                {"name": "a negative number of rows", "set": {"rows": -1}, "fails": {"field": "rows"}},
                {"name": "a relative path", "set": {"ledger": "here"}, "fails": {"field": "ledger"}},
                {"name": "no seed", "drop": ["seed"], "fails": {"field": "seed"}},
            ],
            "source": {
                "streams": [
                    {"name": "customers"},
                    {"name": "orders", "columns": ["id", "total", "status"]},
                    {"name": "orders", "mode": "incremental", "cursor": "updated_at"},
                ],
                "empty": {"name": "empty"},
                "failing": {"name": "events"},
                "failing_set": {"failures.streams": {"events": {"kind": "denied", "after_rows": 12}}},
                "type_matrix": {"stream": {"name": "types"}, "expected": str(expected)},
                "add_rows": {"plugin": "conformance_mutants.good_source:next_day"},
                "schema_change": {"name": "orders"},
                "schema_change_set": {"schema_change_after_rows": 18},
                "many_streams": {"extra_streams": 10_000},
                "large": {"name": "events"},
                "large_set": {"rows": 20_000_000, "row_bytes": 200, "batch_rows": 2048, "checkpoint_rows": 2048},
                "oversize": {"name": "events"},
                "oversize_set": {"rows": 3, "row_bytes": 100_000},
                "blocked": {"name": "events"},
                "blocked_set": {"failures.streams": {"events": {"kind": "blocks", "after_rows": 12}}},
                "held": {"plugin": "conformance_mutants.good_source:holds"},
                "held_set": {"ledger": str(folder / "held.json")},
            },
            "patience": {
                "ready_seconds": 60,
                "slow_reader_seconds": 1,
                "idle_seconds": 1,
                "blocked_seconds": 0.2,
                "call_seconds": 10,
                "cycles": 8,
                "bit_flips": 20,
                "kills": 5,
                "resumes": 5,
            },
            "folder": folder,
        }
    )


def next_day(config: Mapping[str, Any]) -> None:
    """Let a day pass: rows are inserted and updated."""
    parsed = FakerConfig.model_validate(config)
    Path(config["changes"]["clock"]).write_text(str(today(parsed) + 1))


def holds(config: Mapping[str, Any]) -> bool:
    """Whether the remote system holds what was not acknowledged."""
    return bool(Ledger(Path(config["ledger"])).held())


def _write_types(config: Mapping[str, Any], path: Path) -> None:
    """Write what the stream `types` holds, without the connector's reading of it."""
    parsed = FakerConfig.model_validate(config)
    table = find_table(parsed, StreamName("", "types"))
    numbers = np.arange(_ROWS, dtype=np.int64)
    rows = Rows(Dice(parsed.seed, "types"), timeline_of(parsed, table, 0), numbers, np.zeros_like(numbers))
    columns = {column.name: column.make(rows) for column in table.columns}
    schema = pa.schema([column.field for column in table.columns])
    with pa.ipc.new_file(str(path), schema) as writer:
        cast("Any", writer).write_table(pa.table(columns, schema=schema))
