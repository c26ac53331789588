"""The bucket: the few requests that this destination makes, each failing as one of Towpath's kinds.

A `Store` is safe to use from several threads. Requests are repeated by botocore a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from towpath_sdk.errors import Bug

from towpath_destination_s3.client import ATTEMPTS, encryption_options, new_client
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.connections import Connections
from towpath_destination_s3.failures import error_code, translated

__all__ = ["Part", "PreconditionFailed", "Store", "Upload", "UploadGone"]

_DELETE_AT_ONCE = 1000
_MARK = "towpath-upload"  # the name under which an object remembers its upload


_READS = 3


class PreconditionFailed(Exception):
    """Somebody else changed the object in between."""


class UploadGone(Exception):
    """Somebody else completed or aborted the upload."""


@dataclass(frozen=True)
class Part:
    """One uploaded part: its number, from 1, and the store's tag."""

    number: int
    etag: str


@dataclass(frozen=True)
class Upload:
    """An unfinished multipart upload. `token` marks the object that it becomes, so that it is recognised later."""

    key: str
    upload_id: str
    token: str


class Store:
    """One bucket under one configuration. Close it: what a client has open goes with the next garbage otherwise."""

    def __init__(self, config: S3Config, attempts: int = ATTEMPTS) -> None:
        """Raises Misconfigured or Denied when there can be no client; nothing is asked of the store yet."""
        self.bucket = config.bucket
        self.prefix = config.prefix
        self._options = encryption_options(config)
        self._client = new_client(config, attempts)
        self._connections = Connections(self._client)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def hang_up(self) -> None:
        """End the requests that are on their way, from another thread; they and all later ones fail with Cancelled."""
        self._connections.cut()

    def below(self, *segments: str) -> str:
        """Return a key below the prefix."""
        return "/".join(part for part in (self.prefix, *segments) if part)

    def begin(self, key: str, token: str) -> Upload:
        """Begin a multipart upload to `key`."""
        with translated(f"writing to bucket {self.bucket}"):
            answer = self._client.create_multipart_upload(
                Bucket=self.bucket, Key=key, Metadata={_MARK: token}, **self._options
            )
        return Upload(key, answer["UploadId"], token)

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray | memoryview) -> Part:
        """Upload one part, 5 MiB at least unless it is the last. Raises UploadGone."""
        with translated(f"writing to bucket {self.bucket}"):
            try:
                answer = self._client.upload_part(
                    Bucket=self.bucket,
                    Key=upload.key,
                    UploadId=upload.upload_id,
                    PartNumber=number,
                    Body=body,  # pyright: ignore[reportArgumentType] - any buffer will do
                )
            except ClientError as error:
                if error_code(error) == "NoSuchUpload":
                    raise UploadGone(upload.key) from error
                raise
        return Part(number, answer["ETag"])

    def publish(self, upload: Upload, parts: Sequence[Part]) -> None:
        """Make the object appear. Idempotent: an upload that was completed before is recognised by its token.

        Raises Bug when upload and object are both gone: somebody removed what the platform relies on.
        """
        with translated(f"publishing in bucket {self.bucket}"):
            try:
                self._client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=upload.key,
                    UploadId=upload.upload_id,
                    MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]},
                )
            except ClientError as error:
                if error_code(error) not in ("NoSuchUpload", "404"):
                    raise
                if self._token_of(upload.key) != upload.token:
                    raise Bug(
                        f"the unfinished upload to {upload.key} is gone, and its rows with it; does a lifecycle "
                        "rule of the bucket abort uploads too early? Let it wait longer, and refresh the stream",
                        reason="UPLOAD_LOST",
                    ) from error

    def discard(self, upload_key: str, upload_id: str) -> None:
        """Abort an unfinished upload; one that is gone already is fine."""
        with translated(f"discarding in bucket {self.bucket}"):
            try:
                self._client.abort_multipart_upload(Bucket=self.bucket, Key=upload_key, UploadId=upload_id)
            except ClientError as error:
                if error_code(error) not in ("NoSuchUpload", "404"):
                    raise

    def unfinished(self, containing: str) -> list[tuple[str, str]]:
        """Return key and id of the unfinished uploads below the prefix whose file name contains `containing`."""
        found: list[tuple[str, str]] = []
        markers: dict[str, Any] = {}
        with translated(f"listing uploads in bucket {self.bucket}"):
            while True:
                page = self._client.list_multipart_uploads(
                    Bucket=self.bucket, **({"Prefix": self.prefix + "/"} if self.prefix else {}), **markers
                )
                for upload in page.get("Uploads", []):
                    key = upload.get("Key", "")
                    if containing in key.rsplit("/", 1)[-1]:
                        found.append((key, upload.get("UploadId", "")))
                following = page.get("NextKeyMarker"), page.get("NextUploadIdMarker")
                if not page.get("IsTruncated") or not any(following):
                    return found
                next_markers = {
                    name: value for name, value in zip(("KeyMarker", "UploadIdMarker"), following, strict=True) if value
                }
                if next_markers == markers:
                    return found
                markers = next_markers

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return content and tag of a small object, or None when there is none."""
        with translated(f"reading from bucket {self.bucket}"):
            tries = _READS
            while True:
                try:
                    answer = self._client.get_object(Bucket=self.bucket, Key=key)
                    return answer["Body"].read(), answer["ETag"]
                except ClientError as error:
                    if error_code(error) in ("NoSuchKey", "404"):
                        return None
                    raise
                except (
                    HTTPClientError,
                    IncompleteReadError,
                ):  # botocore repeats requests, but not the rest of an answer
                    tries -= 1
                    if not tries:
                        raise

    def put(self, key: str, body: bytes) -> None:
        """Write a small object."""
        with translated(f"writing to bucket {self.bucket}"):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, **self._options)

    def replace(self, key: str, body: bytes, etag: str | None) -> None:
        """Write a small object if it still has this tag, or, with None, if there still is none.

        Raises PreconditionFailed otherwise. A store without conditional writes gets a plain one.
        """
        condition: dict[str, Any] = {"IfMatch": etag} if etag is not None else {"IfNoneMatch": "*"}
        with translated(f"writing to bucket {self.bucket}"):
            try:
                self._client.put_object(Bucket=self.bucket, Key=key, Body=body, **condition, **self._options)
            except ClientError as error:
                code = error_code(error)
                if code in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409", "NoSuchKey"):
                    raise PreconditionFailed(key) from error
                if code in ("NotImplemented", "501"):
                    self._client.put_object(Bucket=self.bucket, Key=key, Body=body, **self._options)
                    return
                raise

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are gone already are fine."""
        for start in range(0, len(keys), _DELETE_AT_ONCE):
            chunk = keys[start : start + _DELETE_AT_ONCE]
            with translated(f"deleting from bucket {self.bucket}"):
                answer = self._client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in chunk], "Quiet": True}
                )
                for error in answer.get("Errors", []):
                    raise ClientError(
                        {"Error": {"Code": error.get("Code", ""), "Message": error.get("Message", "")}}, "DeleteObjects"
                    )

    def keys(self, prefix: str, limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in order."""
        with translated(f"listing bucket {self.bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, PaginationConfig={} if limit is None else {"MaxItems": limit}
            )
            for page in pages:
                for item in page.get("Contents", []):
                    yield item.get("Key", "")

    def _token_of(self, key: str) -> str | None:
        try:
            return self._client.head_object(Bucket=self.bucket, Key=key)["Metadata"].get(_MARK)
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404"):
                return None
            raise
