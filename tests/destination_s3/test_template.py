"""Where files lie: templates that could lose a file are refused, and whatever the names are, no two files meet."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from destination_s3_steps import ORDERS, config_of, running_destination
from hypothesis import given
from hypothesis import strategies as st
from towpath_destination_s3.template import DEFAULT_TEMPLATE, HIVE_NULL, FilePlace, PathTemplate, write_token
from towpath_local.embedded.s3 import EmbeddedS3
from towpath_sdk import Misconfigured, StreamName

AT = datetime(2024, 2, 9, 5, 30, tzinfo=UTC)
UNIQUE = "{write}-{commit}-{part}.{extension}"


def place(
    stream: StreamName = ORDERS,
    *,
    commit: int = 3,
    part: int = 4,
    partition: tuple[str, str | None] | None = None,
    writer_id: str = "writer-1",
) -> FilePlace:
    return FilePlace(stream, 2, "job-1", writer_id, commit, part, AT, "parquet", partition)


def key(template: str, at: FilePlace | None = None, prefix: str = "") -> str:
    return PathTemplate(template).key(prefix, at or place())


NAME = f"{write_token('job-1')}-{key('{stream}/{write}-{commit}-{part}').split('-')[1]}-000003-00004"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (DEFAULT_TEMPLATE, f"public/orders/{NAME}.parquet"),
        (
            "{namespace}.{stream}/g{generation}/{year}/{month}/{day}/{hour}/" + UNIQUE,
            f"public.orders/g2/2024/02/09/05/{NAME}.parquet",
        ),
        ("{stream}/{{literal}}/" + UNIQUE, f"orders/{{literal}}/{NAME}.parquet"),
        ("{stream}/{commit}_{part}_{write}", f"orders/000003_00004_{NAME[:22]}"),
    ],
)
def test_placeholders_are_filled(template: str, expected: str) -> None:
    """Users name folders after what their readers filter by."""
    assert key(template) == expected
    assert key(template, prefix="lake/raw") == f"lake/raw/{expected}"


@pytest.mark.parametrize(
    ("template", "partition_by", "expected"),
    [
        (DEFAULT_TEMPLATE, None, "raw/public/orders/….parquet"),
        (DEFAULT_TEMPLATE, "ordered at/day", "raw/public/orders/ordered at%2Fday=…/….parquet"),
        ("{stream}/g{generation}/y={year}/{month}{day}/x{write}-{commit}-{part}", None, "raw/orders/g…/y=…/…/x…"),
    ],
)
def test_pattern_shows_what_is_known_before_anything_is_written(
    template: str, partition_by: str | None, expected: str
) -> None:
    """A person sees in the web client whether the files would lie where they were meant to."""
    assert PathTemplate(template).pattern("raw", ORDERS, "parquet", partition_by) == expected


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{stream}/{table}/" + UNIQUE, r"unknown \{table\}"),
        ("{stream}/{}/" + UNIQUE, r"unknown \{\}"),
        ("{stream.name}/" + UNIQUE, r"unknown \{stream\.name\}"),
        ("{stream[0]}/" + UNIQUE, r"unknown \{stream\[0\]\}"),
        ("{stream}/{year:>6}/" + UNIQUE, "no format"),
        ("{stream!r}/" + UNIQUE, "no format"),
        ("{stream/" + UNIQUE, "unknown|malformed"),
        ("{stream}}/" + UNIQUE, "malformed"),
        ("{namespace}/" + UNIQUE, r"lacks \{stream\}"),
        ("{{stream}}/" + UNIQUE, r"lacks \{stream\}"),
        ("{stream}/{commit}-{part}", r"lacks \{write\}"),
        ("{stream}/{write}-{{commit}}-{part}", r"lacks \{commit\}"),
        ("{stream}/{write}-{commit}/{part}", r"lacks \{write\}, \{commit\}"),
        ("{stream}/{write}-{commit}-{part}/", r"lacks \{write\}, \{commit\}, \{part\}"),
        ("{stream}/{write}-{commit}-{stream}-{part}", "nothing but text in between"),
        ("{stream}/{write}-{commit}-{part}-{part}", "stand once"),
        ("{stream}/{write}-{commit}{part}", r"\{commit\} is a number"),
        ("{stream}/{write}-{commit}0-{part}", r"\{commit\} is a number"),
        ("{stream}/{write}-{commit}-{part}{generation}", r"\{part\} is a number"),
        ("{stream}/{write}-{commit}-7{part}", r"\{part\} is a number"),
        ("/{stream}/" + UNIQUE, "relative"),
        ("../{stream}/" + UNIQUE, "relative"),
        ("{stream}/./" + UNIQUE, "relative"),
        ("_towpath/{stream}/" + UNIQUE, "_towpath"),
        ("{stream}/\n/" + UNIQUE, "control characters"),
        ("", r"lacks \{stream\}"),
    ],
)
def test_template_that_could_lose_files_is_refused(template: str, complaint: str) -> None:
    """Two files under one key would be one file."""
    with pytest.raises(ValueError, match=complaint):
        PathTemplate(template)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path_template", "{stream}/{write}"),
        ("prefix", "a//b"),
        ("prefix", "../up"),
        ("prefix", "lake/_towpath"),
        ("prefix", "tab\tbed"),
        ("prefix", "x" * 513),
    ],
)
def test_refusal_names_the_field(s3: EmbeddedS3, s3_bucket: str, field: str, value: str) -> None:
    """A form shows the complaint beside what has to be changed."""
    with running_destination() as destination, pytest.raises(Misconfigured) as failure:
        destination.check(config_of(s3, s3_bucket, **{field: value}))
    assert list(failure.value.fields) == [field]


@pytest.mark.parametrize(
    ("namespace", "name", "folder"),
    [
        ("", "orders", "orders"),
        ("a/b", "c/d", "a%2Fb/c%2Fd"),
        ("..", ".", "%2E%2E/%2E"),
        ("", "_towpath", "%5Ftowpath"),
        ("100%", "%2F", "100%25/%252F"),
        ("back\\slash", "new\nline", "back%5Cslash/new%0Aline"),
        ("a=b", "q?#", "a%3Db/q%3F%23"),
        ("", "naïve 🙂", "na%C3%AFve %F0%9F%99%82"),
    ],
)
def test_names_of_streams_stay_one_part_of_the_path(namespace: str, name: str, folder: str) -> None:
    """A table called `../secrets` must not climb out of its folder."""
    assert key(DEFAULT_TEMPLATE, place(StreamName(namespace, name))) == f"{folder}/{NAME}.parquet"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("EU", "region=EU"),
        ("", "region="),
        (None, f"region={HIVE_NULL}"),
        ("a/b=c", "region=a%2Fb%3Dc"),
        (".", "region=."),
    ],
)
def test_partition_is_a_folder_as_hive_has_it(value: str | None, part: str) -> None:
    """Readers such as Spark, Athena and DuckDB skip folders that a query does not ask for."""
    assert key(DEFAULT_TEMPLATE, place(partition=("region", value))) == f"public/orders/{part}/{NAME}.parquet"


def test_text_that_looks_like_hives_null_is_told_apart() -> None:
    """Otherwise rows with that text would be read as NULL."""
    keys = {key(DEFAULT_TEMPLATE, place(partition=("region", value))) for value in (None, HIVE_NULL)}
    assert len(keys) == 2


def test_path_beyond_1024_bytes_is_refused() -> None:
    """S3 would refuse the upload with a riddle; bytes count, not letters."""
    fitting = StreamName("", "x" * (1024 - len(f"/{NAME}.parquet")))
    assert len(key(DEFAULT_TEMPLATE, place(fitting))) == 1024
    with pytest.raises(ValueError, match="longer than 1024 bytes"):
        key(DEFAULT_TEMPLATE, place(StreamName("", fitting.name + "x")))
    with pytest.raises(ValueError, match="another column than city"):
        key(DEFAULT_TEMPLATE, place(partition=("city", "🙂" * 100)))


NAMES = st.text(st.sampled_from([*"ab01-._=%/{}~é🙂", "\n"]), max_size=6)
STREAMS = st.builds(StreamName, NAMES, NAMES.filter(bool))
LITERALS = st.text(st.sampled_from("-._=/ab017{"), max_size=3).map(lambda text: text.replace("{", "{{"))
FIELDS = st.sampled_from(
    [
        name
        for _, name, _, _ in string.Formatter().parse(
            "{namespace}{stream}{generation}{year}{month}{day}{hour}{partition}{write}{commit}{part}{extension}"
        )
        if name
    ]
)
TEMPLATES = st.lists(st.one_of(LITERALS, FIELDS.map(lambda name: "{" + name + "}")), max_size=9).flatmap(
    lambda pieces: st.tuples(
        st.just("".join(pieces)), LITERALS, st.permutations(["{write}", "{commit}", "{part}"]), LITERALS, LITERALS
    ).map(lambda made: "{stream}" + made[0] + made[1] + (made[3] + "-").join(made[2]) + made[4])
)
PLACES = st.builds(
    FilePlace,
    stream=STREAMS,
    generation=st.integers(1, 12),
    write_id=st.sampled_from(["job-1", "job-2"]),
    writer_id=st.sampled_from(["1", "2"]),
    commit=st.integers(1, 3) | st.integers(999_999, 1_000_001),
    part=st.integers(1, 3) | st.integers(99_999, 100_001),
    at=st.integers(0, 3).map(lambda hours: AT + timedelta(hours=hours)),
    extension=st.just("csv"),
    partition=st.none() | st.tuples(NAMES, st.none() | NAMES),
)


def identity(file: FilePlace) -> tuple[str, str, int, int]:
    """What tells files apart: a writer numbers its files within a commit across all of its streams."""
    return file.write_id, file.writer_id, file.commit, file.part


@given(TEMPLATES, st.lists(PLACES, min_size=2, max_size=8, unique_by=identity))
def test_no_two_files_meet_whatever_template_and_names(template: str, files: list[FilePlace]) -> None:
    """This is what keeps one file from replacing another."""
    try:
        accepted = PathTemplate(template)
    except ValueError:
        return
    keys = [accepted.key("lake", file) for file in files]
    assert len(set(keys)) == len(keys)
    for found in keys:
        parts = found.split("/")
        assert found.isprintable()
        assert not set(parts) & {"", ".", "..", "_towpath"}
        assert write_token("job-1") in parts[-1] or write_token("job-2") in parts[-1]
