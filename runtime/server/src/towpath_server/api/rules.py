"""Who may call what: one rule for every method, and none for any other.

A method that is not in the table is served to nobody, and a server that has one does not start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from towpath_sdk.errors import Bug

from towpath_server.domain.access import TokenRole

__all__ = ["RULES", "Rule", "check_rules"]


@dataclass(frozen=True)
class Rule:
    """Roles that may call a method; with `open` everybody, without a token. What is `audited` leaves an event."""

    roles: frozenset[TokenRole]
    open: bool = False
    audited: bool = False

    @property
    def for_workers(self) -> bool:
        """It is a method that only workers call."""
        return self.roles == frozenset({TokenRole.WORKER})


_USERS = (TokenRole.VIEWER, TokenRole.EDITOR, TokenRole.ADMIN)

_OPEN = Rule(frozenset(), open=True)
_ANY = Rule(frozenset(TokenRole))
_SEE = Rule(frozenset(_USERS))
_RUN = Rule(frozenset(_USERS[1:]))
_LOOK = Rule(frozenset(_USERS[1:]), audited=True)
_CHANGE = Rule(frozenset(_USERS[1:]), audited=True)
_ADMIN_SEE = Rule(frozenset(_USERS[2:]))
_ADMIN_CHANGE = Rule(frozenset(_USERS[2:]), audited=True)
_WORK = Rule(frozenset({TokenRole.WORKER}))

_TABLE: Mapping[str, Mapping[str, Rule]] = {
    # A load balancer has no token.
    "grpc.health.v1.Health": {"Check": _OPEN, "Watch": _OPEN},
    # A stranger shall not even learn what there is.
    "grpc.reflection.v1alpha.ServerReflection": {"ServerReflectionInfo": _ANY},
    # A connector is a program that workers run: registering one is more than changing data.
    "towpath.control.v1.ConnectorService": {
        "CreateConnector": _ADMIN_CHANGE,
        "GetConnector": _SEE,
        "ListConnectors": _SEE,
        "UpdateConnector": _ADMIN_CHANGE,
        "DeleteConnector": _ADMIN_CHANGE,
    },
    # Checks and discoveries change nothing here, but they reach out to other systems.
    "towpath.control.v1.SourceService": {
        "CreateSource": _CHANGE,
        "GetSource": _SEE,
        "ListSources": _SEE,
        "UpdateSource": _CHANGE,
        "DeleteSource": _CHANGE,
        "CheckSource": _RUN,
        "WatchCheckSource": _RUN,
        "DiscoverSource": _RUN,
        # Rows are more than what a viewer sees, which is names and counts; an editor could have them copied anyway.
        "PreviewStream": _LOOK,
    },
    "towpath.control.v1.DestinationService": {
        "CreateDestination": _CHANGE,
        "GetDestination": _SEE,
        "ListDestinations": _SEE,
        "UpdateDestination": _CHANGE,
        "DeleteDestination": _CHANGE,
        "CheckDestination": _RUN,
        "WatchCheckDestination": _RUN,
    },
    "towpath.control.v1.ConnectionService": {
        "CreateConnection": _CHANGE,
        "GetConnection": _SEE,
        "ListConnections": _SEE,
        "UpdateConnection": _CHANGE,
        "DeleteConnection": _CHANGE,
        "SyncConnection": _CHANGE,
        "RefreshConnection": _CHANGE,
        "ClearConnection": _CHANGE,
        "PauseConnection": _CHANGE,
        "ResumeConnection": _CHANGE,
        "ListStreamStates": _SEE,
        "PlanConnection": _RUN,
        "ResetStreamState": _CHANGE,
        "UpdateStreamState": _CHANGE,
        "ListSchemaChanges": _SEE,
    },
    "towpath.control.v1.JobService": {
        "GetJob": _SEE,
        "ListJobs": _SEE,
        "CancelJob": _CHANGE,
        "WatchJob": _SEE,
        "TailLogs": _SEE,
    },
    "towpath.control.v1.TokenService": {
        "WhoAmI": _ANY,
        "CreateToken": _ADMIN_CHANGE,
        "GetToken": _ADMIN_SEE,
        "ListTokens": _ADMIN_SEE,
        "RevokeToken": _ADMIN_CHANGE,
    },
    "towpath.control.v1.AuditService": {"ListAuditEvents": _ADMIN_SEE},
    # Configurations are in clear here: no user, not even an admin, reads them back.
    "towpath.runtime.v1.JobRunService": {
        "OpenJob": _WORK,
        "BeginAttempt": _WORK,
        "ReportProgress": _WORK,
        "CommitStream": _WORK,
        "ResetStream": _WORK,
        "ReportSchemaChange": _WORK,
        "FinishStream": _WORK,
        "EndAttempt": _WORK,
        "BeginPublish": _WORK,
        "FinishJob": _WORK,
        "AppendLogs": _WORK,
    },
    "towpath.runtime.v1.TaskService": {"GetTask": _WORK, "ReportTask": _WORK, "CompleteTask": _WORK},
}

RULES: Mapping[str, Rule] = {
    f"/{service}/{method}": rule for service, rules in _TABLE.items() for method, rule in rules.items()
}
"""Rules by full method name, such as `/towpath.control.v1.JobService/GetJob`."""


def check_rules(methods: Iterable[str]) -> None:
    """Raise Bug when one of the full method names has no rule."""
    without = sorted(set(methods) - RULES.keys())
    if without:
        raise Bug(f"nobody has said who may call {', '.join(without)}; write it into api/rules.py", reason="NO_RULE")
