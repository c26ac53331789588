"""The judge of the fault tests can fail: one that cannot would prove nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from faults_lake import assert_same
from faults_rows import SCHEMA, Rows


def rows(*versions: int) -> Rows:
    """Rows that differ by their version alone; every second one has no note."""
    at = datetime(2024, 2, 29, 12, tzinfo=UTC)
    values = [(1, n, Decimal("0.25"), at, None if n % 2 else "note", b"\x00\xff") for n in versions]
    return pa.table(list(map(list, zip(*values, strict=True))), schema=SCHEMA)


def test_order_says_nothing() -> None:
    """Files are read in the order of their keys, tables in any."""
    assert_same("orders", rows(1, 2, 3), pa.concat_tables([rows(3), rows(1, 2)]))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (rows(1, 3), "of 3 rows 1 are lost and 0 too many"),
        (rows(1, 2, 3, 3), "of 3 rows 0 are lost and 1 too many"),
        (rows(1, 2, 4), "of 3 rows 1 are lost and 1 too many"),
        (SCHEMA.empty_table(), "of 3 rows 3 are lost and 0 too many"),
    ],
    ids=["lost", "doubled", "another", "none"],
)
def test_row_that_is_lost_doubled_or_another_is_told(found: Rows, says: str) -> None:
    """With how many, and examples."""
    with pytest.raises(AssertionError, match=says):
        assert_same("orders", rows(1, 2, 3), found)
