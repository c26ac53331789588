"""What one way of moving bytes came to; travels as JSON from the process that moved them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["Moved"]

_MIB = 1 << 20


@dataclass(frozen=True)
class Moved:
    """Rows, the sizes of the messages that carried them, wall seconds, and CPU seconds by role."""

    way: str
    rows: int
    sizes: tuple[int, ...]
    seconds: float
    cpu: Mapping[str, float]

    @property
    def mebibytes(self) -> float:
        """All messages."""
        return sum(self.sizes) / _MIB

    @property
    def cpu_seconds(self) -> float:
        """Of all processes."""
        return sum(self.cpu.values())

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Moved:
        """The inverse of `to_json`."""
        read = json.loads(text)
        return cls(read["way"], read["rows"], tuple(read["sizes"]), read["seconds"], read["cpu"])

    def summary(self) -> dict[str, object]:
        """For the report: without the size of each message."""
        sizes = sorted(self.sizes)
        return {
            "way": self.way,
            "rows": self.rows,
            "messages": len(sizes),
            "mebibytes": round(self.mebibytes, 1),
            "median_message_bytes": sizes[len(sizes) // 2],
            "seconds": round(self.seconds, 3),
            "cpu_seconds": {role: round(used, 2) for role, used in self.cpu.items()},
        }
