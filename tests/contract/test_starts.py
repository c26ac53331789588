"""What programs load before they do anything: the command line is started for every command."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ARROW = {"pyarrow", "numpy"}


@pytest.mark.parametrize(
    ("module", "useless"),
    [
        # A quarter of the start of a command.
        ("towpath_cli.__main__", _ARROW),
        ("towpath_local.__main__", _ARROW),
        ("towpath_server.__main__", {*_ARROW, "pygments", "rich", "alembic", "cryptography.x509"}),
        # A seventh of a connector's.
        ("towpath_source_postgres.__main__", {"numpy"}),
        ("towpath_destination_s3.__main__", {"numpy"}),
        ("towpath_destination_local.__main__", {"numpy"}),
        # Two thirds of the start of `towpath up`.
        ("towpath_local.up", {"boto3", "psycopg", "temporalio"}),
        # A tenth of a worker's, which may never start an image, and a fifth, for previews alone.
        ("towpath_worker.__main__", {"docker", "requests", "numpy", "rich", "towpath_sdk.files", "pyarrow.compute"}),
    ],
)
def test_a_program_does_not_load_what_it_may_never_use(module: str, useless: set[str]) -> None:
    """Every process of every user pays for it."""
    loaded = "{name for name, content in sys.modules.items() if content}"
    code = f"import sys, {module}; print(sorted({useless!r} & {loaded}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_program_without_numpy_writes_numbers_into_queries() -> None:
    """Psycopg looks for numpy among the modules when it writes the first one as text."""
    code = "import psycopg.sql, towpath_source_postgres.__main__; print(psycopg.sql.Literal(7).as_string())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("7", "")


def test_what_a_lean_program_has_loaded_is_left_out_of_the_search_for_garbage() -> None:
    """It takes a tenth of a second at the end of each."""
    code = "import gc; from towpath_sdk import lean; lean.loaded(); print(gc.get_freeze_count() > 1000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_a_lean_program_ends_with_what_it_wrote_and_waits_for_nothing() -> None:
    """Threads of Temporal's that were still about to call Python made one worker in four end by SIGABRT."""
    code = (
        "import atexit, sys, threading; from towpath_sdk import lean; atexit.register(print, 'taken apart');"
        "threading.Thread(target=threading.Event().wait).start(); print('last words'); lean.leave(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (7, "last words\n", "")
