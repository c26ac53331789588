"""What both sides agreed to keep to."""

from __future__ import annotations

from dataclasses import dataclass

from towpath.connector.v1 import connector_pb2

__all__ = ["OWN_LIMITS", "Limits", "Negotiation"]

MIB = 1024 * 1024
_BATCH_HEADER_BYTES = 64
"""At most so much of a message with a batch is not its payload."""


@dataclass(frozen=True)
class Limits:
    """Bytes; zero means no limit. See towpath.connector.v1.Limits."""

    max_message_bytes: int = 0
    max_batch_bytes: int = 0
    max_state_bytes: int = 0

    def smaller(self, other: Limits) -> Limits:
        """The smaller of both, limit by limit."""
        return Limits(
            _smaller(self.max_message_bytes, other.max_message_bytes),
            _smaller(self.max_batch_bytes, other.max_batch_bytes),
            _smaller(self.max_state_bytes, other.max_state_bytes),
        )

    @property
    def payload_bytes(self) -> int:
        """Largest payload of a batch that both limits allow; zero means no limit."""
        message_bytes = max(1, self.max_message_bytes - _BATCH_HEADER_BYTES) if self.max_message_bytes else 0
        return _smaller(self.max_batch_bytes, message_bytes)

    def to_wire(self) -> connector_pb2.Limits:
        """Encode."""
        return connector_pb2.Limits(
            max_message_bytes=self.max_message_bytes,
            max_batch_bytes=self.max_batch_bytes,
            max_state_bytes=self.max_state_bytes,
        )

    @classmethod
    def from_wire(cls, limits: connector_pb2.Limits) -> Limits:
        """Decode."""
        return cls(limits.max_message_bytes, limits.max_batch_bytes, limits.max_state_bytes)


OWN_LIMITS = Limits(max_message_bytes=1024 * MIB + MIB, max_batch_bytes=1024 * MIB, max_state_bytes=16 * MIB)
"""Protobuf ends at 2 GiB; half of that leaves room for the copies that are alive at the same time."""


class Negotiation:
    """Limits in force: the smallest that any caller has asked for, so that nobody is sent what they cannot read."""

    def __init__(self) -> None:
        self.limits = OWN_LIMITS

    def agree(self, offered: Limits) -> Limits:
        """Answer one caller's limits; the answer depends on nothing else."""
        self.limits = self.limits.smaller(offered)
        return OWN_LIMITS.smaller(offered)


def _smaller(left: int, right: int) -> int:
    return min(left, right) if left and right else left or right
