"""Towpath source for PostgreSQL 14 and newer: binary COPY into Arrow, exact types, resumable snapshots, cursors."""

from __future__ import annotations

from towpath_source_postgres.config import PostgresConfig
from towpath_source_postgres.source import PostgresSource

__all__ = ["PostgresConfig", "PostgresSource"]
