"""What a user configures. The JSON Schema of `LocalConfig` is the connector's spec."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from towpath_sdk import Config

__all__ = ["LocalConfig", "ParquetFormat"]


class ParquetCompression(StrEnum):
    """Codecs for Parquet pages."""

    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"
    NONE = "none"


class ParquetFormat(Config):
    """Apache Parquet, format version 2.6."""

    type: Literal["parquet"] = "parquet"
    compression: ParquetCompression = Field(default=ParquetCompression.ZSTD, description="Codec of the pages.")


class LocalConfig(Config):
    """Where the files go, and in which form."""

    path: Path = Field(description="Folder to write to, on the machine of the worker; it is made when it is missing.")
    format: ParquetFormat = Field(default=ParquetFormat(), description="Form of the files.")
    target_file_bytes: int = Field(
        default=256 << 20, ge=1 << 20, le=50 << 30, description="Encoded bytes after which a new file begins."
    )
    metadata_columns: bool = Field(
        default=True,
        description="Add _towpath_extracted_at, _towpath_generation_id and _towpath_job_id to every row.",
    )

    @field_validator("path")
    @classmethod
    def _path_is_absolute(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError("give the whole path, from / on: a worker may run in any folder")
        return path
