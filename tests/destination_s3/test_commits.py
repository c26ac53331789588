"""What a commit makes durable, what the next attempt discards, and what an older epoch can no longer do."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from destination_s3_attempt import Attempt
from destination_s3_steps import all_keys, config_of, ids, objects, orders, running_destination, unfinished
from file_steps import rows
from s3_faults import LOST_ANSWER, S3FaultProxy, from_request, refused
from towpath_destination_s3 import publish
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Fenced, StreamName, TowpathError, WriteMode

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OTHERS = StreamName("public", "others")


def test_receipt_names_every_file_and_counts_its_rows(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """The receipt is all that is left of a commit when everything else is killed."""
    streams = [orders(), orders(name=OTHERS), orders(name=StreamName("", "empty"))]
    with Attempt(config_of(s3, s3_bucket), streams=streams) as attempt:
        attempt.write(rows(1, 3))
        attempt.write(rows(1, 5), stream=1)
        committed = attempt.commit()
    receipt = json.loads(committed.receipt)
    assert committed.rows == {0: 3, 1: 5}
    assert (receipt["writer"], receipt["epoch"], receipt["commit"]) == ("writer-1", 1, 1)
    assert [(file["stream"]["name"], file["generation"], file["rows"]) for file in receipt["files"]] == [
        ("orders", 1, 3),
        ("others", 1, 5),
    ]
    assert sorted(file["upload"]["key"] for file in receipt["files"]) == sorted(unfinished(s3_client, s3_bucket))


def test_rows_after_the_last_commit_are_discarded_when_the_writer_closes(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """A writer that ends in order leaves nothing that the next one would have to look for."""
    with Attempt(config_of(s3, s3_bucket)) as attempt:
        attempt.write(rows(1, 3))
        attempt.stage()
        assert len(unfinished(s3_client, s3_bucket)) == 1
    assert unfinished(s3_client, s3_bucket) == []


def test_next_attempt_discards_exactly_what_no_receipt_names(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """An attempt is killed after a commit that was stored, one whose receipt was lost, and rows without a commit."""
    config = config_of(s3, s3_bucket)
    streams = [orders(), orders(name=OTHERS)]
    killed = Attempt(config, streams=streams)
    killed.write(rows(1, 3))
    killed.write(rows(1, 3), stream=1)
    stored = killed.commit().receipt
    killed.write(rows(4, 6))
    killed.commit()
    killed.write(rows(7, 9))
    killed.write(rows(7, 9), stream=1)
    killed.stage()
    assert len(unfinished(s3_client, s3_bucket)) == 5
    with Attempt(config, streams=streams, epoch=2, resume_after=1, receipts=[stored]) as attempt:
        assert attempt.writer.discarded == 3
        assert len(unfinished(s3_client, s3_bucket)) == 2
        attempt.write(rows(4, 9))
        receipts = [stored, attempt.commit().receipt]
    publish.complete(attempt.store, "job-1", receipts, [])
    assert ids(s3_client, s3_bucket) == sorted([*range(1, 10), *range(1, 4)])
    assert unfinished(s3_client, s3_bucket) == []


def test_first_attempt_looks_for_no_leftovers(s3: EmbeddedS3, s3_bucket: str, s3_faults: S3FaultProxy) -> None:
    """Listing uploads takes long in a bucket that has many; only a writer that was opened before can have left any."""
    config = config_of(s3, s3_bucket, endpoint=s3_faults.endpoint)
    with Attempt(config):
        assert [request.operation for request in s3_faults.requests] == ["GetObject", "PutObject"]
    s3_faults.rule = None
    with Attempt(config, epoch=2):
        assert "ListMultipartUploads" in [request.operation for request in s3_faults.requests]


@pytest.mark.parametrize("died", ["before", "after"])
def test_attempt_killed_at_any_request_loses_and_doubles_nothing(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy, died: str
) -> None:
    """The second commit dies at its first request, then at its second, and so on: the next attempt mends each."""
    number = 0
    survived = False
    while not survived:
        number += 1
        write_id = f"job-{number}"
        config = config_of(s3, s3_bucket, prefix=write_id, endpoint=s3_faults.endpoint)
        dying = Attempt(config, write_id=write_id)
        dying.write(rows(1, 3))
        receipts = [dying.commit().receipt]
        s3_faults.rule = from_request(number, refused(403, "Killed", done=died == "after"), refused(403, "Killed"))
        try:
            dying.write(rows(4, 6))
            dying.commit()
            survived = len(s3_faults.struck) == 0
        except TowpathError:
            assert s3_faults.struck
        s3_faults.rule = None
        with Attempt(config, write_id=write_id, epoch=2, resume_after=1, receipts=receipts) as attempt:
            attempt.write(rows(4, 6))
            receipts.append(attempt.commit().receipt)
        publish.complete(attempt.store, write_id, receipts, [])
        keys = [key for key in objects(s3_client, s3_bucket) if key.startswith(f"{write_id}/")]
        assert ids(s3_client, s3_bucket, keys) == list(range(1, 7))
        assert unfinished(s3_client, s3_bucket) == []
    assert number == 4  # begin, upload, and look at the fence


def test_older_epoch_can_neither_open_nor_commit(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A worker that wakes up late must not add rows that its successor has written again."""
    config = config_of(s3, s3_bucket)
    late = Attempt(config)
    late.write(rows(1, 3))
    with Attempt(config, epoch=3) as newer:
        with pytest.raises(Fenced, match="epoch 3 has taken over from epoch 1"):
            late.commit()
        with pytest.raises(Fenced, match="epoch 3 has taken over from epoch 2"):
            Attempt(config, epoch=2)
        late.close()
        newer.write(rows(1, 2))
        receipt = newer.commit().receipt
    publish.complete(newer.store, "job-1", [receipt], [])
    assert ids(s3_client, s3_bucket) == [1, 2]
    assert unfinished(s3_client, s3_bucket) == []


def test_upload_that_a_newer_epoch_discarded_is_no_fault_of_the_configuration(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """The store says that the upload is unknown; what happened is that a newer attempt took over."""
    config = config_of(s3, s3_bucket)
    late = Attempt(config)
    late.begin_file(rows(1, 3))
    with Attempt(config, epoch=2) as newer:
        assert newer.writer.discarded == 1
        with pytest.raises(Fenced, match="epoch 2 has taken over from epoch 1"):
            late.commit()
    late.close()


def test_upload_that_somebody_else_aborted_is_tried_again(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A lifecycle rule that is too eager costs an attempt, not rows, as long as nothing was committed."""
    with Attempt(config_of(s3, s3_bucket)) as attempt:
        attempt.begin_file(rows(1, 3))
        (upload,) = s3_client.list_multipart_uploads(Bucket=s3_bucket).get("Uploads", [])
        s3_client.abort_multipart_upload(
            Bucket=s3_bucket, Key=upload.get("Key", ""), UploadId=upload.get("UploadId", "")
        )
        with pytest.raises(TowpathError, match="lifecycle rule") as failure:
            attempt.commit()
    assert (failure.value.reason, failure.value.rule.retry) == ("UPLOAD_GONE", True)


def test_of_attempts_that_open_at_once_only_the_newest_commits(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """Two workers that believe in the same job race for the fence; conditional writes decide."""
    config = config_of(s3, s3_bucket)
    start = threading.Barrier(6)
    opened = threading.Barrier(6)

    def attempt(epoch: int) -> bytes | None:
        start.wait()
        racer: Attempt | None = None
        with suppress(Fenced):
            racer = Attempt(config, epoch=epoch)
        opened.wait()
        if racer is None:
            return None
        with racer:
            try:
                racer.write(rows(epoch, epoch))
                return racer.commit().receipt
            except Fenced:
                return None

    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(attempt, range(1, 7)))
    assert [receipt is not None for receipt in receipts] == [False] * 5 + [True]
    (receipt,) = filter(None, receipts)
    with running_destination() as destination:
        destination.complete(config, "job-1", [receipt])
    assert ids(s3_client, s3_bucket) == [6]
    assert unfinished(s3_client, s3_bucket) == []


def test_fence_whose_answer_was_lost_is_recognised_as_ones_own(
    s3: EmbeddedS3, s3_bucket: str, s3_faults: S3FaultProxy
) -> None:
    """The repeated request fails because the first one worked."""
    s3_faults.rule = lambda request: LOST_ANSWER if request.number == 2 else None
    with Attempt(config_of(s3, s3_bucket, endpoint=s3_faults.endpoint)) as attempt:
        assert [request.operation for request in s3_faults.struck] == ["PutObject"]
        attempt.write(rows(1, 1))
        attempt.commit()


def test_writers_of_one_write_do_not_discard_each_others_files(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """Streams of one job are written by several writers; one that is opened again touches its own leftovers only."""
    config = config_of(s3, s3_bucket)
    first = Attempt(config, writer_id="orders")
    second = Attempt(config, streams=[orders(name=OTHERS)], writer_id="others")
    first.begin_file(rows(1, 3))
    second.begin_file(rows(11, 13))
    with Attempt(config, writer_id="orders", epoch=2) as again:
        assert again.writer.discarded == 1
        again.write(rows(1, 3))
        receipts = [again.commit().receipt, second.commit().receipt]
    publish.complete(again.store, "job-1", receipts, [])
    assert ids(s3_client, s3_bucket) == [1, 2, 3, 11, 12, 13]
    assert unfinished(s3_client, s3_bucket) == []


def test_writers_of_one_stream_share_its_folder(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """Splits of a large table are written side by side, and published together."""
    config = config_of(s3, s3_bucket)
    stream = orders(WriteMode.OVERWRITE, minimum=1)
    receipts: list[bytes] = []
    for writer_id in ("split-1", "split-2", "split-3"):
        with Attempt(config, streams=[stream], writer_id=writer_id) as attempt:
            attempt.write(rows(1, 2))
            receipts.append(attempt.commit().receipt)
    with running_destination() as destination:
        destination.complete(config, "job-1", receipts, [stream])
    assert ids(s3_client, s3_bucket) == [1, 1, 1, 2, 2, 2]
    assert len([key for key in all_keys(s3_client, s3_bucket) if "/manifests/" in key]) == 1


def test_jobs_that_write_one_stream_at_once_keep_to_their_own(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """Two connections may feed one table; what one aborts or publishes is its own."""
    config = config_of(s3, s3_bucket)
    one, other, third = (Attempt(config, write_id=f"job-{number}") for number in (1, 2, 3))
    for number, attempt in enumerate((one, other, third)):
        attempt.write(rows(10 * number, 10 * number + 1))
    receipts = [attempt.commit().receipt for attempt in (one, other, third)]
    publish.complete(one.store, "job-1", receipts[:1], [])
    publish.abort(one.store, "job-3")
    assert ids(s3_client, s3_bucket) == [0, 1]
    assert len(unfinished(s3_client, s3_bucket)) == 1
    publish.complete(one.store, "job-2", receipts[1:2], [])
    assert ids(s3_client, s3_bucket) == [0, 1, 10, 11]
    assert unfinished(s3_client, s3_bucket) == []
    assert [key for key in all_keys(s3_client, s3_bucket) if key.endswith(".epoch")] == []


def test_writer_that_outlives_its_write_commits_nothing(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """When the job was completed or aborted meanwhile, there is nobody who would publish its rows."""
    config = config_of(s3, s3_bucket)
    with Attempt(config) as late:
        late.write(rows(1, 3))
        publish.abort(late.store, "job-1")
        with pytest.raises(Fenced, match="completed or aborted"):
            late.commit()
    assert unfinished(s3_client, s3_bucket) == []
