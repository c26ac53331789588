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


def test_a_worker_that_starts_no_image_does_not_load_docker() -> None:
    """With requests and what both need, it takes a tenth of a worker's start."""
    code = "import sys, towpath_worker.__main__; print({'docker', 'requests'} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
