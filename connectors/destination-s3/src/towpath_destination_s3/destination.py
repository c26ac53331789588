"""The destination as the SDK serves it: which file does what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
from towpath_sdk import ColumnPlan, Context, Destination, OpenWrite, Probe, WriteMode, WriteStream
from towpath_sdk.files import extension, plan_columns

from towpath_destination_s3 import publish
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.partitions import check_partition_column
from towpath_destination_s3.probes import probes
from towpath_destination_s3.store import Store
from towpath_destination_s3.template import PathTemplate
from towpath_destination_s3.writer import S3Writer

__all__ = ["S3Destination"]


class S3Destination(Destination[S3Config]):
    """Files in S3, each row exactly once."""

    connector_id = "io.towpath.destination-s3"
    version = "0.1.0"
    title = "Amazon S3 and compatible stores"
    write_modes = (WriteMode.APPEND, WriteMode.OVERWRITE)
    discards_after_resume = True
    max_writers_per_stream = 16

    def check(self, config: S3Config) -> Iterable[Probe]:
        """Write, read and delete a probe object, and begin an upload."""
        return probes(config)

    def prepare(
        self,
        config: S3Config,
        write_id: str,  # noqa: ARG002 nothing has to exist before the first object
        streams: Sequence[WriteStream],
        schemas: Sequence[pa.Schema],
        *,
        dry_run: bool,  # noqa: ARG002 likewise
    ) -> Iterable[ColumnPlan]:
        """Say which columns are stored as text, and which cannot be stored."""
        for index, (stream, schema) in enumerate(zip(streams, schemas, strict=True)):
            name = str(stream.name)
            check_partition_column(name, schema, config.partition_by)
            yield from plan_columns(config.format, index, name, schema, metadata_columns=config.metadata_columns)

    def location(self, config: S3Config, stream: WriteStream, schema: pa.Schema) -> str:
        """Return the address of every file of a stream, such as `s3://lake/public/orders/day=…/….parquet`."""
        partition_by = config.partition_by if config.partition_by in schema.names else None
        template = PathTemplate(config.path_template)
        return f"s3://{config.bucket}/" + template.pattern(
            config.prefix, stream.name, extension(config.format), partition_by
        )

    def open(self, config: S3Config, write: OpenWrite, context: Context) -> S3Writer:
        """Fence older epochs, discard their leftovers, return a writer."""
        return S3Writer(config, write, context)

    def complete(
        self,
        config: S3Config,
        write_id: str,
        receipts: Sequence[bytes],
        completed_streams: Sequence[WriteStream],
    ) -> None:
        """Let exactly what the receipts name appear."""
        with Store(config) as store:
            publish.complete(store, write_id, receipts, completed_streams)

    def abort(self, config: S3Config, write_id: str) -> None:
        """Discard everything of a write."""
        with Store(config) as store:
            publish.abort(store, write_id)
