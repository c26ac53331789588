"""The shortest way through the destination: check, write, commit, complete; what is seen when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from destination_s3_steps import (
    all_keys,
    config_of,
    ids,
    objects,
    orders,
    publish_rows,
    running_destination,
    unfinished,
)
from file_steps import rows
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import WriteMode

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


def test_check_leaves_nothing_behind(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A check that litters would be noticed by the bucket's owner."""
    with running_destination() as destination:
        results = destination.check(config_of(s3, s3_bucket))
    assert [(result.probe, result.failure) for result in results] == [
        (name, None) for name in ("bucket", "write", "read", "multipart", "delete")
    ]
    assert all_keys(s3_client, s3_bucket) == []
    assert unfinished(s3_client, s3_bucket) == []


def test_rows_are_seen_once_the_write_is_completed_and_not_before(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """A reader who lists the bucket during a sync must never see half of it."""
    config = config_of(s3, s3_bucket)
    with running_destination() as destination:
        with destination.write(config, [orders()], write_id="job-1") as write:
            write.write(rows(1, 10))
            first = write.commit()
            write.write(rows(11, 20))
            second = write.commit()
            write.finish()
        assert objects(s3_client, s3_bucket) == []
        destination.complete(config, "job-1", [first.receipt, second.receipt], [orders()])
    assert first.rows == {0: 10}
    assert ids(s3_client, s3_bucket) == list(range(1, 21))
    assert unfinished(s3_client, s3_bucket) == []


def test_everything_is_encrypted_when_asked_for(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A bucket's policy may refuse whatever is not; so may an auditor."""
    publish_rows(config_of(s3, s3_bucket, encryption="AES256"), rows(1, 3))
    keys = all_keys(s3_client, s3_bucket)
    assert len(keys) == 2
    heads = [s3_client.head_object(Bucket=s3_bucket, Key=key) for key in keys]
    assert [head.get("ServerSideEncryption") for head in heads] == ["AES256"] * 2
    assert ids(s3_client, s3_bucket) == [1, 2, 3]


def test_overwrite_replaces_the_older_generation(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """Rows that are gone at the source must be gone here."""
    config = config_of(s3, s3_bucket)
    with running_destination() as destination:
        for generation, batch in ((1, rows(1, 10)), (2, rows(5, 7))):
            stream = orders(WriteMode.OVERWRITE, generation=generation, minimum=generation)
            with destination.write(config, [stream], write_id=f"job-{generation}") as write:
                write.write(batch)
                receipt = write.commit().receipt
                write.finish()
            destination.complete(config, f"job-{generation}", [receipt], [stream])
    assert ids(s3_client, s3_bucket) == [5, 6, 7]
