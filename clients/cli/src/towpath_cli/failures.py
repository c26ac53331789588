"""From an error to what the user sees: one line, the fields at fault, a next step, and an exit code of its kind."""

from __future__ import annotations

import os
import sys
import traceback

import click
from towpath.control.v1.failures_pb2 import Failure
from towpath_sdk.errors import KINDS, Denied, Fenced, Kind, TowpathError

from towpath_cli.client import SERVER_UNREACHABLE, Missing

__all__ = ["INTERRUPTED", "HungUp", "exit_code_of_failure", "kind_of_failure", "report"]

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

_USAGE = 2

_TOKEN_REASONS = ("UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED", "ROLE_MISSING")


class HungUp(Exception):
    """Whoever read what a command writes, such as `head`, has seen enough and left."""


def report(error: BaseException) -> int:
    """Write `error` to standard error and return the exit code; with TOWPATH_DEBUG=1 the traceback comes first."""
    if os.environ.get("TOWPATH_DEBUG") == "1":
        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, TowpathError):
        _write(error.message, *(f"  {path}: {problem}" for path, problem in error.fields.items()), *_next_step(error))
        return error.rule.exit_code
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "towpath"
        _write(error.format_message(), f"  try: {command} --help")
        return _USAGE
    if isinstance(error, click.ClickException):
        _write(error.format_message())
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _write("interrupted")
        return INTERRUPTED
    if isinstance(error, OSError):
        _write(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return KINDS[Kind.UNAVAILABLE].exit_code
    _write(
        f"towpath itself failed: {type(error).__name__}: {error}",
        "  this is a bug; run it again with TOWPATH_DEBUG=1 and report what it prints",
    )
    return KINDS[Kind.BUG].exit_code


def kind_of_failure(failure: Failure) -> Kind:
    """Return the kind that a job, attempt or stream failed with; Bug when the server did not say."""
    name = Failure.Kind.Name(failure.kind).removeprefix("KIND_")
    return Kind.__members__.get(name, Kind.BUG)


def exit_code_of_failure(failure: Failure) -> int:
    """Return the exit code of a command whose job failed so."""
    return KINDS[kind_of_failure(failure)].exit_code


def _next_step(error: TowpathError) -> tuple[str, ...]:
    """Say what to do where the message cannot know it, because it concerns this command line."""
    if error.reason == SERVER_UNREACHABLE:
        return ("  start it with `towpath up`, or name another one with --server HOST:PORT",)
    if error.reason == "JOB_ACTIVE":
        return ("  follow it with `towpath jobs watch JOB`, or stop it with `towpath cancel JOB`",)
    if isinstance(error, Missing):
        return _instead(error)
    if isinstance(error, Denied) and error.reason in _TOKEN_REASONS:
        return ("  give the server's token with --token-file FILE or TOWPATH_TOKEN",)
    if isinstance(error, Fenced):
        return ("  somebody else changed it meanwhile; look at it and try again",)
    return ()


def _instead(error: Missing) -> tuple[str, ...]:
    """Say what exists."""
    if error.near:
        *others, last = (f"`{name}`" for name in error.near)
        return (f"  did you mean {', '.join(others)} or {last}?" if others else f"  did you mean {last}?",)
    return (f"  see what there is with `towpath {error.collection} list`",) if error.collection else ()


def _write(first: str, *more: str) -> None:
    lines = [line for line in first.strip().splitlines() if line.strip()] or ["unknown error"]
    text = "\n".join([f"error: {lines[0]}", *(f"  {line.strip()}" for line in lines[1:]), *more])
    sys.stderr.write(f"{text}\n")
