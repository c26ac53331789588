"""Stored states for those who keep them and let people edit them; what is in one only its source knows."""

from __future__ import annotations

from towpath_sdk._wire.states import with_checksum

__all__ = ["with_checksum"]
