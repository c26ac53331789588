"""What a user configures. The JSON Schema of `LocalConfig` is the connector's spec."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator
from towpath_sdk import Config
from towpath_sdk.files import Format, ParquetFormat

__all__ = ["LocalConfig"]


class LocalConfig(Config):
    """Where the files go, and in which form."""

    path: Path = Field(description="Folder to write to, on the worker's machine; it is made when it is missing.")
    format: Format = Field(default=ParquetFormat(), description="Form of the files.")
    target_file_bytes: int = Field(
        default=256 << 20, ge=1 << 16, le=50 << 30, description="Encoded bytes after which a new file begins."
    )
    metadata_columns: bool = Field(
        default=True,
        description="Add _towpath_extracted_at, _towpath_generation_id and _towpath_job_id to every row.",
    )

    @field_validator("path")
    @classmethod
    def _path_is_whole(cls, path: Path) -> Path:
        if not path.is_absolute() or ".." in path.parts:
            raise ValueError("give the whole path, from / on and without ..: a worker may run in any folder")
        return path
