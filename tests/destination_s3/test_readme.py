"""What the README of the destination says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import towpath_destination_s3
from destination_s3_attempt import Attempt
from destination_s3_steps import config_of, orders, running_destination
from file_steps import rows
from s3_faults import S3FaultProxy
from towpath_destination_s3 import publish
from towpath_destination_s3.config import S3Config
from towpath_destination_s3.template import DEFAULT_TEMPLATE, PathTemplate
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import WriteMode
from towpath_sdk.files import CsvFormat, JsonLinesFormat, ParquetFormat

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

FOLDER = Path(__file__).parents[2] / "connectors/destination-s3"
README = (FOLDER / "README.md").read_text()
ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObjects": "s3:DeleteObject",
}
"""Which action of a policy allows which request. Source: Service Authorization Reference of AWS, Amazon S3."""


def json_blocks() -> list[dict[str, Any]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]


def test_every_field_is_described_with_its_default() -> None:
    """A field that is added without a word is a field that nobody finds."""
    lines = [line.split("|") for line in README.split("## Where")[0].splitlines() if line.startswith("| `")]
    described = {line[1].strip(" `"): line[2].strip() for line in lines}
    formats = {"parquet": ParquetFormat(), "jsonl": JsonLinesFormat(type="jsonl"), "csv": CsvFormat(type="csv")}
    for name in ("format.type", *formats):
        described.pop(name)
    assert list(described) == list(S3Config.model_fields)
    defaults = S3Config(bucket="any")
    for name, default in described.items():
        if re.fullmatch(r"`.*`", default):
            assert default.strip("`") == json.dumps(getattr(defaults, name)).strip('"')
    assert (described["target_file_bytes"], defaults.target_file_bytes) == ("256 MiB", 256 << 20)
    assert described["format"] == f"Parquet, {ParquetFormat().compression.value}"
    for name, form in formats.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", README, re.MULTILINE)
        codecs = type(form).model_json_schema()["$defs"]
        (values,) = [definition["enum"] for definition in codecs.values()]
        assert sorted(row.replace("`", "").split(", ")) == sorted(values)


def test_template_and_placeholders_are_those_that_are_known() -> None:
    """Whoever copies them from here must be right."""
    assert f"`{DEFAULT_TEMPLATE}`" in README
    for name in set(re.findall(r"`\{(\w+)\}`", README)) - {"write", "commit", "part"}:
        PathTemplate(f"{{{name}}}/{{stream}}/{{write}}-{{commit}}-{{part}}")


def test_policy_allows_what_is_asked_of_the_store_and_nothing_else(
    s3: EmbeddedS3, s3_client: S3Client, s3_bucket: str, s3_faults: S3FaultProxy
) -> None:
    """Every request of a check, two writes with a leftover, their publication and an abort."""
    policy = json_blocks()[0]
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    config = config_of(s3, s3_bucket, endpoint=s3_faults.endpoint)
    s3_faults.rule = None
    with running_destination() as destination:
        destination.check(config)
    for number in (1, 2):
        stream = orders(WriteMode.OVERWRITE, generation=number, minimum=number)
        Attempt(config, streams=[stream], write_id=f"job-{number}").begin_file(rows(9, 9))
        with Attempt(config, streams=[stream], write_id=f"job-{number}", epoch=2) as attempt:
            attempt.write(rows(1, 3))
            receipts = [attempt.commit().receipt]
        for _ in range(2):
            publish.complete(attempt.store, f"job-{number}", receipts, [stream])
    publish.abort(attempt.store, "job-3")
    asked = {request.operation for request in s3_faults.requests}
    assert {ACTIONS[operation] for operation in asked} == allowed


def test_lifecycle_rule_is_one_that_a_store_accepts(s3_client: S3Client, s3_bucket: str) -> None:
    """A rule that is copied from here must not be refused."""
    rule: Any = json_blocks()[1]
    s3_client.put_bucket_lifecycle_configuration(Bucket=s3_bucket, LifecycleConfiguration=rule)


def test_every_file_is_in_the_map() -> None:
    """The map is read by whoever looks for the file to change."""
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", README.split("## Files")[1]))
    package = Path(towpath_destination_s3.__file__).parent
    assert named == {path.name for path in package.glob("*.py") if not path.name.startswith("__")}
