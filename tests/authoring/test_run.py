"""`towpath connector run`: rows, checkpoints and logs of a connector that is being written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from authoring_shell import Done, towpath

POEM = [
    "Slowly the barge goes by,",
    "the horse a dot ahead,",
    "and every crate that left the mill",
    "arrives, as someone said.",
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source that was just written."""
    assert towpath(tmp_path, "connector", "new", "source-foo").code == 0
    return tmp_path / "source-foo"


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """A destination that was just written."""
    assert towpath(tmp_path, "connector", "new", "destination-foo").code == 0
    return tmp_path / "destination-foo"


def run(folder: Path, *words: str) -> Done:
    """Run the connector from the folder above its own, as an author does."""
    return towpath(folder.parent, "connector", "run", f"./{folder.name}", *words)


def events(done: Done, kind: str) -> list[Any]:
    """What was written of one kind, with `--output json`."""
    assert done.code == 0, done.err
    return [line[kind] for line in map(json.loads, done.out.splitlines()) if kind in line]


def test_read_shows_rows_as_a_table_with_checkpoints_and_logs(source: Path) -> None:
    """The inner loop: change a line, look at the rows."""
    done = run(source, "read", "--stream", "poem")
    assert done.code == 0, done.err
    assert all(line in done.out for line in POEM)
    assert "checkpoint 1: 4 rows, state {'line': 4}" in done.out
    assert "poem: 4 rows, complete" in done.out
    assert "log info: listening" in done.err


def test_resumed_read_shows_only_what_is_new(source: Path) -> None:
    """The question that every incremental source has to answer, before any platform runs."""
    words = ("read", "--stream", "poem", "--mode", "incremental", "-o", "json")
    assert [row["text"] for row in events(run(source, *words), "row")] == POEM
    with (source / "tests/data/poem.txt").open("a") as file:
        file.write("One more.\n")
    assert events(run(source, *words, "--resume"), "row") == [{"line": 5, "text": "One more."}]
    assert events(run(source, *words, "--resume"), "row") == []


def test_read_that_is_asked_to_stop_resumes_where_it_stopped(source: Path) -> None:
    """A drain ends at a checkpoint; together both reads have every row once."""
    (source / "tests/data/long.txt").write_text("".join(f"{number}\n" for number in range(5000)))
    words = ("read", "--stream", "long", "-o", "json")
    first = run(source, *words, "--stop-after", "10")
    rows = events(first, "row")
    assert 10 <= len(rows) <= 5000
    rest = events(run(source, *words, "--resume"), "row")
    assert [row["line"] for row in [*rows, *rest]] == list(range(1, 5001))


def test_state_of_another_stream_is_no_state(source: Path) -> None:
    """Continuing one stream with another's position would skip rows in silence."""
    assert run(source, "read", "--stream", "poem").code == 0
    done = run(source, "read", "--stream", "nothing", "--resume")
    assert done.code == 3
    assert "holds no state of nothing (snapshot)" in done.err


def test_limit_bounds_the_table_and_says_so(source: Path) -> None:
    """A table of a million rows helps nobody; rows that are missing without a word mislead."""
    done = run(source, "read", "--stream", "poem", "--limit", "1")
    assert POEM[0] in done.out
    assert POEM[1] not in done.out
    assert "3 more rows" in done.out


def test_check_and_discover_and_spec_answer(source: Path) -> None:
    """The other three questions of the platform."""
    assert run(source, "check").out == "ok    folder\n"
    assert [stream["name"] for stream in events(run(source, "discover", "-o", "json"), "stream")] == ["nothing", "poem"]
    (spec,) = events(run(source, "spec", "-o", "json"), "spec")
    assert spec["connector_id"] == "com.example.source-foo"


def test_failed_probe_has_its_own_exit_code(source: Path, tmp_path: Path) -> None:
    """Scripts tell a missing folder from a crash."""
    (tmp_path / "c.json").write_text('{"folder": "nowhere"}')
    done = run(source, "check", "--config", "c.json")
    assert done.code == 5
    assert "FAIL  folder" in done.out
    assert "error: there is no folder nowhere" in done.err


def test_written_file_is_published(destination: Path) -> None:
    """A destination is tried with a file, before any source is there."""
    done = run(destination, "write", "--input", "destination-foo/tests/rows.jsonl", "--stream", "poem")
    assert done.code == 0, done.err
    assert "commit 1: 4 rows are durable" in done.out
    assert "poem: 4 rows, published" in done.out
    assert len(list((destination / "delivered").glob("*poem/*.arrow"))) == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("nowhere", "read"), 5, "there is no nowhere"),
        (("source-foo", "read", "--stream", "pom"), 5, "choose one of: nothing, poem"),
        (("source-foo", "read", "--stream", "poem", "--mode", "changes"), 3, "choose one of: snapshot, incremental"),
        (("source-foo", "read", "--mode", "append"), 2, "--mode append is for write"),
        (("source-foo", "write"), 2, "write needs --input"),
        (("source-foo", "read", "--config", "gone.json"), 3, "cannot read gone.json"),
    ],
)
def test_mistakes_are_one_clear_line(source: Path, words: tuple[str, ...], code: int, message: str) -> None:
    """A traceback says that the tool is broken; these are the user's to mend."""
    done = towpath(source.parent, "connector", "run", *words)
    assert done.code == code, done.err
    assert message in done.err
    assert "Traceback" not in done.err


def test_connector_that_ends_at_start_is_shown_with_its_last_words(source: Path) -> None:
    """A typing mistake in one's own code is the most common failure of the inner loop."""
    main = source / "src/source_foo/__main__.py"
    main.write_text("import nonsense_that_is_not_there\n")
    done = run(source, "check")
    assert done.code == 7
    assert "nonsense_that_is_not_there" in done.err


def test_single_file_runs_without_a_package(tmp_path: Path) -> None:
    """The fifteen lines of the README need no folder of their own."""
    (tmp_path / "counting.py").write_text(
        "import pyarrow as pa\n"
        "from towpath_sdk import Config, Source, Stream, serve\n\n\n"
        "class Numbers(Source[Config]):\n"
        "    def discover(self, config):\n"
        '        yield Stream("numbers", {"n": pa.int64()})\n\n'
        "    def read(self, config, stream, context):\n"
        '        yield from ({"n": n} for n in range(3))\n\n\n'
        "serve(Numbers())\n"
    )
    (tmp_path / "config.json").write_text("{}")
    done = towpath(tmp_path, "connector", "run", "counting.py", "read", "-o", "json")
    assert events(done, "row") == [{"n": 0}, {"n": 1}, {"n": 2}]
