"""The end of a write: what its receipts name appears, older generations go, and nothing else is left, however often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from destination_s3_attempt import Attempt
from destination_s3_steps import all_keys, config_of, ids, objects, orders, running_destination, unfinished
from file_steps import rows
from s3_faults import S3FaultProxy, always, from_request, only, refused
from towpath_destination_s3 import publish
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.store import Store
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Bug, Denied, StreamName, TowpathError, WriteMode, WriteStream

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

OTHERS = StreamName("public", "others")


def generation(number: int, name: StreamName = StreamName("public", "orders")) -> WriteStream:  # noqa: B008 immutable
    return orders(WriteMode.OVERWRITE, generation=number, minimum=number, name=name)


def store_of(config: dict[str, Any]) -> Store:
    return Store(S3Config.model_validate(config))


def written(
    config: dict[str, Any], streams: Sequence[WriteStream], *numbers: Sequence[int], write_id: str
) -> tuple[Store, list[bytes]]:
    """Commit rows of each stream, the first ones before the others; returns the receipts."""
    receipts: list[bytes] = []
    with Attempt(config, streams=streams, write_id=write_id) as attempt:
        for part in range(max(map(len, numbers))):
            for index, ids_ in enumerate(numbers):
                for number in ids_[part : part + 1]:
                    attempt.write(rows(number, number), stream=index)
            receipts.append(attempt.commit().receipt)
    return attempt.store, receipts


def dies_at_every_request(
    faults: S3FaultProxy, act: Callable[[], None], begin: Callable[[int], None], judge: Callable[[int], None]
) -> int:
    """Let `act` die at its first request, before or after it is done, then at its second, and so on; then repeat it.

    `begin` sets each round up, `judge` looks at what the repetition left. Returns the number of requests of `act`.
    """
    number = 0
    while True:
        number += 1
        for done in (False, True):
            begin(2 * number + done)
            faults.rule = from_request(number, refused(403, "Killed", done=done), refused(403, "Killed"))
            try:
                act()
            except TowpathError:
                assert faults.struck
            struck = bool(faults.struck)
            faults.rule = None
            if not struck:
                return number - 1
            act()
            act()
            judge(2 * number + done)


def test_publication_that_dies_at_any_request_is_finished_by_the_next(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy
) -> None:
    """Two streams are replaced: readers see each new file once, no older file, and no trace of the publication."""
    streams = [generation(2), generation(2, OTHERS)]
    state: dict[str, Any] = {}

    def begin(round_: int) -> None:
        config = config_of(s3, s3_bucket, prefix=f"round-{round_}")
        older = [generation(1), generation(1, OTHERS)]
        store, receipts = written(config, older, [1], [11], write_id="job-1")
        publish.complete(store, "job-1", receipts, older)
        Attempt(config, streams=streams, write_id="job-2", writer_id="killed").begin_file(rows(99, 99))
        _, state["receipts"] = written(config, streams, [3, 4], [12], write_id="job-2")
        state["store"] = store_of({**config, "endpoint": s3_faults.endpoint})

    def judge(round_: int) -> None:
        keys = all_keys(s3_client, s3_bucket, f"round-{round_}/")
        data = [key for key in keys if "/_towpath/" not in key]
        assert ids(s3_client, s3_bucket, data) == [3, 4, 12]
        assert len(data) == 3
        assert sorted(key.split("/")[2] for key in keys if key not in data) == ["manifests"] * 2
        assert unfinished(s3_client, s3_bucket) == []

    requests = dies_at_every_request(
        s3_faults, lambda: publish.complete(state["store"], "job-2", state["receipts"], streams), begin, judge
    )
    assert requests == 17


def test_abort_that_dies_at_any_request_is_finished_by_the_next(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy
) -> None:
    """After an abort nothing is left of a write, and everything of the writes before it."""
    state: dict[str, Any] = {}

    def begin(round_: int) -> None:
        config = config_of(s3, s3_bucket, prefix=f"round-{round_}")
        store, receipts = written(config, [generation(1)], [1], write_id="job-1")
        publish.complete(store, "job-1", receipts, [generation(1)])
        written(config, [generation(2)], [2, 3], write_id="job-2")
        Attempt(config, write_id="job-2", writer_id="killed").begin_file(rows(99, 99))
        state["store"] = store_of({**config, "endpoint": s3_faults.endpoint})

    def judge(round_: int) -> None:
        keys = all_keys(s3_client, s3_bucket, f"round-{round_}/")
        assert ids(s3_client, s3_bucket, [key for key in keys if "/_towpath/" not in key]) == [1]
        assert len(keys) == 2
        assert unfinished(s3_client, s3_bucket) == []

    requests = dies_at_every_request(s3_faults, lambda: publish.abort(state["store"], "job-2"), begin, judge)
    assert requests == 6  # list uploads, abort three, list fences, delete them


def test_files_that_no_receipt_names_do_not_appear(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """The platform's word counts: a commit whose receipt was not stored never happened."""
    store, receipts = written(config_of(s3, s3_bucket), [orders()], [1, 2], write_id="job-1")
    publish.complete(store, "job-1", receipts[:1], [])
    assert ids(s3_client, s3_bucket) == [1]
    assert unfinished(s3_client, s3_bucket) == []


def test_replacing_a_stream_removes_exactly_its_older_generations(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """Not the rows of this generation from an earlier job, not another stream's, not a file of somebody else's."""
    config = config_of(s3, s3_bucket)
    stranger = "lake/public/orders/notes.txt"
    s3_client.put_object(Bucket=s3_bucket, Key=stranger, Body=b"keep me")
    for number, stream, ids_ in (
        (1, orders(generation=1), [1]),
        (2, orders(generation=2, minimum=2), [2]),
        (3, orders(generation=2, minimum=2), [3]),
        (4, orders(generation=1, name=OTHERS), [4]),
        (5, orders(generation=4, minimum=3), [5]),
        (6, orders(generation=3, minimum=3), [6]),
    ):
        store, receipts = written(config, [stream], ids_, write_id=f"job-{number}")
        publish.complete(store, f"job-{number}", receipts, [stream])
        expected = {1: [1], 2: [2], 3: [2, 3], 4: [2, 3, 4], 5: [4, 5], 6: [4, 5, 6]}[number]
        data = [key for key in objects(s3_client, s3_bucket) if key != stranger]
        assert ids(s3_client, s3_bucket, data) == expected
    assert stranger in objects(s3_client, s3_bucket)


def test_stream_that_did_not_complete_keeps_its_older_generation(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """An incremental refresh that was cut short publishes what it has; the rest of the old rows must stay readable."""
    config = config_of(s3, s3_bucket)
    store, receipts = written(config, [generation(1)], [1], write_id="job-1")
    publish.complete(store, "job-1", receipts, [generation(1)])
    store, receipts = written(config, [generation(2)], [2], write_id="job-2")
    publish.complete(store, "job-2", receipts, [])
    assert ids(s3_client, s3_bucket) == [1, 2]


def test_publication_ends_at_the_first_failure(s3: EmbeddedS3, s3_bucket: str, s3_faults: S3FaultProxy) -> None:
    """A thousand files are not tried one by one against a store that refuses the first."""
    config = config_of(s3, s3_bucket)
    _, receipts = written(config, [orders()], range(40), write_id="job-1")
    s3_faults.rule = only(["CompleteMultipartUpload"], always(refused(403, "AccessDenied")))
    with pytest.raises(Denied):
        publish.complete(store_of({**config, "endpoint": s3_faults.endpoint}), "job-1", receipts, [])
    assert len(s3_faults.struck) < 40


def test_table_that_is_empty_now_is_empty_here(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """No rows mean no receipt with files; the older rows must go nevertheless."""
    config = config_of(s3, s3_bucket)
    store, receipts = written(config, [generation(1)], [1, 2], write_id="job-1")
    publish.complete(store, "job-1", receipts, [generation(1)])
    store, receipts = written(config, [generation(2)], [], write_id="job-2")
    for _ in range(2):
        publish.complete(store, "job-2", receipts, [generation(2)])
        assert all_keys(s3_client, s3_bucket) == []


def test_write_that_was_never_opened_can_be_completed_and_aborted(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """A job without rows, or one that failed before its first stream."""
    config = config_of(s3, s3_bucket)
    with running_destination() as destination:
        destination.complete(config, "job-1", [], [generation(1)])
        destination.abort(config, "job-2")
    assert all_keys(s3_client, s3_bucket) == []


def test_lost_upload_is_told_and_nothing_older_is_removed(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str) -> None:
    """A lifecycle rule took committed rows: readers must keep the older generation, and the user must know."""
    config = config_of(s3, s3_bucket)
    store, receipts = written(config, [generation(1)], [1], write_id="job-1")
    publish.complete(store, "job-1", receipts, [generation(1)])
    store, receipts = written(config, [generation(2)], [2, 3], write_id="job-2")
    upload = s3_client.list_multipart_uploads(Bucket=s3_bucket).get("Uploads", [])[0]
    s3_client.abort_multipart_upload(Bucket=s3_bucket, Key=upload.get("Key", ""), UploadId=upload.get("UploadId", ""))
    for _ in range(2):
        with pytest.raises(Bug, match="lifecycle rule") as failure:
            publish.complete(store, "job-2", receipts, [generation(2)])
        assert failure.value.reason == "UPLOAD_LOST"
    assert 1 in ids(s3_client, s3_bucket)


def test_upload_that_was_completed_before_is_recognised_by_the_mark_on_its_object(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy
) -> None:
    """Some stores forget an upload as soon as it is completed, and call the repetition an error."""
    config = config_of(s3, s3_bucket)
    store, receipts = written(config, [orders()], [1, 2], write_id="job-1")
    publish.complete(store, "job-1", receipts, [])
    s3_faults.rule = only(["CompleteMultipartUpload"], always(refused(404, "NoSuchUpload")))
    publish.complete(store_of({**config, "endpoint": s3_faults.endpoint}), "job-1", receipts, [])
    assert [request.operation for request in s3_faults.requests].count("HeadObject") == 2
    assert ids(s3_client, s3_bucket) == [1, 2]


def test_object_of_somebody_else_under_the_same_key_is_not_taken_for_ours(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """That an object is there does not prove that it is the one which was to be published."""
    config = config_of(s3, s3_bucket)
    store, receipts = written(config, [orders()], [1], write_id="job-1")
    (upload,) = s3_client.list_multipart_uploads(Bucket=s3_bucket).get("Uploads", [])
    key = upload.get("Key", "")
    s3_client.abort_multipart_upload(Bucket=s3_bucket, Key=key, UploadId=upload.get("UploadId", ""))
    s3_client.put_object(Bucket=s3_bucket, Key=key, Body=b"something else")
    with pytest.raises(Bug) as failure:
        publish.complete(store, "job-1", receipts, [])
    assert failure.value.reason == "UPLOAD_LOST"


@pytest.mark.parametrize(
    "receipt", [b"", b"{}", b"[]", b'{"version":2,"files":[]}', b'{"version":1,"files":[{}]}', b"\xff"]
)
def test_damaged_receipt_publishes_nothing(s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, receipt: bytes) -> None:
    """Half of a write is worse than none."""
    store, receipts = written(config_of(s3, s3_bucket), [orders()], [1], write_id="job-1")
    with pytest.raises(Bug):
        publish.complete(store, "job-1", [*receipts, receipt], [])
    assert objects(s3_client, s3_bucket) == []


def test_strange_object_among_the_manifests_stops_the_removal(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str
) -> None:
    """What cannot be read is not guessed at when it decides what is deleted."""
    config = config_of(s3, s3_bucket)
    folder = "lake/_towpath/manifests/=public/=orders/"
    for name, body in (("readme.txt", b""), ("00000001-w0.json", b"{}"), ("00000001-w0.json", b"no JSON")):
        s3_client.put_object(Bucket=s3_bucket, Key=folder + name, Body=body)
        with running_destination() as destination, pytest.raises(Bug) as failure:
            destination.complete(config, "job-1", [], [generation(2)])
        assert failure.value.reason == "STRANGE_MANIFEST"
        s3_client.delete_object(Bucket=s3_bucket, Key=folder + name)
