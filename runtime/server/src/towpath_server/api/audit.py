"""towpath.control.v1.AuditService."""

from __future__ import annotations

from towpath.control.v1 import audit_pb2, audit_pb2_grpc

from towpath_server.api.context import Context
from towpath_server.use_cases.audit import AuditTrail
from towpath_server.wire.access import event_to

__all__ = ["AuditService"]


class AuditService(audit_pb2_grpc.AuditServiceServicer):
    """Reads the audit trail."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def ListAuditEvents(
        self, request: audit_pb2.ListAuditEventsRequest, context: Context
    ) -> audit_pb2.ListAuditEventsResponse:
        """Return a page of events, newest first."""
        page, following = await self._trail.page(request.resource, request.actor, request.page_size, request.page_token)
        return audit_pb2.ListAuditEventsResponse(events=map(event_to, page), next_page_token=following)
