"""What programs load before they do anything: the command line is started for every command."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("program", ["towpath_cli", "towpath_local", "towpath_server"])
def test_a_program_that_has_no_use_for_arrow_does_not_load_it(program: str) -> None:
    """It, and numpy with it, takes a quarter of the start of a command."""
    code = f"import sys, {program}.__main__; print({{'pyarrow', 'numpy'}} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"


def test_towpath_up_loads_nothing_of_servers_that_it_does_not_start() -> None:
    """boto3, psycopg and Temporal's messages take two thirds of its start."""
    code = "import sys, towpath_local.up; print({'boto3', 'psycopg', 'temporalio'} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
