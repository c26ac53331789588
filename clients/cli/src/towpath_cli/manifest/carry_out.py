"""Carries a plan out, entry by entry, and says for each what really became of it."""

from __future__ import annotations

from dataclasses import replace

from towpath_sdk.errors import Bug, TowpathError

from towpath_cli.client import Client
from towpath_cli.limits import limits_of
from towpath_cli.manifest.connection_view import changed_paths
from towpath_cli.manifest.entries import ConnectionEntry, ConnectorEntry, DestinationEntry, SourceEntry
from towpath_cli.manifest.plan import Change, FieldChange

__all__ = ["carry_out"]


def carry_out(client: Client, change: Change) -> Change:
    """Make the calls for one change, and return it as it turned out.

    Errors name the place in the file. An entry whose secrets alone differ turns from "unchanged" to "update".
    """
    try:
        return _carry_out(client, change)
    except TowpathError as error:
        error.message = f"{change.wanted.where}: {change.wanted.kind} {change.wanted.entry.name}: {error.message}"
        raise


def _carry_out(client: Client, change: Change) -> Change:
    entry = change.wanted.entry
    match entry:
        case ConnectorEntry():
            limits = limits_of(entry.limits.model_dump())
            if change.action == "create":
                client.connectors.create(entry.name, entry.command, image=entry.image, limits=limits)
            elif change.action == "update":
                client.connectors.update(entry.name, entry.command, change.etag, image=entry.image, limits=limits)
        case SourceEntry() | DestinationEntry():
            return _configure(client, change, entry)
        case ConnectionEntry():
            if change.connection is None:
                raise Bug("a planned connection has no message")
            if change.action == "create":
                client.connections.create(entry.name, change.connection)
            elif change.action == "update":
                client.connections.update(change.connection, changed_paths([field.path for field in change.fields]))
    return change


def _configure(client: Client, change: Change, entry: SourceEntry | DestinationEntry) -> Change:
    resource = client.sources if isinstance(entry, SourceEntry) else client.destinations
    config = change.config or {}
    if change.action == "create":
        resource.create(entry.name, entry.connector, config)
        return change
    if change.action == "unchanged" and not change.has_secrets:
        return change
    updated = resource.update(entry.name, config, change.etag)
    if change.action == "unchanged" and updated.etag != change.etag:
        return replace(change, action="update", fields=(FieldChange("config", "other secrets", "the given secrets"),))
    return change
