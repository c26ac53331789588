"""What becomes of columns: what users are told before data moves, the columns that are added, names that clash."""

from __future__ import annotations

import pyarrow as pa
import pytest
from file_steps import form_of
from file_values import SAMPLES, Sample
from towpath_sdk import Fit, Misconfigured
from towpath_sdk.files import StoredColumns, plan_columns

INTERVALS = {"interval", "list of intervals", "struct of intervals"}
BASE64 = {"binary", "large binary", "binary view", "fixed size binary", "list of binary"}
WIDE = {"decimal256", "decimal256 of tiny numbers"}
DECIMALS = {sample.name for sample in SAMPLES if "decimal" in sample.name}
NESTED = {sample.name for sample in SAMPLES if sample.name.split(" ", maxsplit=1)[0] in ("list", "struct", "map")}
LARGE_LISTS = {"large list of truth values"}
TOLD = {
    "parquet": {*INTERVALS, "duration", *WIDE},
    "jsonl": {*INTERVALS, "duration", *BASE64, *DECIMALS, "timestamp of a zone"},
    "csv": {*INTERVALS, "duration", *BASE64, *NESTED, *LARGE_LISTS, "timestamp of a zone"},
}


@pytest.mark.parametrize("kind", TOLD)
def test_users_are_told_of_each_column_that_changes_its_form(kind: str) -> None:
    """No plan at all would hide a change; a plan for every column would hide the changes that matter."""
    schema = pa.schema([(sample.name, sample.values.type) for sample in SAMPLES])
    plans = list(plan_columns(form_of(kind), 0, "any", schema, metadata_columns=True))
    assert {plan.column for plan in plans} == TOLD[kind]
    assert {plan.column for plan in plans if plan.fit is not Fit.LOSSLESS} == TOLD[kind] & {"timestamp of a zone"}
    assert all(plan.stored_name == plan.column and plan.reason for plan in plans)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_column_of_which_nothing_is_told_keeps_its_type_in_parquet(sample: Sample) -> None:
    """What a plan does not say must not happen: but for encodings of the memory, the stored type is the source's."""
    schema = pa.schema([("c", sample.values.type)])
    told = list(plan_columns(form_of("parquet"), 0, "any", schema, metadata_columns=True))
    stored = StoredColumns.of("any", schema, metadata_columns=False).schema
    if not told and "view" not in sample.name and "thousands" not in sample.name:
        assert stored == schema


@pytest.mark.parametrize(
    ("names", "metadata", "reason"),
    [
        (["id", "id"], True, "DUPLICATE_COLUMN"),
        (["id", "_towpath_job_id"], True, "COLUMN_NAME_TAKEN"),
        ([], False, "NO_COLUMNS"),
    ],
)
def test_names_that_clash_are_refused_by_plan_and_by_writer(names: list[str], metadata: bool, reason: str) -> None:  # noqa: FBT001 a parameter of the table
    """Readers would see one of the two columns, or none."""
    schema = pa.schema([(name, pa.int64()) for name in names])
    for refuse in (
        lambda: list(plan_columns(form_of("parquet"), 0, "public.orders", schema, metadata_columns=metadata)),
        lambda: StoredColumns.of("public.orders", schema, metadata_columns=metadata),
    ):
        with pytest.raises(Misconfigured, match=r"public\.orders") as failure:
            refuse()
        assert failure.value.reason == reason


def test_name_of_a_metadata_column_is_free_when_there_are_none() -> None:
    """A table that Towpath wrote can be read and written again."""
    schema = pa.schema([("_towpath_job_id", pa.string()), ("ID", pa.int64()), ("id", pa.int64())])
    assert StoredColumns.of("any", schema, metadata_columns=False).schema == schema


def test_notes_of_the_source_on_its_columns_are_not_stored() -> None:
    """What a driver notes on a column, such as a type's number, means nothing to readers."""
    schema = pa.schema([pa.field("id", pa.int64(), metadata={"POSTGRESQL:typname": "int8"})], metadata={"a": "b"})
    stored = StoredColumns.of("any", schema, metadata_columns=False).schema
    assert stored.metadata is None
    assert stored.field("id").metadata is None
