"""Labels of containers and networks: who made them, and what for."""

from __future__ import annotations

__all__ = ["CONNECTOR", "JOB", "RUN_DIR"]

RUN_DIR = "io.towpath.run-dir"
"""Folder of the worker that made it. Its lock tells whether that worker lives; the path names this very machine."""

JOB = "io.towpath.job"
"""Resource name of the job that it works for; empty for a check, a discovery, or the reading of a spec."""

CONNECTOR = "io.towpath.connector"
"""What the worker calls the connector, such as `source connectors/shop`."""
