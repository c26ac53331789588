"""A first case file, commented, from what the connector says of itself: `towpath conformance init`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from towpath.connector.v1 import connector_pb2, types_pb2

from towpath_conformance.case import DestinationCase, Patience, SourceCase
from towpath_conformance.config_template import FILL_IN, commented, config_section, invalid_section, yaml_value
from towpath_conformance.recording import stream_text
from towpath_conformance.registry import CHECKS
from towpath_conformance.schema import parse_schema

__all__ = ["Known", "first_case"]

_STREAMS = 6
_WIDTH = 100


@dataclass(frozen=True)
class Known:
    """What was learnt from the connector: `config` is as its author wrote it, `streams` are found with it."""

    spec: connector_pb2.SpecResponse
    config: Mapping[str, Any] | None = None
    streams: Sequence[types_pb2.StreamDescriptor] = ()
    problem: str = ""
    """Why there are none, where there should be some."""


def first_case(known: Known, command: str) -> str:
    """Write the file; `command` is what judges by it, for its head."""
    spec = known.spec
    schema = parse_schema(spec.config_json_schema)
    sections = [_head(spec, command), config_section(schema, known.config), invalid_section(schema, known.config)]
    if connector_pb2.ROLE_SOURCE in spec.roles:
        sections.append(_source(known))
    if connector_pb2.ROLE_DESTINATION in spec.roles:
        sections.append(_destination(spec))
    sections.append(_patience())
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections) + "\n"


def _head(spec: connector_pb2.SpecResponse, command: str) -> list[str]:
    return [
        f"# What {spec.connector_id} {spec.connector_version} is judged with:",
        "#",
        f"#   {command}",
        "#",
        f"# Lines marked `{FILL_IN.removeprefix('# ')}` hold a guess. What stands behind `# ` may be added.",
        "# Strings may hold ${NAME}, an environment variable; $${ is a plain ${. Commands run in this file's folder.",
        "# `towpath conformance --list` shows what is judged, docs/conformance.md describes every field.",
    ]


def _source(known: Known) -> list[str]:
    lines = [
        "source:",
        "  # Streams that are read, with some rows each; snapshots, and incremental reads where there are any.",
    ]
    lines.append("  streams:")
    entries = [entry for descriptor in known.streams[:_STREAMS] for entry in _stream_entries(descriptor)]
    lines += entries or [f"    - {{name: my_stream}}  {FILL_IN}"]
    if len(known.streams) > _STREAMS:
        lines.append(f"    # and {len(known.streams) - _STREAMS} more that the connector discovers")
    return [*lines, *_optional(SourceCase, "source", known.spec, skip={"streams"})]


def _stream_entries(descriptor: types_pb2.StreamDescriptor) -> Iterator[str]:
    name = stream_text(descriptor.name)
    entry: dict[str, str] = {"name": name}
    if "." in descriptor.name.name or name.startswith("."):
        entry = {"name": descriptor.name.name, "namespace": descriptor.name.namespace}
    kind = f"  # {descriptor.kind}" if descriptor.kind else ""
    if types_pb2.READ_MODE_SNAPSHOT in descriptor.read_modes:
        yield f"    - {yaml_value(entry)}{kind}"
    if types_pb2.READ_MODE_INCREMENTAL in descriptor.read_modes:
        cursor = {"cursor": descriptor.cursor_columns[0]} if descriptor.cursor_columns else {}
        yield f"    - {yaml_value({**entry, 'mode': 'incremental', **cursor})}{kind}"
    if types_pb2.READ_MODE_CHANGES in descriptor.read_modes:
        yield f"    - {yaml_value({**entry, 'mode': 'changes'})}{kind}"


def _destination(spec: connector_pb2.SpecResponse) -> list[str]:
    return [
        "destination:",
        "  # How to read back what is visible of one stream. A command prints its rows (jsonl, arrow or parquet) and",
        "  # gets the configuration on standard input; or sql and url; or plugin: module:function, called with the",
        "  # configuration, the namespace and the name, returning a pyarrow.Table. A missing stream has no rows.",
        "  read_back:",
        f'    command: [python, read_back.py, "{{namespace}}", "{{stream}}"]  {FILL_IN}',
        "    format: jsonl",
        *_optional(DestinationCase, "destination", spec, skip={"read_back"}),
    ]


def _patience() -> list[str]:
    lines = [
        "# How long and how often, in seconds and times: the defaults are what a release is judged with; `--quick`",
        "# shortens them for one run.",
        "# patience:",
    ]
    for name, field in Patience.model_fields.items():
        lines.append(f"#   {name}: {field.default}  # {field.description}")
    return lines


def _optional(model: type[BaseModel], path: str, spec: connector_pb2.SpecResponse, *, skip: set[str]) -> Iterator[str]:
    """What else the section may have, each with what it is for and who needs it."""
    for name, field in model.model_fields.items():
        if name in skip:
            continue
        yield ""
        about = " ".join(filter(None, [field.description, _needed_by(f"{path}.{name}", spec)]))
        for line in textwrap.wrap(about, _WIDTH, break_on_hyphens=False):
            yield f"  # {line}"
        yield from commented(
            [f"  {line}" for line in _EXAMPLES.get(name, [f"{name}: {{some.field: its value}}"])], "  "
        )


def _needed_by(path: str, spec: connector_pb2.SpecResponse) -> str:
    users = [one for one in CHECKS.values() if any(f"{given}.".startswith(f"{path}.") for given in one.inputs)]
    users = [one for one in users if all(need.declared(spec) for need in one.needs)]
    return f"Needed by {', '.join(one.id for one in users)}." if users else ""


_ACTION = ["  command: [python, prepare.py]  # or sql and url, or plugin: module:function"]
_EXAMPLES: Mapping[str, Sequence[str]] = {
    "seed": ["seed:", *_ACTION],
    "prepare": ["prepare:", *_ACTION],
    "add_rows": ["add_rows:", "  command: [python, add_rows.py]"],
    "alter": ["alter:", "  {sql: ALTER TABLE orders ADD COLUMN note text, url: '${DATABASE_URL}'}"],
    "held": ["held:", "  command: [python, is_it_held.py]"],
    "empty": ["empty: {name: a_stream_without_rows}"],
    "failing": ["failing: {name: a_stream_that_fails}"],
    "type_matrix": ["type_matrix:", "  stream: {name: all_types}", "  expected: all_types.parquet"],
    "schema_change": ["schema_change: {name: a_stream_that_changes}"],
    "large": ["large: {name: a_large_stream}"],
    "oversize": ["oversize: {name: a_stream_with_a_large_row}"],
    "blocked": ["blocked: {name: a_stream_that_blocks}"],
    "namespace": ["namespace: conformance"],
    "metadata_columns": ["metadata_columns: [_loaded_at]"],
    "rejects": ["rejects: {column_type: a value that cannot be stored}"],
    "unsupported": ["unsupported: [month_day_nano_interval]"],
}
