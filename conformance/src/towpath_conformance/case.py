"""The case file: what one connector is judged with. One YAML file, read once; `towpath conformance init` writes it.

    config: {path: /tmp/shop.db, password: "${PASSWORD}"}
    invalid:
      - name: wrong password
        set: {password: wrong}
        fails: {probe: open}
    source:
      streams:
        - {name: orders}
        - {name: orders, mode: incremental, cursor: updated_at}

Strings may hold `${NAME}`: the environment variable of that name; `$${` is a plain `${`. Commands run in the folder
of the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from copy import deepcopy
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from towpath.connector.v1 import source_pb2, types_pb2
from towpath_sdk.errors import Misconfigured

__all__ = [
    "Action",
    "Case",
    "DestinationCase",
    "InvalidConfig",
    "Patience",
    "Reader",
    "SourceCase",
    "StreamCase",
    "expanded",
    "load_case",
    "taken_from",
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Action(_Part):
    """Something done to the system behind the connector: exactly one of a command, SQL, or a plug-in.

    A command gets the configuration on standard input, as JSON.
    """

    command: list[str] | None = Field(
        default=None, description="A command and its arguments; fails when it exits with another code than 0."
    )
    sql: str | None = Field(default=None, description="Statements for the database at `url`.")
    url: str | None = Field(default=None, description="With `sql`: a postgresql:// URL or the path of an SQLite file.")
    plugin: str | None = Field(
        default=None, description="`module:function`, called with the configuration as a mapping."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Action:
        if sum(way is not None for way in (self.command, self.sql, self.plugin)) != 1:
            raise ValueError("give exactly one of command, sql, plugin")
        if (self.sql is None) != (self.url is None):
            raise ValueError("sql and url belong together")
        return self


class Reader(_Part):
    """How to read back one stream of a destination; `{namespace}` and `{stream}` stand for its name.

    A command prints the visible rows on standard output; SQL is a query; a plug-in is called with the configuration,
    the namespace and the name, and returns a pyarrow.Table. A stream that does not exist reads as no rows.
    """

    command: list[str] | None = Field(default=None, description="A command and its arguments; prints the visible rows.")
    format: Literal["jsonl", "arrow", "parquet"] = Field(default="jsonl", description="What the command prints.")
    sql: str | None = Field(default=None, description="A query to the database at `url`.")
    url: str | None = Field(default=None, description="With `sql`: a postgresql:// URL or the path of an SQLite file.")
    plugin: str | None = Field(
        default=None, description="`module:function`, called with the configuration, the namespace and the name."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Reader:
        if sum(way is not None for way in (self.command, self.sql, self.plugin)) != 1:
            raise ValueError("give exactly one of command, sql, plugin")
        return self


class Expected(_Part):
    """How a configuration fails, as far as it matters; by default in any way."""

    probe: str | None = Field(default=None, description="Name of the probe that fails.")
    field: str | None = Field(default=None, description="Path of the field that BadRequest names.")
    reason: str | None = Field(default=None, description="ErrorInfo.reason.")


class InvalidConfig(_Part):
    """A configuration that must fail: the valid one with some fields changed (`set`) or removed (`drop`)."""

    name: str = Field(description='What is wrong with it, such as "wrong password".')
    kind: Literal["credentials", "unreachable", "other"] = Field(
        default="other", description="credentials and unreachable must fail with different reasons."
    )
    set: dict[str, Any] = Field(default_factory=dict[str, Any], description="Dotted paths to new values.")
    drop: list[str] = Field(default_factory=list[str], description="Dotted paths to remove.")
    fails: Expected = Field(default=Expected(), description="How it fails, as far as it matters.")

    def config(self, valid: Mapping[str, Any]) -> dict[str, Any]:
        """The valid configuration, spoilt."""
        return changed(valid, self.set, self.drop)


class Mode(Enum):
    """Read modes as people write them."""

    SNAPSHOT = "snapshot"
    INCREMENTAL = "incremental"
    CHANGES = "changes"

    @property
    def wire(self) -> types_pb2.ReadMode:
        """The number on the wire."""
        return cast("types_pb2.ReadMode", getattr(types_pb2, f"READ_MODE_{self.name}"))


class StreamCase(_Part):
    """A stream to read."""

    name: str = Field(description='As `discover` names it; "namespace.name" where there is a namespace.')
    namespace: str | None = Field(
        default=None, description="The namespace, where the name itself holds a point; may be empty."
    )
    mode: Mode = Field(default=Mode.SNAPSHOT, description="How it is read.")
    cursor: str = Field(default="", description="Cursor column of an incremental read.")
    columns: list[str] = Field(default_factory=list[str], description="Columns to select; all when empty.")

    @property
    def stream_name(self) -> types_pb2.StreamName:
        """The name on the wire."""
        if self.namespace is not None:
            return types_pb2.StreamName(namespace=self.namespace, name=self.name)
        namespace, _, name = self.name.rpartition(".")
        return types_pb2.StreamName(namespace=namespace, name=name)

    def wire(
        self, state: bytes = b"", state_version: int = 0, columns: list[str] | None = None
    ) -> source_pb2.ReadStream:
        """What ReadOpen says of it."""
        return source_pb2.ReadStream(
            name=self.stream_name,
            mode=self.mode.wire,
            cursor_column=self.cursor,
            columns=self.columns if columns is None else columns,
            state=state,
            state_version=state_version,
        )

    def __str__(self) -> str:
        """As in messages."""
        name = f"{self.namespace}.{self.name}" if self.namespace else self.name
        return name if self.mode is Mode.SNAPSHOT else f"{name} ({self.mode.value})"


class TypeMatrix(_Part):
    """A stream with a column of every type, and what must come out of it, exactly."""

    stream: StreamCase = Field(description="The stream.")
    expected: str = Field(description="A Parquet, Arrow (IPC file) or JSON Lines file with the expected rows.")


class SourceCase(_Part):
    """How a source is judged.

    What is not given is skipped, and said to be; where it belongs to a declared capability that is a failure.
    """

    seed: Action | None = Field(default=None, description="Run once, before everything: fills the system.")
    streams: list[StreamCase] = Field(min_length=1, description="Streams that are read, with some rows each.")
    empty: StreamCase | None = Field(default=None, description="A stream without rows.")
    failing: StreamCase | None = Field(default=None, description="A stream that `discover` lists and whose read fails.")
    failing_set: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Changes to the configuration under which `failing` fails."
    )
    type_matrix: TypeMatrix | None = Field(
        default=None, description="A stream with a column of every type, and the rows that must come out of it."
    )
    add_rows: Action | None = Field(default=None, description="Adds rows to the incremental streams.")
    alter: Action | None = Field(
        default=None,
        description="Adds a column to the first stream; or `schema_change` names a stream that changes by itself.",
    )
    schema_change: StreamCase | None = Field(default=None, description="A stream whose schema changes in the middle.")
    schema_change_set: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Changes to the configuration for it."
    )
    many_streams: dict[str, Any] | None = Field(
        default=None, description="Changes to the configuration under which `discover` lists at least 10,000 streams."
    )
    large: StreamCase | None = Field(
        default=None, description="A stream that takes long enough to interrupt it: some hundred MiB, or without end."
    )
    large_set: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Changes to the configuration for it."
    )
    oversize: StreamCase | None = Field(default=None, description="A stream with a row of more than 64 KiB.")
    oversize_set: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Changes to the configuration for it."
    )
    blocked: StreamCase | None = Field(default=None, description="A stream whose read blocks in the remote system.")
    blocked_set: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="Changes to the configuration under which it blocks."
    )
    held: Action | None = Field(
        default=None,
        description="With needs_acks: exits with 0 while the remote system holds what was not acknowledged, else 1.",
    )
    held_set: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="Changes to the configuration for it, so that other reads hold nothing there.",
    )


class DestinationCase(_Part):
    """How a destination is judged."""

    prepare: Action | None = Field(default=None, description="Run once, before everything.")
    read_back: Reader = Field(description="How to read back what is visible of one stream.")
    namespace: str = Field(
        default="conformance", description="Namespace of the streams that are written; may be empty."
    )
    metadata_columns: list[str] = Field(
        default_factory=list[str], description="Columns that the destination adds, and that are not compared."
    )
    rejects: dict[str, Any] | None = Field(
        default=None,
        description='A value that cannot be stored, as {Arrow type: value}: {"timestamp[s]": 9223372036854775807}.',
    )
    blocked_set: dict[str, Any] | None = Field(
        default=None, description="Changes to the configuration under which a write blocks in the remote system."
    )
    unsupported: list[str] = Field(
        default_factory=list[str],
        description="Arrow types of the value matrix, as messages name them, that the destination cannot store.",
    )


class Patience(_Part):
    """How long and how often: the defaults are what a release is judged with, smaller ones are for the inner loop."""

    ready_seconds: float = Field(default=15, gt=0, description="From start to SERVING.")
    call_seconds: float = Field(
        default=60, gt=0, description="Any one call, and the time between two messages of a stream."
    )
    slow_reader_seconds: float = Field(default=60, gt=0, description="How long a reader stalls.")
    idle_seconds: float = Field(default=20, gt=0, description="How long a call idles under pings.")
    blocked_seconds: float = Field(
        default=2, gt=0, description="How long a blocked call is left alone before it is cancelled."
    )
    cycles: int = Field(default=100, ge=4, description="How often a call is repeated to look for growth.")
    bit_flips: int = Field(default=300, ge=1, description="Seeded single-bit damages.")
    kills: int = Field(default=50, ge=1, description="At most so many message indexes are killed after, spread evenly.")
    resumes: int = Field(default=50, ge=1, description="At most so many checkpoints are resumed from, spread evenly.")
    memory_mib: int = Field(
        default=400, gt=0, description="Bound of resident memory for slow readers and withheld acks."
    )
    drain_seconds: float = Field(default=25, gt=0, description="From SIGTERM to the end.")

    def quick(self) -> Patience:
        """Shortened for the inner loop: enough to see most mistakes, too little to release by."""
        return self.model_copy(update={name: min(getattr(self, name), most) for name, most in _QUICK.items()})

    def shortened(self) -> dict[str, tuple[float, float]]:
        """What is less than a release is judged with, as (given, default)."""
        given = {name: (getattr(self, name), field.default) for name, field in Patience.model_fields.items()}
        return {name: pair for name, pair in given.items() if name in _QUICK and pair[0] < pair[1]}


_QUICK: dict[str, float] = {
    "slow_reader_seconds": 3,
    "idle_seconds": 3,
    "blocked_seconds": 1,
    "cycles": 12,
    "bit_flips": 40,
    "kills": 6,
    "resumes": 10,
}
"""The lengths that decide how much is seen, with the values of `--quick`. The others only bound how long to wait."""


class Case(_Part):
    """Everything that one connector is judged with."""

    config: dict[str, Any] = Field(description="A valid configuration.")
    invalid: list[InvalidConfig] = Field(
        default_factory=list[InvalidConfig], description="Configurations that must fail."
    )
    source: SourceCase | None = Field(default=None, description="How the source role is judged.")
    destination: DestinationCase | None = Field(default=None, description="How the destination role is judged.")
    patience: Patience = Field(default=Patience(), description="How long and how often.")
    folder: Annotated[Path, Field(exclude=True)] = Path()
    from_environment: Annotated[frozenset[str], Field(exclude=True, repr=False)] = frozenset()
    """Values of the environment variables that the file names: no report shows them."""

    @cached_property
    def config_json(self) -> str:
        """The valid configuration as it travels."""
        return json.dumps(self.config)

    def config_with(self, changes: Mapping[str, Any]) -> str:
        """The valid configuration with dotted paths changed, as it travels."""
        return json.dumps(changed(self.config, changes))


def changed(config: Mapping[str, Any], changes: Mapping[str, Any], drop: list[str] | None = None) -> dict[str, Any]:
    """A copy with dotted paths set, and others removed."""
    copy: dict[str, Any] = deepcopy(dict(config))
    for path, value in changes.items():
        *parents, last = path.split(".")
        inside = copy
        for key in parents:
            inside = inside.setdefault(key, {})
        inside[last] = value
    for path in drop or []:
        *parents, last = path.split(".")
        inside = copy
        for key in parents:
            inside = inside.get(key, {})
        inside.pop(last, None)
    return copy


def load_case(path: Path, environ: Mapping[str, str] = os.environ) -> Case:
    """Read a case file. Raises Misconfigured naming the line or the field at fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misconfigured(
            f"cannot read {path}: {error.strerror}; `towpath conformance init` writes one", reason="NO_CASE_FILE"
        ) from error
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Misconfigured(f"{path} is not YAML: {error}") from error
    try:
        return Case.model_validate(
            {
                **expanded(raw, environ),
                "folder": path.parent.absolute(),
                "from_environment": taken_from(raw, environ),
            }
        )
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])): item["msg"] for item in error.errors(include_url=False)}
        raise Misconfigured(f"{path} is not a case file", fields=fields) from error
    except TypeError as error:
        raise Misconfigured(f"{path} is not a case file: it holds no mapping") from error


_PUBLIC_VARIABLES = frozenset({"HOME", "PWD", "TMPDIR", "USER"})
"""Where one is, and who: said in every path, and no secret."""

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def taken_from(value: Any, environ: Mapping[str, str]) -> frozenset[str]:
    """Values of the environment variables that strings name, but for those that say where one is at home."""
    names = _named_variables(value) - _PUBLIC_VARIABLES
    return frozenset(environ[name] for name in names if name in environ)


def _named_variables(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(cast("dict[Any, Any]", value).values())
    if isinstance(value, list):
        return {name for item in cast("list[Any]", value) for name in _named_variables(item)}
    return {found[2] for found in _VARIABLE.finditer(value) if found[2]} if isinstance(value, str) else set()


def expanded(value: Any, environ: Mapping[str, str]) -> Any:
    """Put the values of environment variables into all strings. Raises Misconfigured for one that is not set."""
    if isinstance(value, dict):
        return {key: expanded(item, environ) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [expanded(item, environ) for item in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        if found[1]:
            return "${"
        if found[2] not in environ:
            raise Misconfigured(f"the environment variable {found[2]}, which the case file uses, is not set")
        return environ[found[2]]

    return _VARIABLE.sub(replaced, value)
