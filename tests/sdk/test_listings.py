"""What the documents print is what runs: each listing is taken from its page and started as a process."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from sdk_listings import code_lines, listings, running_listing
from towpath_sdk import BadRecord, NotFound, ReadMode, StreamName, Unavailable, WriteMode, WriteStream
from towpath_sdk.testing import ConnectorProcess

LOG_SOURCE, PARQUET_DESTINATION, TEST = range(3)


def test_source_of_the_root_readme_reads_a_folder(tmp_path: Path) -> None:
    """It is the first code that a newcomer sees and copies."""
    (csv_source,) = listings("README.md")
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n2,Grace\n")
    with running_listing(csv_source, tmp_path) as connector:
        streams = connector.discover({"path": str(tmp_path)})
        result = connector.read({"path": str(tmp_path)}, "people")
    assert code_lines(csv_source) <= 15
    assert [(stream.name, stream.arrow_schema.names) for stream in streams] == [("people", ["id", "name"])]
    assert result.rows == [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]
    assert result.complete


def test_source_of_the_sdk_readme_continues_where_it_was_committed(tmp_path: Path) -> None:
    """The page promises that the next run continues; a copy of it would read everything twice otherwise."""
    source = listings("sdk/README.md")[LOG_SOURCE]
    log = tmp_path / "app.log"
    log.write_text("one\ntwo\nhalf a li")
    config = {"path": str(log)}
    with running_listing(source, tmp_path) as connector:
        first = connector.read(config, "lines", ReadMode.INCREMENTAL)
        log.write_text("one\ntwo\nhalf a line\n")
        second = connector.read(config, "lines", ReadMode.INCREMENTAL, state=first.state)
    assert code_lines(source) <= 15
    assert first.rows == [{"line": "one\n", "end": 4}, {"line": "two\n", "end": 8}]
    assert second.rows == [{"line": "half a line\n", "end": 20}]


def test_destination_of_the_sdk_readme_publishes_what_the_receipts_name(tmp_path: Path) -> None:
    """It claims exactly-once in thirty lines; what a lost attempt staged must be gone."""
    target = tmp_path / "out"
    with running_listing(listings("sdk/README.md")[PARQUET_DESTINATION], tmp_path) as connector:
        assert [(probe.probe, probe.failure) for probe in connector.check({"path": str(target)})] == [("folder", None)]
        lost = _write(connector, target, epoch=1, ids=[1, 2])
        kept = _write(connector, target, epoch=2, ids=[1, 2, 3])
        before = list(target.glob("*.parquet"))
        for _ in range(2):  # a repetition after a crash does no harm
            connector.complete({"path": str(target)}, "job-7", [kept], [_STREAM])
    assert before == []
    assert lost != kept
    assert [parquet.read_table(file).to_pydict() for file in target.glob("*.parquet")] == [{"id": [1, 2, 3]}]
    assert [path.name for path in target.iterdir()] == ["job-7 writer-1 shop.orders 2 1.parquet"]


def test_test_of_the_sdk_readme_passes(tmp_path: Path) -> None:
    """An author begins by copying it."""
    readme = listings("sdk/README.md")
    source = readme[LOG_SOURCE].replace("serve(LogSource())\n", "")
    (tmp_path / "test_log_source.py").write_text(source + readme[TEST])
    ended = pytest_of(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize("document", ["README.md", "sdk/README.md"])
def test_listing_prints_its_spec(document: str, tmp_path: Path) -> None:
    """`python my_source.py spec` is how an author looks at the schema before anything runs."""
    program = tmp_path / "listing.py"
    program.write_text(listings(document)[0])
    ended = subprocess.run([sys.executable, program, "spec"], capture_output=True, text=True, check=True)
    assert '"path"' in ended.stdout
    assert '"ROLE_SOURCE"' in ended.stdout


_STREAM = WriteStream(StreamName("shop", "orders"), WriteMode.APPEND)


def _write(connector: ConnectorProcess, target: Path, *, epoch: int, ids: list[int]) -> bytes:
    with connector.write({"path": str(target)}, [_STREAM], write_id="job-7", epoch=epoch) as write:
        write.write(pa.record_batch({"id": ids}))
        committed = write.commit()
        write.finish()
    assert committed.rows == {0: len(ids)}
    return committed.receipt


def test_guide_for_authors_builds_a_tested_connector(tmp_path: Path) -> None:
    """Its listings are one program and one test; an author who follows the page must end with a green test."""
    *program, test = listings("docs/authors.md")
    (tmp_path / "sqlite_source.py").write_text("\n\n".join(program))
    (tmp_path / "test_sqlite_source.py").write_text(test)
    ended = pytest_of(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout


def test_source_of_the_guide_keeps_its_promises(tmp_path: Path) -> None:
    """It shows how to fail, to select and to cancel; those who copy it inherit that."""
    (tmp_path / "source").mkdir()
    config = {"path": str(tmp_path / "shop.db"), "busy_seconds": 0.1}
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute('CREATE TABLE "or""ders" (a INTEGER, b TEXT, c BLOB, d REAL, PRIMARY KEY (b, a))')
        database.execute('INSERT INTO "or""ders" VALUES (1, NULL, x\'00ff\', 0.5)')
        database.execute("CREATE TABLE odd (n INTEGER)")
        database.execute("INSERT INTO odd VALUES ('not a number')")
    with running_listing("\n\n".join(listings("docs/authors.md")[:-1]), tmp_path / "source") as connector:
        assert [probe.failure for probe in connector.check(config)] == [None]
        streams = connector.discover(config)
        result = connector.read(config, 'or"ders', columns=["c", "a"])
        odd = connector.read(config, "odd", may_fail=True)
        gone = connector.read(config, "gone", may_fail=True)
        database.execute("BEGIN EXCLUSIVE")
        busy = connector.read(config, "odd", may_fail=True)
        database.rollback()
    assert [(stream.name, list(stream.primary_key)) for stream in streams] == [("odd", []), ('or"ders', ["b", "a"])]
    assert result.rows == [{"c": b"\0\xff", "a": 1}]
    assert [type(read.failure) for read in (odd, gone, busy)] == [BadRecord, NotFound, Unavailable]


def pytest_of(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as their author would, without the plug-ins of this repository."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
