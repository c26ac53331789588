# ruff: noqa: ARG002 - the signatures are the SDK's
"""A connector whose every method raises what a test hands it, and whose configuration has a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NoReturn

import pyarrow as pa
from towpath_sdk import (
    ColumnPlan,
    Config,
    Context,
    Destination,
    OpenWrite,
    Probe,
    ReadStream,
    Record,
    Secret,
    Source,
    Split,
    Stream,
    Writer,
    WriteStream,
)

__all__ = ["SECRET", "Failing", "FailingDestination", "FailingSource"]

SECRET = "p4ss/w0rd+for:you"
"""Value of the secret; its URL encoding differs from itself."""


class Failing(Config):
    """A configuration with a secret."""

    password: Secret | None = None


class FailingSource(Source[Failing]):
    """Calls `fail` in each method; `fail` raises."""

    def __init__(self, fail: Callable[[Failing], NoReturn]) -> None:
        self._fail = fail

    def check(self, config: Failing) -> Iterator[Probe]:
        """One probe that fails."""
        yield Probe("login", lambda: self._fail(config))

    def discover(self, config: Failing) -> Iterator[Stream]:
        """Fail after one stream."""
        yield Stream("things", {"n": pa.int64()})
        self._fail(config)

    def plan(self, config: Failing, streams: Sequence[ReadStream], target_splits: int) -> Iterable[Split]:
        """Fail."""
        self._fail(config)

    def read(self, config: Failing, stream: ReadStream, context: Context) -> Iterator[Record]:
        """Fail after one row."""
        yield pa.record_batch({"n": [1]})
        self._fail(config)


class FailingDestination(Destination[Failing]):
    """Calls `fail` in each method; `fail` raises."""

    def __init__(self, fail: Callable[[Failing], NoReturn]) -> None:
        self._fail = fail

    def prepare(
        self,
        config: Failing,
        write_id: str,
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,
    ) -> Iterable[ColumnPlan]:
        """Fail."""
        self._fail(config)

    def open(self, config: Failing, write: OpenWrite, context: Context) -> Writer:
        """Fail."""
        self._fail(config)

    def complete(
        self, config: Failing, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Fail."""
        self._fail(config)

    def abort(self, config: Failing, write_id: str) -> None:
        """Fail."""
        self._fail(config)
