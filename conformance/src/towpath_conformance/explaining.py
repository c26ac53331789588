"""What the checks are: a list of them, and each one explained, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from rich.text import Text

from towpath_conformance.registry import Check, Group

__all__ = ["explained", "listed", "listed_as_json"]

_CONTRACT = {
    Group.HANDSHAKE: "connector.proto, ConnectorService.Handshake and ConnectorService.Spec",
    Group.CHECK: "connector.proto, ConnectorService.Check",
    Group.DISCOVER: "connector.proto, ConnectorService.Discover; types.proto, StreamDescriptor",
    Group.READ: "source.proto, SourceService; types.proto, SchemaAnnounce, Batch and StreamStatus",
    Group.STATE: "source.proto, SourceService.Read and ReadAck; types.proto, Checkpoint",
    Group.WRITE: "destination.proto, DestinationService",
    Group.FAULT: "source.proto and destination.proto, Read and Write",
    Group.LIMIT: "connector.proto, Limits; types.proto, Batch and FailureInfo",
    Group.SECRECY: "connector.proto, SpecResponse.config_json_schema; types.proto, Checkpoint and FailureInfo",
}
"""Where in the protos a group's rules are written."""


def listed(checks: Iterable[Check]) -> Text:
    """All checks by group, each in a line."""
    return Text("\n").join(_list_lines(list(checks)))


def listed_as_json(checks: Iterable[Check]) -> str:
    """The same for programs."""
    return json.dumps(
        [
            {
                "id": one.id,
                "group": one.group.value,
                "asserts": one.asserts,
                "why": one.why,
                "fix": one.fix,
                "needs": [need.name for need in one.needs],
                "inputs": list(one.inputs),
                "process": one.process,
                "alone": one.alone,
                "changes": one.changes,
                "slow": one.slow,
            }
            for one in checks
        ],
        indent=2,
        ensure_ascii=False,
    )


def explained(one: Check) -> Text:
    """One check: what it asserts, why that matters, how to mend it, and what it takes to judge it."""
    rows = [
        ("asserts", one.asserts),
        ("why", one.why),
        ("fix", one.fix),
        ("needs", ", ".join(need.name for need in one.needs) or "nothing: it concerns every connector"),
        ("input", ", ".join(f"`{path}` in the case file" for path in one.inputs)),
        ("runs", "; ".join(_manner(one))),
        ("rule", f"{_CONTRACT[one.group]}; docs/protocol.md names it by this id"),
        ("try", f"towpath conformance --command '...' --check {one.id}"),
    ]
    lines = [Text(f"{one.id}", style="bold").append(f"  {one.group.title}", style="not bold dim"), Text()]
    lines += [Text(f"{name:<9}", style="dim").append(said, style="not dim") for name, said in rows if said]
    return Text("\n").join(lines)


def _list_lines(checks: list[Check]) -> Iterator[Text]:
    width = max((len(one.id) for one in checks), default=0)
    for number, group in enumerate(group for group in Group if any(one.group is group for one in checks)):
        if number:
            yield Text()
        mine = [one for one in checks if one.group is group]
        yield Text(group.value, style="bold").append(f"  {group.title}, {len(mine)} checks", style="not bold dim")
        for one in mine:
            yield Text(f"  {one.id:<{width}}  ").append(one.asserts.replace("\n", " "), style="dim")


def _manner(one: Check) -> Iterator[str]:
    if one.process:
        yield "with instances of its own, so not with --endpoint"
    if one.alone:
        yield "alone, because it measures"
    if one.changes:
        yield "last, because it changes what the streams hold"
    if one.slow:
        yield "for a while; --quick shortens it"
