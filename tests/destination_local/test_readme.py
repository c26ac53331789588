"""What the README of the destination says is so."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import towpath_destination_local
from destination_local_steps import config_of, ids, orders, publish_rows
from file_steps import rows
from towpath_destination_local.config import LocalConfig
from towpath_sdk import WriteMode
from towpath_sdk.files import CsvFormat, JsonLinesFormat, ParquetFormat

FOLDER = Path(__file__).parents[2] / "connectors/destination-local"
README = (FOLDER / "README.md").read_text()


def test_every_field_is_described_with_its_default() -> None:
    """A field that is added without a word is a field that nobody finds."""
    lines = [line.split("|") for line in README.split("## Where")[0].splitlines() if line.startswith("| `")]
    described = {line[1].strip(" `"): line[2].strip() for line in lines}
    formats = {"parquet": ParquetFormat(), "jsonl": JsonLinesFormat(type="jsonl"), "csv": CsvFormat(type="csv")}
    for name in ("format.type", *formats):
        described.pop(name)
    assert list(described) == list(LocalConfig.model_fields)
    defaults = LocalConfig(path=Path("/any"))
    assert described["metadata_columns"].strip("`") == json.dumps(defaults.metadata_columns)
    assert (described["target_file_bytes"], defaults.target_file_bytes) == ("256 MiB", 256 << 20)
    assert described["format"] == f"Parquet, {ParquetFormat().compression.value}"
    for name, form in formats.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", README, re.MULTILINE)
        (values,) = [definition["enum"] for definition in type(form).model_json_schema()["$defs"].values()]
        assert sorted(row.replace("`", "").split(", ")) == sorted(values)


def test_every_file_is_in_the_map() -> None:
    """The map is read by whoever looks for the file to change."""
    named = set(re.findall(r"`(\w+\.py)`", README.split("## Files")[1]))
    package = Path(towpath_destination_local.__file__).parent
    modules = {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
    assert named == modules | {path.name for path in FOLDER.glob("*.py")}


def test_query_reads_what_is_published_after_columns_were_added(tmp_path: Path) -> None:
    """It is what people copy first."""
    duckdb = pytest.importorskip("duckdb")
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3), write_id="write-1")
    publish_rows(config, rows(4, 5).select(["id"]), write_id="write-2")
    (query,) = re.findall(r"`(read_parquet\(.*?\))`", README)
    found = duckdb.sql(f"select id, name from {query.replace('/data/lake', config['path'])} order by id").fetchall()
    assert found == [(1, "order 1"), (2, "order 2"), (3, "order 3"), (4, None), (5, None)]


def test_backup_command_waits_for_the_lock_that_jobs_take(tmp_path: Path) -> None:
    """A backup that does not hold the lock is a gamble that goes well for years."""
    config = config_of(tmp_path)
    publish_rows(config, rows(1, 3), stream=orders(WriteMode.DEDUP))
    (command,) = re.findall(r"^flock .*$", README, re.MULTILINE)
    words = command.replace("/data/lake", config["path"]).replace("/backup", str(tmp_path / "backup")).split()
    assert Path(words[1]).exists()
    subprocess.run(words, check=True, timeout=60)
    assert ids({"path": str(tmp_path / "backup")}) == ids(config) == [1, 2, 3]
