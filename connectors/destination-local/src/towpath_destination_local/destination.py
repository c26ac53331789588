"""The destination as the SDK serves it: which file does what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
from towpath_sdk import ColumnPlan, Context, Destination, Misconfigured, OpenWrite, Probe, WriteMode, WriteStream

from towpath_destination_local import publish
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.probes import probes
from towpath_destination_local.writer import LocalWriter

__all__ = ["LocalDestination"]


class LocalDestination(Destination[LocalConfig]):
    """Files in a folder, each row exactly once."""

    connector_id = "destination-local"
    version = "0.1.0"
    title = "Folder of files"
    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE, WriteMode.DEDUP)
    discards_after_resume = True
    max_writers_per_stream = 16

    def check(self, config: LocalConfig) -> Iterable[Probe]:
        """Write, read and delete a probe file."""
        return probes(config)

    def prepare(
        self,
        config: LocalConfig,  # noqa: ARG002
        write_id: str,  # noqa: ARG002 nothing has to exist before the first file
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,  # noqa: ARG002 likewise
    ) -> Iterable[ColumnPlan]:
        """Say which columns are stored in another form, and which cannot be stored."""
        for stream, schema in zip(streams, schemas, strict=True):
            if stream.mode is WriteMode.DEDUP and not stream.primary_key:
                raise Misconfigured(f"{stream.name} has no primary key to deduplicate by", reason="NO_KEY")
            missing = sorted(set(stream.primary_key) - set(schema.names))
            if stream.mode is WriteMode.DEDUP and missing:
                raise Misconfigured(f"{stream.name} has no column {missing[0]}, which its key needs", reason="NO_KEY")
        return ()

    def open(self, config: LocalConfig, write: OpenWrite, context: Context) -> LocalWriter:
        """Fence older epochs, discard their leftovers, return a writer."""
        return LocalWriter(config, write, context)

    def complete(
        self, config: LocalConfig, write_id: str, receipts: Sequence[bytes], completed_streams: Sequence[WriteStream]
    ) -> None:
        """Let exactly what the receipts name appear."""
        publish.complete(config, write_id, receipts, completed_streams)

    def abort(self, config: LocalConfig, write_id: str) -> None:
        """Discard everything of a write."""
        publish.abort(config, write_id)
