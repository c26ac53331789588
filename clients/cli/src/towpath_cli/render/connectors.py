"""Connectors, sources and destinations in words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text
from towpath.connector.v1.connector_pb2 import CheckResult, Role
from towpath.connector.v1.types_pb2 import ReadMode, StreamDescriptor
from towpath.control.v1.connectors_pb2 import Connector
from towpath.control.v1.destinations_pb2 import Destination
from towpath.control.v1.sources_pb2 import Source
from towpath_sdk.status import from_status

from towpath_cli.config_schema import is_secret, types_of
from towpath_cli.json_values import JsonObject, JsonValue, load_object
from towpath_cli.limits import limits_text
from towpath_cli.names import short_name, stream_text
from towpath_cli.render.listing import Cell, details, listing, stacked
from towpath_cli.render.times import moment
from towpath_cli.units import count_text

__all__ = ["catalog", "check_results", "configured", "configured_details", "connector_details", "connectors"]


def connectors(found: Sequence[Connector]) -> RenderableType:
    """List connectors."""
    rows = [
        (short_name(one.name), one.spec.title, _roles(one), one.spec.connector_version, _started_by(one))
        for one in found
    ]
    return listing(
        ("NAME", "TITLE", "ROLES", "VERSION", "STARTED BY"),
        rows,
        empty="no connectors; see `towpath connectors create --help`",
    )


def connector_details(one: Connector) -> RenderableType:
    """Show a connector and the fields of its configuration."""
    schema = load_object(one.spec.config_json_schema)
    properties = schema.get("properties")
    required = schema.get("required")
    rows = [
        (name, _kind(schema, name, about), _demand(schema, name, required), _about(about))
        for name, about in (properties.items() if isinstance(properties, dict) else ())
    ]
    return stacked(
        details(
            [
                ("Name", one.name),
                ("Title", one.spec.title),
                ("Roles", _roles(one)),
                ("Version", one.spec.connector_version),
                ("Command", shlex.join(one.command)),
                ("Image", one.image),
                ("Limits", limits_text(one.limits)),
                ("Documentation", one.spec.documentation_url),
                ("Created", moment(one.create_time)),
                ("Changed", moment(one.update_time)),
            ]
        ),
        listing(("FIELD", "TYPE", "", "ABOUT"), rows, empty="no configuration"),
    )


def _started_by(one: Connector) -> str:
    return one.image or shlex.join(one.command)


def configured(found: Sequence[Source] | Sequence[Destination], kind: str) -> RenderableType:
    """List sources or destinations."""
    rows = [(short_name(one.name), short_name(one.connector), moment(one.update_time)) for one in found]
    return listing(("NAME", "CONNECTOR", "CHANGED"), rows, empty=f"no {kind}s; see `towpath {kind}s create --help`")


def configured_details(one: Source | Destination) -> RenderableType:
    """Show a source or destination; its secrets are masked by the server."""
    return stacked(
        details(
            [
                ("Name", one.name),
                ("Connector", one.connector),
                ("Created", moment(one.create_time)),
                ("Changed", moment(one.update_time)),
            ]
        ),
        Text(json.dumps(load_object(one.config_json), indent=2, ensure_ascii=False)),
    )


def check_results(results: Sequence[CheckResult], running: str = "") -> RenderableType:
    """List probes, the one that is `running` last; a failed one says what to do."""
    rows: list[tuple[Cell, ...]] = [
        (
            Text("ok", style="green") if result.status.code == 0 else Text("failed", style="red"),
            result.probe,
            "" if result.status.code == 0 else from_status(result.status).message,
        )
        for result in results
    ]
    if running:
        rows.append((Text("running", style="dim"), running, ""))
    return listing(("RESULT", "PROBE", "MESSAGE"), rows, empty="the connector has no probes")


def catalog(streams: Sequence[StreamDescriptor]) -> RenderableType:
    """List the streams that a source offers."""
    rows = [
        (
            stream_text(stream.name),
            stream.kind,
            ", ".join(stream.primary_key),
            ", ".join(ReadMode.Name(mode).removeprefix("READ_MODE_").lower() for mode in stream.read_modes),
            _some(stream.cursor_columns),
            count_text(stream.estimated_rows) if stream.HasField("estimated_rows") else "",
        )
        for stream in streams
    ]
    return listing(
        ("STREAM", "KIND", "KEY", "READ", "CURSORS", "ROWS (EST.)"),
        rows,
        empty="the source offers no streams; look at its schemas and privileges",
        right=("ROWS (EST.)",),
    )


def _some(names: Sequence[str], limit: int = 4) -> str:
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _roles(one: Connector) -> str:
    return ", ".join(Role.Name(role).removeprefix("ROLE_").lower() for role in one.spec.roles)


def _demand(schema: JsonObject, name: str, required: JsonValue) -> str:
    words = ["required"] if isinstance(required, list) and name in required else []
    return ", ".join(words + (["secret"] if is_secret(schema, name) else []))


def _kind(schema: JsonObject, name: str, field: JsonValue) -> str:
    """The choices when there are some, otherwise the types; null is not a value that anybody writes."""
    choices = field.get("enum") if isinstance(field, dict) else None
    words = [str(choice) for choice in choices] if isinstance(choices, list) else types_of(schema, name) - {"null"}
    return "|".join(words if isinstance(words, list) else sorted(words)) or "any"


def _about(field: JsonValue) -> str:
    if not isinstance(field, dict):
        return ""
    text = str(field.get("description", ""))
    default = field.get("default")
    return f"{text} (default {json.dumps(default)})".strip() if default is not None else text
