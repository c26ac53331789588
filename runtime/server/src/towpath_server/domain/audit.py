"""Events of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from towpath_server.domain.access import Caller

__all__ = ["AuditEvent"]


@dataclass(frozen=True)
class AuditEvent:
    """What `caller` did to `resource`: a change, or a look at rows. `details` never hold a configuration's values."""

    id: str
    time: datetime
    caller: Caller
    action: str
    resource: str
    details: Mapping[str, str]

    @property
    def name(self) -> str:
        """Resource name."""
        return f"auditEvents/{self.id}"
