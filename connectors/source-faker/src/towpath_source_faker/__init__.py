"""Towpath source that makes its rows up: seeded, any number, all types; changes, latency and failures on demand."""

from __future__ import annotations

from towpath_source_faker.config import FakerConfig
from towpath_source_faker.source import FakerSource

__all__ = ["FakerConfig", "FakerSource"]
