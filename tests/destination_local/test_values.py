"""Every type with its extremes, in every form, value by value: appended, and merged, which reads the values back."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from destination_local_steps import config_of, orders, running_destination, table, visible, write_rows
from file_steps import rows
from file_values import SAMPLES, Sample
from towpath_sdk import BadRecord, Fit, Misconfigured, StreamName, WriteMode
from towpath_sdk.files import TextCompression
from towpath_sdk.testing import ConnectorUnderTest

EVERY_SAMPLE = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
EVERY_MODE = pytest.mark.parametrize("mode", [WriteMode.APPEND, WriteMode.DEDUP])
SECONDS = {"time32 in seconds", "timestamp in seconds"}
"""What lies behind merged text is Parquet, which counts in thousandths."""


@pytest.fixture(scope="module")
def destination() -> Iterator[ConnectorUnderTest]:
    with running_destination() as running:
        yield running


def stored(
    destination: ConnectorUnderTest, folder: Path, kind: str, mode: WriteMode, sample: Sample
) -> Mapping[str, Any]:
    """Write the column beside a number, whole; return the configuration."""
    config, stream = config_of(folder, format={"type": kind}), orders(mode, key=("n",))
    batch = pa.record_batch([sample.values, pa.array(range(len(sample.values)))], names=["c", "n"])
    receipts = write_rows(destination, config, [[batch.slice(0, 1), batch.slice(1)]], stream)
    destination.complete(config, "write-1", receipts, [stream])
    return config


def text(config: Mapping[str, Any]) -> str:
    (path,) = visible(config)
    return path.read_bytes().decode()  # as it is: Python's text files know more ends of lines than LF


def bits(array: Any) -> Any:
    """Floats as integers, so that NaN equals itself and 0 does not equal -0."""
    if pa.types.is_list(array.type) and pa.types.is_floating(array.type.value_type):
        return pa.array(array.offsets.to_pylist()), bits(array.flatten())
    return array.view(f"int{array.type.bit_width}") if pa.types.is_floating(array.type) else array


def alike(found: Any, expected: Any) -> bool:
    """Equal, the sign of zero included."""
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(alike, found, expected))
    if isinstance(expected, float) and isinstance(found, int | float):
        return found == expected and math.copysign(1, found) == math.copysign(1, expected)
    return type(found) is type(expected) and found == expected


@EVERY_MODE
@EVERY_SAMPLE
def test_parquet_gives_back_types_and_values(
    destination: ConnectorUnderTest, tmp_path: Path, mode: WriteMode, sample: Sample
) -> None:
    """Parquet is what most users read: nothing may be narrowed or moved, however often it is merged."""
    config = stored(destination, tmp_path, "parquet", mode, sample)
    found: Any = table(config).sort_by("n").column("c").combine_chunks()
    expected: Any = sample.parquet
    assert found.type == expected.type
    assert bits(found) == bits(expected)


@EVERY_MODE
@EVERY_SAMPLE
def test_json_lines_hold_the_values(
    destination: ConnectorUnderTest, tmp_path: Path, mode: WriteMode, sample: Sample
) -> None:
    """A line that json.loads refuses, or that holds another value, is a lost row."""
    config = stored(destination, tmp_path, "jsonl", mode, sample)
    found = [json.loads(line)["c"] for line in text(config).split("\n")[:-1]]
    expected = list(sample.json)
    if mode is WriteMode.DEDUP and sample.name in SECONDS:
        expected = [value and f"{value}.000" for value in expected]
    assert alike(found, expected)


@EVERY_MODE
@EVERY_SAMPLE
def test_csv_cells_hold_the_values(
    destination: ConnectorUnderTest, tmp_path: Path, mode: WriteMode, sample: Sample
) -> None:
    """NULL and the empty text look alike to the csv module; the encoder's own tests tell them apart."""
    config = stored(destination, tmp_path, "csv", mode, sample)
    header, *lines = csv.reader(io.StringIO(text(config), newline=""), strict=True)
    assert header == ["c", "n"]
    expected = [cell or "" for cell in sample.csv]
    if mode is WriteMode.DEDUP and sample.name in SECONDS:
        expected = [cell and f"{cell}.000" for cell in expected]
    assert [line[0] for line in lines] == expected


@EVERY_MODE
@pytest.mark.parametrize("codec", TextCompression)
def test_name_of_a_text_file_says_its_codec(
    destination: ConnectorUnderTest, tmp_path: Path, mode: WriteMode, codec: TextCompression
) -> None:
    """Readers take the codec from the name."""
    config = config_of(tmp_path, format={"type": "jsonl", "compression": codec.value})
    receipts = write_rows(destination, config, [[rows(1, 3)]], orders(mode))
    destination.complete(config, "write-1", receipts)
    (path,) = visible(config)
    assert "".join(path.suffixes) == {"none": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}[codec.value]
    with pa.input_stream(str(path), compression="detect") as file:
        assert file.read().count(b"\n") == 3


def test_column_that_no_file_can_hold_is_refused_before_data_moves(
    destination: ConnectorUnderTest, tmp_path: Path
) -> None:
    """The plan says so; a broker that writes nevertheless gets the same answer."""
    strange = pa.dense_union([pa.field("a", pa.int8())])
    schema = pa.schema([("id", pa.int64()), ("strange", strange)])
    (plan,) = destination.prepare(config_of(tmp_path), "write-1", [orders()], [schema])
    assert (plan.column, plan.fit) == ("strange", Fit.IMPOSSIBLE)


def test_value_that_a_file_cannot_hold_is_named_with_its_stream(
    destination: ConnectorUnderTest, tmp_path: Path
) -> None:
    """Parquet counts seconds in thousandths, and so many of them there are not."""
    far = pa.record_batch({"at": pa.array([2**62], pa.int64()).cast(pa.timestamp("s"))})
    with destination.write(config_of(tmp_path), [orders()]) as write:
        write.write(far)
        with pytest.raises(BadRecord, match=r"rows of public\.orders cannot be stored"):
            write.commit()


@pytest.mark.parametrize(
    "names",
    [("", "a"), ("a", "b"), ("..", "."), ("a/b", "c\\d"), ("_towpath", "_towpath"), ("ä ☃", "100%"), ("", "Orders")],
)
def test_streams_of_hostile_names_stay_in_folders_of_their_own(
    destination: ConnectorUnderTest, tmp_path: Path, names: tuple[str, str]
) -> None:
    """Names come from other people's systems."""
    config = config_of(tmp_path)
    stream = orders(name=StreamName(*names))
    receipts = write_rows(destination, config, [[rows(1, 3)]], stream)
    destination.complete(config, "write-1", receipts, [stream])
    (path,) = Path(config["path"]).rglob("*.parquet")
    below = path.relative_to(config["path"]).parts
    assert len(below) == len([part for part in names if part]) + 1
    assert below[0] != "_towpath"
    assert set(Path(config["path"]).parent.iterdir()) == {Path(config["path"])}


def test_name_that_is_too_long_for_a_folder_is_refused_before_data_moves(
    destination: ConnectorUnderTest, tmp_path: Path
) -> None:
    """A snowman takes nine characters when it is encoded; the file system allows 255."""
    stream = orders(name=StreamName("public", "☃" * 30))
    with pytest.raises(Misconfigured, match="too long for a folder") as failure:
        destination.prepare(config_of(tmp_path), "write-1", [stream], [rows(1, 1).schema])
    assert failure.value.reason == "NAME_TOO_LONG"
