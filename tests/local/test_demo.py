"""`make demo` on a small shop: interrupted, run, run again, and with an object that somebody has changed."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stack import Finished
from towpath_local.embedded.s3 import EmbeddedS3

_TABLES = {"stores", "products", "customers", "orders", "order_items", "events"}
_REPLACED = {"stores", "products"}


@dataclass(frozen=True)
class Runs:
    """What the demo said, run after run on one folder, and what was left behind by the interrupted one."""

    root: Path
    interrupted: Finished
    left_behind: list[str]
    first: Finished
    second: Finished
    damaged: Finished


def _start(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "towpath_local.demo", "--scale", "0.01", "--data-dir", str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str], said: str = "") -> Finished:
    out, err = process.communicate(timeout=240)
    return Finished(process.returncode, said + out, err)


def _interrupt(root: Path) -> Finished:
    """Press Ctrl-C as soon as rows are on their way."""
    process = _start(root)
    assert process.stdout is not None
    said = ""
    while "running" not in said:
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    process.send_signal(signal.SIGINT)
    return _end(process, said)


def _processes(root: Path) -> list[str]:
    """Command lines of whatever has to do with the folder."""
    found: list[str] = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(root) in f"{words} {process.info['cwd']}":
            found.append(words)
    return found


def _damage(root: Path) -> None:
    """Change one value in one delivered file, behind everybody's back."""
    with EmbeddedS3(root / "s3") as s3:
        client = s3.client()
        listed = client.list_objects_v2(Bucket="lake", Prefix="raw/shop/events/").get("Contents", [])
        key = min(entry.get("Key", "") for entry in listed if entry.get("Key", "").endswith(".parquet"))
        rows = pq.read_table(io.BytesIO(client.get_object(Bucket="lake", Key=key)["Body"].read()))
        kinds = rows.column("kind").to_pylist()
        index = rows.schema.get_field_index("kind")
        changed = pa.array(["bought", *kinds[1:]], rows.schema.field(index).type)
        file = io.BytesIO()
        pq.write_table(rows.set_column(index, rows.schema.field(index), changed), file)
        client.put_object(Bucket="lake", Key=key, Body=file.getvalue())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Four runs on one folder."""
    root = tmp_path_factory.mktemp("demo") / "demo"
    interrupted = _interrupt(root)
    deadline = time.monotonic() + 20
    while (left_behind := _processes(root)) and time.monotonic() < deadline:
        time.sleep(0.1)
    first, second = _end(_start(root)), _end(_start(root))
    _damage(root)
    return Runs(root, interrupted, left_behind, first, second, _end(_start(root)))


def _table(said: str) -> Mapping[str, Mapping[str, str]]:
    """Rows, checksums, counts and verdict by table."""
    pattern = (
        r"^(\w+) +PostgreSQL +([\d,]+) +([0-9a-f]{16}) +([\d,]+) (?:new|changed) *\n"
        r" +S3 +([\d,]+) +([0-9a-f]{16}) +([\d,]+) moved +(\w+) *$"
    )
    names = ("rows", "checksum", "changed", "lake_rows", "lake_checksum", "moved", "verdict")
    return {name: dict(zip(names, rest, strict=True)) for name, *rest in re.findall(pattern, said, re.MULTILINE)}


@pytest.mark.timeout(600)
def test_ctrl_c_in_the_middle_leaves_nothing_behind(runs: Runs) -> None:
    """Six servers and two connectors ran at that moment; none may hold a port or a lock afterwards."""
    assert runs.interrupted.code == 130
    assert runs.interrupted.err.endswith("error: interrupted\n")
    assert "Traceback" not in runs.interrupted.err
    assert runs.left_behind == []


@pytest.mark.timeout(600)
def test_run_after_the_interrupted_one_moves_everything_once(runs: Runs) -> None:
    """Every table is compared by rows and by a checksum that both databases computed from the values."""
    assert runs.first.code == 0, runs.first.out + runs.first.err
    table = _table(runs.first.out)
    assert table.keys() == _TABLES
    for name, line in table.items():
        assert (line["lake_rows"], line["lake_checksum"]) == (line["rows"], line["checksum"]), name
        assert line["verdict"] == "equal"
    assert "Source and destination agree, row by row." in runs.first.out
    assert "of them twice" not in runs.first.out
    assert "What to try next:" in runs.first.out


def test_second_run_moves_only_what_has_changed(runs: Runs) -> None:
    """That is what incremental means; small tables are replaced whole, and it says so."""
    assert runs.second.code == 0, runs.second.out + runs.second.err
    table = _table(runs.second.out)
    for name, line in table.items():
        assert line["verdict"] == "equal"
        assert line["moved"] == (line["rows"] if name in _REPLACED else line["changed"]), name
    changed = sum(int(line["changed"].replace(",", "")) for line in table.values())
    assert changed > 0
    assert f"{changed:,} rows changed since the last run" in runs.second.out
    assert "exactly those that changed" in runs.second.out
    assert "= source shop-db unchanged" in runs.second.out


def test_changed_object_is_found_and_makes_the_run_fail(runs: Runs) -> None:
    """A comparison that cannot fail would prove nothing."""
    assert runs.damaged.code == 1, runs.damaged.out + runs.damaged.err
    table = _table(runs.damaged.out)
    assert {name for name, line in table.items() if line["verdict"] == "DIFFERENT"} == {"events"}
    assert table["events"]["rows"] == table["events"]["lake_rows"]
    assert "Source and destination differ in events." in runs.damaged.out
    assert "What to try next:" not in runs.damaged.out


def test_nothing_of_the_demo_runs_on(runs: Runs) -> None:
    """Whoever tries something out gets the machine back."""
    assert _processes(runs.root) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--scale", "0"], "choose a scale from 0.01 to 10"), (["--scale", "big"], "choose a scale from 0.01 to 10")],
)
def test_wrong_scale_is_refused(tmp_path: Path, arguments: list[str], says: str) -> None:
    """A shop without rows would be equal to anything."""
    command = [sys.executable, "-m", "towpath_local.demo", "--data-dir", str(tmp_path / "demo"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr


def test_folder_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    """`--reset` deletes; a mistyped --data-dir must not cost a home folder."""
    (tmp_path / "thesis.tex").write_text("years of work")
    command = [sys.executable, "-m", "towpath_local.demo", "--data-dir", str(tmp_path), "--reset"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "does not look like a demo's folder" in done.stderr
    assert (tmp_path / "thesis.tex").exists()
