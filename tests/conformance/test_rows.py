"""What a case file's command prints is compared as it was printed: reading it must not change a value."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from towpath_conformance.actions import ActionFailed, read_back
from towpath_conformance.case import Reader
from towpath_conformance.rows import filled, table_of_lines, table_of_rows
from towpath_conformance.values import as_sent, exact


def test_columns_that_only_later_rows_have_are_kept() -> None:
    """Rows from before a schema change come first, and lack the new column."""
    table = table_of_lines(b'{"id": 1}\n{"id": 2, "extra": "x"}\n')
    assert table.to_pylist() == [{"id": 1, "extra": None}, {"id": 2, "extra": "x"}]


@pytest.mark.parametrize(
    ("line", "type_", "value"),
    [
        (b'{"v": 18446744073709551615}', pa.uint64(), 2**64 - 1),
        (b'{"v": 99999999999999.99}', pa.decimal128(16, 2), Decimal("99999999999999.99")),
        (b'{"v": 5e-324}', pa.float64(), 5e-324),
        (b'{"v": "-Infinity"}', pa.float64(), float("-inf")),
        (b'{"v": NaN}', pa.float64(), float("nan")),
        (b'{"v": "9999-12-31T23:59:59.999999"}', pa.timestamp("us"), 253_402_300_799_999_999),
    ],
)
def test_numbers_keep_every_digit(line: bytes, type_: pa.DataType, value: object) -> None:
    """A reader that rounds would blame the destination for it."""
    seen = as_sent(table_of_lines(b'{"v": null}\n' + line).column("v"), type_)
    numbers = pa.array([None, value], pa.int64() if pa.types.is_timestamp(type_) else type_)
    sent = numbers.cast(type_)
    assert exact(seen) == exact(sent)


def test_mixed_values_become_text() -> None:
    """A column with NaN among numbers is one that no Arrow type but text holds."""
    assert table_of_rows([{"v": 1}, {"v": "NaN"}, {"v": [1]}]).column("v").to_pylist() == ["1", "NaN", "[1]"]


def test_a_line_that_is_no_object_is_an_error() -> None:
    """Log lines on standard output would otherwise be taken for rows."""
    with pytest.raises(ValueError, match="no JSON object"):
        table_of_lines(b"[1]\n")


def test_hostile_names_stay_names_in_sql() -> None:
    """Names of streams come from other people's systems; one that ends its quotation marks could do anything."""
    names = {"namespace": "it's", "stream": 'a"; drop table b --'}
    query = """SELECT '{stream}' FROM "{namespace}"."{stream}" WHERE n = '{namespace}' AND {other}"""
    assert filled(query, names) == (
        """SELECT 'a"; drop table b --' FROM "it's"."a""; drop table b --" WHERE n = 'it''s' AND {other}"""
    )


async def test_a_table_that_does_not_exist_reads_as_no_rows(tmp_path: Path) -> None:
    """Nothing of a write is there before it is completed, often not even its table."""
    reader = Reader(sql='SELECT * FROM "{stream}"', url=str(tmp_path / "lake.db"))
    assert (await read_back(reader, {}, tmp_path, "", "orders")).num_rows == 0


async def test_what_a_command_prints_beside_rows_is_said(tmp_path: Path) -> None:
    """The author of a case file has to see that it is the reader that is wrong, not the connector."""
    reader = Reader(command=["echo", "no such table"])
    with pytest.raises(ActionFailed, match="what `echo` printed is no jsonl"):
        await read_back(reader, {}, tmp_path, "", "orders")
