"""Forms of files as users configure them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from towpath_sdk.config import Config

__all__ = ["CsvFormat", "Format", "JsonLinesFormat", "ParquetFormat", "TextCompression", "extension"]


class ParquetCompression(StrEnum):
    """Codecs for Parquet pages."""

    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"
    NONE = "none"


class TextCompression(StrEnum):
    """Codecs for whole text files."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class ParquetFormat(Config):
    """Apache Parquet, format version 2.6."""

    type: Literal["parquet"] = "parquet"
    compression: ParquetCompression = Field(default=ParquetCompression.ZSTD, description="Codec of the pages.")
    row_group_bytes: int = Field(
        default=32 << 20,
        ge=1 << 16,
        le=256 << 20,
        description="Bytes of Arrow data per row group; fewer when many files are open at once.",
    )


class JsonLinesFormat(Config):
    """One JSON object per line, UTF-8."""

    type: Literal["jsonl"]
    compression: TextCompression = Field(default=TextCompression.NONE, description="Codec of the files.")


class CsvFormat(Config):
    """RFC 4180 with a header line, UTF-8; NULL is an empty field, an empty text is a quoted one."""

    type: Literal["csv"]
    compression: TextCompression = Field(default=TextCompression.NONE, description="Codec of the files.")


Format = Annotated[ParquetFormat | JsonLinesFormat | CsvFormat, Field(discriminator="type")]
"""Type of a configuration's field: one of the forms."""


def extension(form: ParquetFormat | JsonLinesFormat | CsvFormat) -> str:
    """Return the ending of a file's name, without its dot."""
    if isinstance(form, ParquetFormat):
        return "parquet"
    suffix = {TextCompression.NONE: "", TextCompression.GZIP: ".gz", TextCompression.ZSTD: ".zst"}[form.compression]
    return form.type + suffix
