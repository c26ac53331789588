"""A check tells a person what is wrong, with which step, and what to do; never with a secret in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from destination_s3_steps import all_keys, config_of, running_destination, unfinished
from s3_faults import INTERNAL_ERROR, LOST_REQUEST, SLOW_DOWN, Fault, S3FaultProxy, always, only, refused
from towpath_local.embedded.ports import free_port
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Denied, Misconfigured, Throttled, TowpathError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

WHOLE = "(configuration)"
SECRET = "a-wrong-secret-that-must-not-be-shown"
Changes = Callable[[EmbeddedS3], dict[str, Any]]


def failure_of_check(config: dict[str, Any]) -> tuple[str, TowpathError]:
    """The probe that failed, which is the last one, and how."""
    with running_destination() as destination:
        results = destination.check(config)
    failed = [(result.probe, result.failure) for result in results if result.failure is not None]
    ((probe, failure),) = failed
    assert failure is not None
    assert results[-1].probe == probe
    return probe, failure


CASES: list[tuple[str, Changes, str, type[TowpathError], str, str]] = [
    (
        "wrong secret",
        lambda _: {"secret_access_key": SECRET},
        *("bucket", Denied, "SIGNATURE_DOES_NOT_MATCH", "the secret does not belong to the access key"),
    ),
    (
        "unknown key",
        lambda _: {"access_key_id": "NOBODY", "secret_access_key": SECRET},
        *("bucket", Denied, "INVALID_ACCESS_KEY_ID", "the access key is unknown to the store"),
    ),
    (
        "missing bucket",
        lambda _: {"bucket": "no-such-bucket"},
        *("bucket", Misconfigured, "NO_SUCH_BUCKET", "create the bucket, or check its name and region"),
    ),
    (
        "identity that may only read",
        lambda s3: dict(zip(("access_key_id", "secret_access_key"), s3.reader_keys, strict=True)),
        *("write", Denied, "ACCESS_DENIED", "check the credentials and the policies of user and bucket"),
    ),
    (
        "unknown host",
        lambda _: {"endpoint": "http://nowhere.invalid:9000"},
        *("bucket", Unavailable, "ENDPOINT_UNREACHABLE", "check endpoint and region, and that the store runs"),
    ),
    (
        "closed port",
        lambda _: {"endpoint": f"http://127.0.0.1:{free_port()}"},
        *("bucket", Unavailable, "ENDPOINT_UNREACHABLE", "check endpoint and region, and that the store runs"),
    ),
    (
        "TLS where there is none",
        lambda s3: {"endpoint": s3.endpoint.replace("http:", "https:")},
        *("bucket", Misconfigured, "TLS_FAILED", "check endpoint and the certificates"),
    ),
    (
        "name that no bucket can have",
        lambda _: {"bucket": "What a Bucket!"},
        *("bucket", Misconfigured, "INVALID_PARAMETER", "Invalid bucket name"),
    ),
]


@pytest.mark.parametrize(
    ("name", "changes", "probe", "kind", "reason", "remedy"), CASES, ids=[case[0] for case in CASES]
)
def test_failed_probe_says_what_to_do(
    s3: EmbeddedS3,
    s3_bucket: str,
    name: str,
    changes: Changes,
    probe: str,
    kind: type[TowpathError],
    reason: str,
    remedy: str,
) -> None:
    """The later probes are not run: their failures would only repeat the first."""
    config = {**config_of(s3, s3_bucket), **changes(s3)}
    failed, failure = failure_of_check(config)
    assert (failed, type(failure), failure.reason) == (probe, kind, reason)
    assert remedy in failure.message
    assert config["secret_access_key"] not in str(failure)


@pytest.mark.parametrize(
    ("changes", "fields", "complaint"),
    [
        ({"region": "not a region"}, ["region"], "letters, digits and hyphens"),
        ({"region": ""}, ["region"], "letters, digits and hyphens"),
        ({"region": "us-east-1 "}, ["region"], "letters, digits and hyphens"),
        ({"endpoint": "127.0.0.1:8333"}, ["endpoint"], ""),
        ({"endpoint": "http://bad host:1"}, ["endpoint"], "an endpoint is an address"),
        ({"endpoint": "http://a..b"}, ["endpoint"], "an endpoint is an address"),
        ({"endpoint": "http://"}, ["endpoint"], "an endpoint is an address"),
        ({"endpoint": "http://host:port"}, ["endpoint"], ""),
        ({"endpoint": f"http://user:{SECRET}@host"}, ["endpoint"], "credentials do not belong into the endpoint"),
        ({"secret_access_key": None}, [WHOLE], "belong together"),
        ({"access_key_id": None, "secret_access_key": SECRET}, [WHOLE], "belong together"),
        ({"kms_key_id": "key"}, [WHOLE], "aws:kms"),
        ({"partition_by": "day", "path_template": "{stream}/{write}-{commit}-{part}"}, [WHOLE], "{partition}"),
        ({"format": {"type": "orc"}}, ["format"], ""),
        ({"format": {"type": "csv", "compression": "lzma"}}, ["format.compression"], ""),
        ({"target_file_bytes": 10}, ["target_file_bytes"], ""),
        ({"bukket": "x"}, ["bukket"], ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_configuration_that_cannot_be_right_is_refused_before_any_request(
    s3: EmbeddedS3, changes: dict[str, Any], fields: list[str], complaint: str
) -> None:
    """The field is named, so that a form can show the complaint beside it."""
    with running_destination() as destination, pytest.raises(Misconfigured) as failure:
        destination.check(config_of(s3, "any-bucket", **changes))
    assert list(failure.value.fields) == fields
    assert complaint in str(failure.value)
    assert SECRET not in str(failure.value)


def test_missing_credentials_are_told(s3: EmbeddedS3, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys the credential chain of AWS is asked, which on this machine knows none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    config = config_of(s3, s3_bucket, access_key_id=None, secret_access_key=None)
    probe, failure = failure_of_check(config)
    assert (probe, type(failure), failure.reason) == ("bucket", Denied, "NO_CREDENTIALS")
    assert "set access_key_id and secret_access_key" in failure.message


@pytest.mark.parametrize(
    ("operation", "probe"),
    [
        ("ListObjectsV2", "bucket"),
        ("PutObject", "write"),
        ("GetObject", "read"),
        ("CreateMultipartUpload", "multipart"),
        ("UploadPart", "multipart"),
        ("ListMultipartUploads", "multipart"),
        ("AbortMultipartUpload", "multipart"),
        ("DeleteObjects", "delete"),
    ],
)
def test_each_permission_that_writing_needs_is_tried(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy, operation: str, probe: str
) -> None:
    """A policy that forgets one of them would fail the first job, perhaps hours after it began."""
    s3_faults.rule = only([operation], always(refused(403, "AccessDenied")))
    with running_destination() as destination:
        results = destination.check(config_of(s3, s3_bucket, endpoint=s3_faults.endpoint))
    failed = {result.probe: result.failure for result in results if result.failure is not None}
    assert list(failed) == [probe]
    assert isinstance(failed[probe], Denied)
    if operation not in ("DeleteObjects", "AbortMultipartUpload"):
        assert all_keys(s3_client, s3_bucket) == []
        assert unfinished(s3_client, s3_bucket) == []


@pytest.mark.parametrize(
    ("fault", "kind"), [(SLOW_DOWN, Throttled), (INTERNAL_ERROR, Unavailable), (LOST_REQUEST, Unavailable)]
)
def test_store_that_is_out_of_order_is_not_taken_for_a_mistake_of_the_users(
    s3: EmbeddedS3, s3_bucket: str, s3_faults: S3FaultProxy, fault: Fault, kind: type[TowpathError]
) -> None:
    """A person who reads "denied" changes a password that was right."""
    s3_faults.rule = always(fault)
    probe, failure = failure_of_check(config_of(s3, s3_bucket, endpoint=s3_faults.endpoint))
    assert (probe, type(failure)) == ("bucket", kind)
