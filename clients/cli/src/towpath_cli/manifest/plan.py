"""What an entry would change: the comparison of a file with the server, secrets masked. Reads, never writes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

import yaml
from towpath.control.v1.connections_pb2 import Connection
from towpath.control.v1.connectors_pb2 import Connector
from towpath.control.v1.destinations_pb2 import Destination
from towpath.control.v1.limits_pb2 import ContainerLimits
from towpath.control.v1.sources_pb2 import Source
from towpath_sdk.errors import Conflict, NotFound

from towpath_cli.client import Client
from towpath_cli.config_schema import MASK, mask, types_of
from towpath_cli.json_values import JsonObject, JsonValue, load_object
from towpath_cli.limits import limits_of, limits_text
from towpath_cli.manifest.connection_view import connection_fields, with_entry
from towpath_cli.manifest.entries import ConnectionEntry, ConnectorEntry, DestinationEntry, SourceEntry
from towpath_cli.manifest.read import Wanted
from towpath_cli.names import resource_name

__all__ = ["Action", "Change", "FieldChange", "plan"]

Action = Literal["create", "update", "unchanged"]


@dataclass(frozen=True)
class FieldChange:
    """One field: its values before and after as text, None where there is none; secrets are masked."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """What to do for one entry.

    `etag` is that of the present resource. `config` is the configuration to send, secrets in clear; `connection` the
    message to send. An unchanged entry with `has_secrets` is sent all the same: only the server can compare them.
    """

    wanted: Wanted
    action: Action
    fields: tuple[FieldChange, ...]
    etag: str = ""
    config: JsonObject | None = None
    connection: Connection | None = None
    has_secrets: bool = False


def plan(client: Client, wanted: Iterable[Wanted]) -> list[Change]:
    """Compare entries with the server. Raises Conflict when an entry wants to change what cannot be changed."""
    return [_plan_one(client, one) for one in wanted]


def _plan_one(client: Client, wanted: Wanted) -> Change:
    entry = wanted.entry
    match entry:
        case ConnectorEntry():
            return _plan_connector(wanted, entry, _find_connector(client, entry.name))
        case SourceEntry():
            return _plan_config(client, wanted, entry, _find_source(client, entry.name))
        case DestinationEntry():
            return _plan_config(client, wanted, entry, _find_destination(client, entry.name))
        case ConnectionEntry():
            return _plan_connection(wanted, entry, _find_connection(client, entry.name))


def _plan_connector(wanted: Wanted, entry: ConnectorEntry, present: Connector | None) -> Change:
    before = _connector_fields(present.command, present.image, present.limits) if present else {}
    after = _connector_fields(entry.command, entry.image, limits_of(entry.limits.model_dump()))
    fields = _compare(before, after)
    return Change(wanted, _action(fields, exists=present is not None), fields, present.etag if present else "")


def _connector_fields(command: Iterable[str], image: str, limits: ContainerLimits) -> dict[str, str]:
    fields = {"command": json.dumps(list(command)) if not image else "", "image": image, "limits": limits_text(limits)}
    return {path: text for path, text in fields.items() if text}


def _plan_config(
    client: Client, wanted: Wanted, entry: SourceEntry | DestinationEntry, present: Source | Destination | None
) -> Change:
    connector = resource_name("connectors", entry.connector)
    if present is not None and present.connector != connector:
        raise Conflict(
            f"{wanted.where}: {present.name} uses {present.connector}, which cannot be changed; "
            f"delete it first, or choose another name"
        )
    schema = _schema(client, connector)
    config = _typed(cast("JsonObject", entry.config), schema, wanted.from_environment)
    shown = _hide_unknown(mask(schema, config), schema, wanted.from_environment)
    before = _flat("config", load_object(present.config_json)) | {"connector": connector} if present else {}
    fields = _compare(before, {"connector": connector} | _flat("config", shown))
    return Change(
        wanted,
        _action(fields, exists=present is not None),
        fields,
        present.etag if present else "",
        config=config,
        has_secrets=MASK in _flat("config", shown).values(),
    )


def _plan_connection(wanted: Wanted, entry: ConnectionEntry, present: Connection | None) -> Change:
    connection = with_entry(present, entry)
    if present is not None:
        for field in ("source", "destination"):
            now, then = str(getattr(present, field)), str(getattr(connection, field))
            if now != then:
                raise Conflict(
                    f"{wanted.where}: the {field} of {present.name} is {now}, which cannot be changed to {then}; "
                    f"delete the connection first, or choose another name"
                )
    fields = _compare(connection_fields(present) if present else {}, connection_fields(connection))
    return Change(wanted, _action(fields, exists=present is not None), fields, connection=connection)


def _action(fields: tuple[FieldChange, ...], *, exists: bool) -> Action:
    return "create" if not exists else "update" if fields else "unchanged"


def _compare(before: dict[str, str], after: dict[str, str]) -> tuple[FieldChange, ...]:
    paths = [*after, *(path for path in before if path not in after)]
    return tuple(
        FieldChange(path, before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)
    )


def _flat(path: str, value: JsonValue) -> dict[str, str]:
    """Leaves of a value as text by path; the mask stands without quotes, so that it reads as what it is."""
    if isinstance(value, dict) and value:
        return {key: text for name, item in value.items() for key, text in _flat(f"{path}.{name}", item).items()}
    return {path: MASK if value == MASK else json.dumps(value, ensure_ascii=False)}


def _typed(config: JsonObject, schema: JsonObject, from_environment: frozenset[str], path: str = "") -> JsonObject:
    """Give values that came from variables, and so are text, the type that the schema wants."""
    typed: JsonObject = {}
    for key, value in config.items():
        at = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            typed[key] = _typed(value, schema, from_environment, at)
            continue
        types = types_of(schema, at)
        if isinstance(value, str) and f"config.{at}" in from_environment and types and "string" not in types:
            typed[key] = cast("JsonValue", yaml.safe_load(value))
        else:
            typed[key] = value
    return typed


def _hide_unknown(config: JsonObject, schema: JsonObject, from_environment: frozenset[str]) -> JsonObject:
    """Without a schema nobody knows what is secret: hide whatever came from a variable."""
    if schema:
        return config
    return {key: MASK if f"config.{key}" in from_environment else value for key, value in config.items()}


def _schema(client: Client, connector: str) -> JsonObject:
    present = _find_connector(client, connector)
    return load_object(present.spec.config_json_schema) if present else {}


def _find_connector(client: Client, name: str) -> Connector | None:
    try:
        return client.connectors.get(name)
    except NotFound:
        return None


def _find_source(client: Client, name: str) -> Source | None:
    try:
        return client.sources.get(name)
    except NotFound:
        return None


def _find_destination(client: Client, name: str) -> Destination | None:
    try:
        return client.destinations.get(name)
    except NotFound:
        return None


def _find_connection(client: Client, name: str) -> Connection | None:
    try:
        return client.connections.get(name)
    except NotFound:
        return None
