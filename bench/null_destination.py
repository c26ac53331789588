"""A destination that verifies, acknowledges and discards. Run as `python -m bench.null_destination`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from towpath_sdk import (
    Batch,
    Committed,
    Config,
    Context,
    Destination,
    OpenWrite,
    Probe,
    WriteMode,
    Writer,
    WriteStream,
    serve,
)

__all__ = ["NullDestination"]


class Nothing(Config):
    """There is nothing to configure."""


class _Discarding(Writer):
    def write(self, batch: Batch) -> None:
        """Let it go: the SDK has verified and decoded it."""

    def commit(self, commit_seq: int) -> Committed:
        """Say yes."""
        return Committed(str(commit_seq).encode())


class NullDestination(Destination[Nothing]):
    """Takes everything and keeps nothing: what is left is the cost of getting here."""

    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE)
    discards_after_resume = True

    def check(self, config: Nothing) -> Iterable[Probe]:  # noqa: ARG002 always well
        """Nothing can be wrong."""
        return ()

    def open(self, config: Nothing, write: OpenWrite, context: Context) -> Writer:  # noqa: ARG002 nothing is kept
        """Begin."""
        return _Discarding()

    def complete(
        self, config: Nothing, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """There is nothing to publish."""

    def abort(self, config: Nothing, write_id: str) -> None:
        """There is nothing to discard."""


if __name__ == "__main__":
    serve(NullDestination())
