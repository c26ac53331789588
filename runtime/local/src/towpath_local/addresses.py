"""On which ports things listen: as asked for, else as last time, else the usual ones, else free ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from towpath_cli.endpoint import DEFAULT_PORT
from towpath_sdk.errors import Conflict

from towpath_local.embedded.ports import free_port, is_free

__all__ = ["PortWishes", "Ports", "choose_ports"]

_USUAL = {
    "server": DEFAULT_PORT,
    "temporal": DEFAULT_PORT + 1,
    "temporal_ui": DEFAULT_PORT + 2,
    "web": DEFAULT_PORT + 3,
}


@dataclass(frozen=True)
class PortWishes:
    """Ports that the user asked for; None leaves the choice."""

    server: int | None = None
    temporal: int | None = None
    temporal_ui: int | None = None
    web: int | None = None


@dataclass(frozen=True)
class Ports:
    """TCP ports on the loopback address."""

    server: int
    temporal: int
    temporal_ui: int
    web: int


def choose_ports(wishes: PortWishes, memory: Path, note: Callable[[str], None]) -> Ports:
    """Choose ports and remember them in the file `memory`; a port other than the last or usual one is told to `note`.

    Raises Conflict when a port that was asked for is taken.
    """
    remembered = _read(memory)
    asked: Mapping[str, int | None] = asdict(wishes)
    chosen: dict[str, int] = {}
    for role, usual in _USUAL.items():
        wanted = asked[role]
        if wanted is not None:
            if not is_free(wanted):
                option = f"--{role.replace('_', '-')}-port".replace("--server-port", "--port")
                raise Conflict(f"port {wanted} is taken by another program; stop that, or choose another {option}")
            chosen[role] = wanted
            continue
        preferred = remembered.get(role, usual)
        if is_free(preferred) and preferred not in chosen.values():
            chosen[role] = preferred
        else:
            chosen[role] = free_port()
            name = role.replace("_", " ")
            note(f"port {preferred} is taken by another program; {name} listens on {chosen[role]} instead")
    memory.write_text(json.dumps(chosen) + "\n", encoding="utf-8")
    return Ports(**chosen)


def _read(memory: Path) -> dict[str, int]:
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
        return {role: int(found[role]) for role in _USUAL if role in found}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
