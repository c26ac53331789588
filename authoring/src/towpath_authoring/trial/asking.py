"""The unary calls of a trial: spec, check, discover."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from towpath_sdk.errors import TowpathError
from towpath_sdk.testing import ConnectorProcess

from towpath_authoring.trial.columns import column_types
from towpath_authoring.trial.showing import Shown

__all__ = ["check", "discover", "spec"]


def spec(connector: ConnectorProcess, shown: Shown) -> None:
    """Show what the connector says of itself."""
    answer = connector.spec()
    facts: dict[str, Any] = json_format.MessageToDict(answer, preserving_proto_field_name=True)
    facts["config_json_schema"] = json.loads(answer.config_json_schema)
    shown.event("spec", json.dumps(facts, indent=2, ensure_ascii=False), facts)


def check(connector: ConnectorProcess, config: str, shown: Shown) -> None:
    """Show each probe; raise what the first failed one failed with."""
    failed: list[TowpathError] = []
    for result in connector.check(config):
        failure = result.failure
        text = f"ok    {result.probe}" if failure is None else f"FAIL  {result.probe}: {failure.message}"
        reason = None if failure is None else failure.reason
        facts = {"probe": result.probe, "ok": failure is None, "reason": reason}
        shown.event("probe", text, {**facts, "message": failure.message if failure else ""})
        if failure is not None:
            failed.append(failure)
    if failed:
        raise failed[0]


def discover(connector: ConnectorProcess, config: str, shown: Shown) -> None:
    """Show every stream with its columns, keys and modes."""
    for stream in connector.discover(config):
        name = f"{stream.namespace}.{stream.name}" if stream.namespace else stream.name
        modes = [mode.name.lower() for mode in stream.read_modes]
        key = f", key {', '.join(stream.primary_key)}" if stream.primary_key else ""
        cursors = f", cursors {', '.join(stream.cursor_columns)}" if stream.cursor_columns else ""
        columns = column_types(stream.arrow_schema)
        shown.event(
            "stream",
            "\n".join(
                [
                    f"{name} ({', '.join(modes)}{key}{cursors})",
                    *(f"  {column}: {kind}" for column, kind in columns.items()),
                ]
            ),
            {
                "name": name,
                "modes": modes,
                "primary_key": list(stream.primary_key),
                "cursor_columns": list(stream.cursor_columns),
                "columns": columns,
            },
        )
