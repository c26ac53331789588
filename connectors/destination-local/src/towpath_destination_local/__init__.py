"""Towpath destination that writes files into a folder, each row exactly once."""

from __future__ import annotations

from towpath_destination_local.config import LocalConfig
from towpath_destination_local.destination import LocalDestination

__all__ = ["LocalConfig", "LocalDestination"]
