"""A store that fails now and then costs time, never rows; one that keeps failing is named as what it is."""

from __future__ import annotations

import functools
import os
import random
import signal
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from destination_s3_attempt import Attempt
from destination_s3_steps import all_keys, config_of, ids, objects, orders, running_destination, unfinished
from file_steps import rows
from s3_faults import (
    CUT_ANSWER,
    CUT_REQUEST,
    INTERNAL_ERROR,
    LOST_ANSWER,
    LOST_REQUEST,
    SLOW_DOWN,
    Fault,
    Request,
    S3FaultProxy,
    always,
    only,
    refused,
    sometimes,
)
from towpath_destination_s3 import publish, writer
from towpath_destination_s3.store import Store
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Denied, Misconfigured, Throttled, TowpathError, Unavailable, WriteMode
from towpath_sdk.testing.process import connector_process

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_are_exact_although_every_fifth_request_fails(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy, seed: int
) -> None:
    """Answers that are lost after the work was done are the dangerous ones: repeating must not double anything."""
    config = config_of(s3, s3_bucket, endpoint=s3_faults.endpoint, format={"type": "parquet", "compression": "none"})
    stream = orders(WriteMode.OVERWRITE, minimum=1)
    large = random.Random(seed).randbytes(20 << 20)
    with running_destination() as destination:
        s3_faults.rule = sometimes(0.2, seed=seed)
        with destination.write(config, [stream], write_id="job-1") as write:
            receipts: list[bytes] = []
            for first in (1, 11, 21):
                write.write(rows(first, first + 9))
                receipts.append(write.commit().receipt)
            write.write(pa.record_batch({"id": [31], "name": pa.array([large])}))
            receipts.append(write.commit().receipt)
            write.finish()
        destination.complete(config, "job-1", receipts, [stream])
        assert len(s3_faults.struck) >= 3
    keys = objects(s3_client, s3_bucket)
    assert ids(s3_client, s3_bucket, keys[:3]) == list(range(1, 31))
    assert large in s3_client.get_object(Bucket=s3_bucket, Key=keys[3])["Body"].read()
    assert unfinished(s3_client, s3_bucket) == []
    assert [key for key in all_keys(s3_client, s3_bucket) if key.endswith(".epoch")] == []


@pytest.mark.parametrize(
    ("operation", "fault", "kind"),
    [
        ("GetObject", INTERNAL_ERROR, Unavailable),
        ("GetObject", CUT_ANSWER, Unavailable),
        ("PutObject", SLOW_DOWN, Throttled),
        ("CreateMultipartUpload", refused(403, "AccessDenied"), Denied),
        ("CreateMultipartUpload", refused(404, "NoSuchBucket"), Misconfigured),
        ("UploadPart", SLOW_DOWN, Throttled),
        ("UploadPart", LOST_REQUEST, Unavailable),
        ("UploadPart", CUT_REQUEST, Unavailable),
        ("UploadPart", LOST_ANSWER, Unavailable),
        ("CompleteMultipartUpload", INTERNAL_ERROR, Unavailable),
        ("DeleteObjects", SLOW_DOWN, Throttled),
        ("ListMultipartUploads", refused(403, "AccessDenied"), Denied),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_store_that_keeps_failing_fails_the_write_with_its_kind(
    s3: EmbeddedS3,
    s3_client: S3Client,
    s3_bucket: str,
    s3_faults: S3FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    fault: Fault,
    kind: type[TowpathError],
) -> None:
    """Nothing is visible meanwhile, and when the store has recovered, the write can be thrown away or finished."""
    monkeypatch.setattr(writer, "Store", functools.partial(Store, attempts=2))  # six would wait half a minute
    config = config_of(s3, s3_bucket, endpoint=s3_faults.endpoint)

    def write_and_publish() -> None:
        with Attempt(config) as attempt:
            attempt.write(rows(1, 3))
            receipt = attempt.commit().receipt
        attempt.store = attempt.writer._store
        publish.complete(attempt.store, "job-1", [receipt], [])

    s3_faults.rule = only([operation], always(fault))
    with pytest.raises(TowpathError) as failure:
        write_and_publish()
    assert type(failure.value) is kind
    s3_faults.rule = None
    if operation not in ("CompleteMultipartUpload", "DeleteObjects", "ListMultipartUploads"):
        assert objects(s3_client, s3_bucket) == []
        write_and_publish()
    publish.abort(Attempt(config, write_id="job-2").store, "job-1")
    publish.abort(Attempt(config, write_id="job-2").store, "job-2")
    assert unfinished(s3_client, s3_bucket) == []
    assert [key for key in all_keys(s3_client, s3_bucket) if key.endswith(".epoch")] == []


@pytest.mark.parametrize("seed", range(3))
def test_connector_killed_at_a_random_request_loses_and_doubles_nothing(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy, seed: int
) -> None:
    """SIGKILL in the midst of a request, again and again, while writing and while publishing; then one try in peace."""
    drawn = random.Random(seed)
    config = config_of(s3, s3_bucket, endpoint=s3_faults.endpoint)
    receipts: list[bytes] = []
    published = False
    epoch = 0
    while not published:
        epoch += 1
        with connector_process(sys.executable, "-m", "towpath_destination_s3") as destination:
            last = drawn.randint(1, 12) if epoch < 4 else 0
            s3_faults.rule = killing(destination.pid, last, drawn.choice([LOST_REQUEST, LOST_ANSWER])) if last else None
            try:
                write_on(destination, config, epoch, receipts)
                destination.complete(config, "job-1", receipts, [orders()])
                published = True
            except TowpathError:
                assert destination.wait_exit(10) == -signal.SIGKILL
    assert ids(s3_client, s3_bucket) == list(range(1, 41))
    assert len(objects(s3_client, s3_bucket)) == 4
    assert unfinished(s3_client, s3_bucket) == []
    assert [key for key in all_keys(s3_client, s3_bucket) if key.endswith(".epoch")] == []


def write_on(destination: Any, config: dict[str, Any], epoch: int, receipts: list[bytes]) -> None:
    """Continue after the receipts that are stored, as the broker does, up to four commits."""
    with destination.write(
        config, [orders()], write_id="job-1", epoch=epoch, resume_after_commit_seq=len(receipts), receipts=receipts
    ) as write:
        while len(receipts) < 4:
            first = 10 * len(receipts) + 1
            write.write(rows(first, first + 9))
            receipts.append(write.commit().receipt)
        write.finish()


def killing(pid: int, number: int, fault: Fault) -> Any:
    """Kill the process at this request, which is lost before or after it is done."""

    def rule(request: Request) -> Fault | None:
        if request.number < number:
            return None
        if request.number == number:
            os.kill(pid, signal.SIGKILL)
            return fault
        return LOST_REQUEST

    return rule
