"""The destination as the SDK serves it: which file does what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
from towpath_sdk import ColumnPlan, Context, Destination, OpenWrite, Probe, WriteMode, WriteStream
from towpath_sdk.files import StoredColumns, extension, plan_columns

from towpath_destination_local import publish
from towpath_destination_local.config import LocalConfig
from towpath_destination_local.disk import translated
from towpath_destination_local.keys import check_key
from towpath_destination_local.layout import Layout
from towpath_destination_local.manifest import read_manifest
from towpath_destination_local.merge import check_mergeable
from towpath_destination_local.probes import probes
from towpath_destination_local.writer import LocalWriter

__all__ = ["LocalDestination"]


class LocalDestination(Destination[LocalConfig]):
    """Files in a folder, each row exactly once."""

    connector_id = "io.towpath.destination-local"
    version = "0.1.0"
    title = "Folder of files"
    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE, WriteMode.DEDUP)
    discards_after_resume = True
    max_writers_per_stream = 16

    def check(self, config: LocalConfig) -> Iterable[Probe]:
        """Look at the folder; write, rename and delete a probe file."""
        return probes(config)

    def prepare(
        self,
        config: LocalConfig,
        write_id: str,  # noqa: ARG002 nothing has to exist before the first file
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,  # noqa: ARG002 likewise
    ) -> Iterable[ColumnPlan]:
        """Say which columns are stored in another form, and which cannot be stored."""
        layout = Layout(config.path)
        for index, (stream, schema) in enumerate(zip(streams, schemas, strict=True)):
            layout.stream(stream.name)  # raises when the names are too long
            check_key(stream, schema)
            if stream.mode is WriteMode.DEDUP:
                with translated(f"looking at {config.path}"):
                    held = read_manifest(layout.manifest(stream.name)).files
                kept = [file for file in held if file.generation >= stream.minimum_generation_id]
                stored = StoredColumns.of(str(stream.name), schema, metadata_columns=config.metadata_columns)
                check_mergeable(layout, stream.name, stream.primary_key, kept, stored.schema)
            name = str(stream.name)
            yield from plan_columns(config.format, index, name, schema, metadata_columns=config.metadata_columns)

    def location(self, config: LocalConfig, stream: WriteStream, schema: pa.Schema) -> str:  # noqa: ARG002 of any schema
        """Return the path of every file of a stream, such as `/data/public/orders/….parquet`."""
        return f"{Layout(config.path).stream(stream.name)}/….{extension(config.format)}"

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
