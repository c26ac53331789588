"""The `towpath` command within the process of a test: for what it says and how it exits, without a start each time."""

from __future__ import annotations

import os
import sys

from click.testing import CliRunner
from stack import Finished, Stack
from towpath_cli.__main__ import run

__all__ = ["cli_here"]


def cli_here(stack: Stack, *arguments: str, stdin: str | None = None) -> Finished:
    """Run `towpath` against a stack as `Stack.cli` does, but here; not for what reads signals or a terminal."""
    wanted = stack.command_environ()
    environ = {name: wanted.get(name) for name in {*os.environ, *wanted}}
    with CliRunner().isolation(input=stdin, env=environ) as (out, err, _):
        code = run(list(arguments))
        sys.stderr.flush()
    return Finished(code, out.getvalue().decode(), err.getvalue().decode())
