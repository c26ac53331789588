from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from botocore.exceptions import ClientError
from orphans import ends_within, orphan
from towpath_local.embedded import EmbeddedS3

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def code(error: ClientError) -> str | None:
    return error.response.get("Error", {}).get("Code")


def test_object_is_read_back(s3_client: S3Client, s3_bucket: str) -> None:
    """Ready means that objects can be stored, not only that a port is open."""
    s3_client.put_object(Bucket=s3_bucket, Key="a/b", Body=b"rows")
    assert s3_client.get_object(Bucket=s3_bucket, Key="a/b")["Body"].read() == b"rows"


def test_wrong_secret_is_refused(s3: EmbeddedS3, s3_bucket: str) -> None:
    """A server that accepts any key would hide a connector's mistakes."""
    with pytest.raises(ClientError) as refused:
        s3.client(secret_key="wrong").put_object(Bucket=s3_bucket, Key="a", Body=b"")
    assert code(refused.value) == "SignatureDoesNotMatch"


def test_unknown_access_key_is_refused(s3: EmbeddedS3, s3_bucket: str) -> None:
    """The other half of the credentials counts too."""
    with pytest.raises(ClientError) as refused:
        s3.client(access_key="NOBODY").put_object(Bucket=s3_bucket, Key="a", Body=b"")
    assert code(refused.value) == "InvalidAccessKeyId"


def test_missing_bucket_is_an_error_and_not_created(s3_client: S3Client) -> None:
    """As with Amazon's S3: a misspelt bucket must not swallow the data."""
    with pytest.raises(ClientError) as refused:
        s3_client.put_object(Bucket="no-such-bucket", Key="a", Body=b"")
    assert code(refused.value) == "NoSuchBucket"


def test_keys_are_in_no_command_line(s3: EmbeddedS3) -> None:
    """Every user of the machine can list command lines."""
    assert s3.secret_key not in " ".join(psutil.Process(s3.pid).cmdline())


def test_bucket_name_that_s3_does_not_allow_is_refused_at_once(tmp_path: Path) -> None:
    """Rather than after a minute of vain attempts."""
    with pytest.raises(ValueError, match="'My_Bucket' is no bucket name"):
        EmbeddedS3(tmp_path, buckets=["My_Bucket"])


def test_objects_and_unfinished_uploads_survive_kill_9(tmp_path: Path) -> None:
    """Fault tests kill this server and go on: a commit lives in parts of uploads that are not complete yet."""
    with EmbeddedS3(tmp_path / "s3", buckets=["data", "other"]) as server:
        client = server.client()
        client.put_object(Bucket="other", Key="whole", Body=b"rows")
        upload = client.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
        part = client.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=1, Body=b"x" * 5_000_000)
        address = server.endpoint, server.access_key, server.secret_key
        server.kill()
        assert not server.running
        server.start()
        assert (server.endpoint, server.access_key, server.secret_key) == address
        client = server.client()
        assert client.get_object(Bucket="other", Key="whole")["Body"].read() == b"rows"
        client.complete_multipart_upload(
            Bucket="data",
            Key="parts",
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        assert client.head_object(Bucket="data", Key="parts")["ContentLength"] == 5_000_000


def test_server_dies_with_its_parent_and_starts_again(tmp_path: Path) -> None:
    """The next start waits for an orphan that is still on its way out."""
    pid = orphan("s3", tmp_path / "s3")
    with EmbeddedS3(tmp_path / "s3") as server:
        assert server.client().list_buckets()["Buckets"][0].get("Name") == "data"
    assert ends_within(pid, 0.1)


def test_stopped_server_leaves_no_socket_behind(tmp_path: Path) -> None:
    """It makes sockets in /tmp whatever it is told, and forgets some of them."""
    with EmbeddedS3(tmp_path / "s3") as server:
        port = server.port + 10_000
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock"))  # noqa: S108  # the server's choice
