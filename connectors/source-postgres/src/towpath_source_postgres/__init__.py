"""Towpath source for PostgreSQL 14 and newer: binary COPY into Arrow, exact types, resumable snapshots, cursors."""
