"""All checks, one module a group. Importing this package registers them, in the order of judgement."""

from __future__ import annotations

from towpath_conformance.checks import handshake, read

__all__ = ["handshake", "read"]
