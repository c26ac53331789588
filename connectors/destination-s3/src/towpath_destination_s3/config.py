"""What a user configures. The JSON Schema of `S3Config` is the connector's spec."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from towpath_sdk import Config, Secret
from towpath_sdk.files import Format, ParquetFormat

from towpath_destination_s3.template import DEFAULT_TEMPLATE, RESERVED, PathTemplate

__all__ = ["Encryption", "S3Config"]


_REGION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_HOST = re.compile(
    r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*"
)  # a name or an IPv4 address; an IPv6 address
_LONGEST_PREFIX = 512  # of the 1,024 bytes that a key may have


class Encryption(StrEnum):
    """Encryption at rest, done by the store."""

    NONE = "none"
    AES256 = "AES256"
    KMS = "aws:kms"


class S3Config(Config):
    """Where the objects go, as whom, and in which form."""

    bucket: str = Field(min_length=3, max_length=63, description="Bucket to write to; it must exist.")
    prefix: str = Field(default="", description='Folder within the bucket, such as "warehouse/raw".')
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Address of a store other than AWS, such as http://127.0.0.1:8333.",
    )
    path_style: bool = Field(
        default=False, description="Address the bucket in the path; most stores other than AWS need it."
    )
    access_key_id: str | None = Field(
        default=None, description="Access key; without it the default credential chain of AWS is used."
    )
    secret_access_key: Secret | None = Field(default=None, description="Secret that belongs to the access key.")
    session_token: Secret | None = Field(default=None, description="Token of temporary credentials.")
    format: Format = Field(default=ParquetFormat(), description="Form of the files.")
    path_template: str = Field(
        default=DEFAULT_TEMPLATE,
        description="Path of a file below the prefix. Known are {namespace} {stream} {generation} {year} {month} {day} "
        "{hour} {partition} {write} {commit} {part} {extension}; the file name must hold {write}, {commit} and {part}.",
    )
    partition_by: str | None = Field(
        default=None,
        description="Column whose value becomes {partition}, as column=value; streams without it have none.",
    )
    target_file_bytes: int = Field(
        default=256 << 20, ge=1 << 20, le=50 << 30, description="Encoded bytes after which a new file begins."
    )
    metadata_columns: bool = Field(
        default=True,
        description="Add _towpath_extracted_at, _towpath_generation_id and _towpath_job_id to every row.",
    )
    encryption: Encryption = Field(default=Encryption.NONE, description="Encryption at rest, done by the store.")
    kms_key_id: str | None = Field(default=None, description="Key for aws:kms; without it the account's default key.")

    @field_validator("region")
    @classmethod
    def _region_is_a_name(cls, region: str) -> str:
        if not _REGION.fullmatch(region):
            raise ValueError("a region has letters, digits and hyphens, such as eu-central-1")
        return region

    @field_validator("endpoint")
    @classmethod
    def _endpoint_is_an_address(cls, endpoint: str | None) -> str | None:
        if endpoint is not None:
            address = urlsplit(endpoint)
            if not _HOST.fullmatch(address.hostname or "") or address.query or address.fragment:
                raise ValueError("an endpoint is an address such as https://s3.example.com:9000")
            if address.username is not None or address.password is not None:
                raise ValueError("credentials do not belong into the endpoint; use access_key_id and secret_access_key")
            _ = address.port  # raises ValueError for one that is none
        return endpoint

    @field_validator("prefix")
    @classmethod
    def _prefix_is_relative(cls, prefix: str) -> str:
        cleaned = prefix.strip("/")
        if cleaned and any(segment in ("", ".", "..", RESERVED) for segment in cleaned.split("/")):
            raise ValueError(f"a prefix has no empty, '.', '..' or {RESERVED} parts")
        if not cleaned.isprintable() or len(cleaned.encode()) > _LONGEST_PREFIX:
            raise ValueError(f"a prefix has no control characters and at most {_LONGEST_PREFIX} bytes")
        return cleaned

    @field_validator("path_template")
    @classmethod
    def _template_is_sound(cls, template: str) -> str:
        PathTemplate(template)
        return template

    @model_validator(mode="after")
    def _fields_belong_together(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together; give both or none")
        if self.kms_key_id is not None and self.encryption is not Encryption.KMS:
            raise ValueError("kms_key_id needs encryption aws:kms")
        if self.partition_by is not None and "{partition}" not in self.path_template:
            raise ValueError("partition_by needs {partition} in path_template")
        return self
