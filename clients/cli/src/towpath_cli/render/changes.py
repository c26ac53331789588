"""A plan as a diff, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from towpath_cli.manifest.plan import Action, Change

__all__ = ["change_text", "changes_value", "summary_text"]

_SIGNS: dict[Action, tuple[str, str]] = {"create": ("+", "green"), "update": ("~", "yellow"), "unchanged": ("=", "dim")}
_DONE: dict[Action, str] = {"create": "created", "update": "changed", "unchanged": "unchanged"}


def change_text(change: Change, *, dry_run: bool) -> Text:
    """Show one entry and its fields, `-` before and `+` after."""
    sign, style = _SIGNS[change.action]
    text = Text(f"{sign} {change.wanted.kind} {change.wanted.entry.name}", style=style)
    if change.action == "unchanged":
        text.append(
            " unchanged"
            + (", but for its secrets, which only the server can compare" if dry_run and change.has_secrets else "")
        )
    for field in change.fields:
        if change.action == "create":
            text.append(f"\n    {field.path}: {field.after}", style="")
        elif field.before is None:
            text.append(f"\n    + {field.path}: {field.after}", style="green")
        elif field.after is None:
            text.append(f"\n    - {field.path}: {field.before}", style="red")
        else:
            text.append(f"\n    ~ {field.path}: {field.before} -> {field.after}", style="yellow")
    return text


def summary_text(changes: Sequence[Change], *, dry_run: bool) -> str:
    """Count what was done, or would be."""
    counts = Counter(change.action for change in changes)
    words = ", ".join(f"{counts[action]} {word}" for action, word in _DONE.items() if counts[action])
    if set(counts) == {"unchanged"}:
        words = f"nothing to do: {words}"
    return f"{words} (dry run: nothing was changed)" if dry_run else words


def changes_value(changes: Sequence[Change], *, dry_run: bool) -> dict[str, object]:
    """Return the plan for programs."""
    return {
        "dryRun": dry_run,
        "changes": [
            {
                "kind": change.wanted.kind,
                "name": change.wanted.entry.name,
                "action": change.action,
                "fields": [
                    {"path": field.path, "before": field.before, "after": field.after} for field in change.fields
                ],
            }
            for change in changes
        ],
    }
