"""Tables as the newest migration leaves them. Times are microseconds since the Unix epoch; documents are JSON text.

A new database is made from this: columns stand in the order in which migrations added them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

__all__ = [
    "attempts",
    "audit_events",
    "catalogs",
    "commits",
    "connections",
    "connectors",
    "destinations",
    "job_streams",
    "jobs",
    "log_batches",
    "log_lines",
    "metadata",
    "positions",
    "removed_schedules",
    "requests",
    "schema_changes",
    "sources",
    "tasks",
    "tokens",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Sorts by bytes on both databases, so that pages come in the same order."""

connectors = Table(
    "connectors",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("command", Text, nullable=False),
    Column("spec", LargeBinary, nullable=False),
    Column("roles", Text, nullable=False),
    Column("config_schema", Text, nullable=False),
    Column("write_modes", Text, nullable=False),
    Column("etag", String(32), nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Column("image", Text, nullable=False, server_default=""),
    Column("limits", Text, nullable=False, server_default="{}"),
)


def _endpoint_table(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", _Id, primary_key=True),
        Column("connector", _Id, ForeignKey("connectors.id"), nullable=False, index=True),
        Column("config", LargeBinary, nullable=False),
        Column("etag", String(32), nullable=False),
        Column("create_time", BigInteger, nullable=False),
        Column("update_time", BigInteger, nullable=False),
    )


sources = _endpoint_table("sources")
destinations = _endpoint_table("destinations")

catalogs = Table(
    "catalogs",
    metadata,
    Column("source", _Id, ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("source_etag", String(32), nullable=False),
    Column("catalog", LargeBinary, nullable=False),
    Column("update_time", BigInteger, nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("source", _Id, ForeignKey("sources.id"), nullable=False, index=True),
    Column("destination", _Id, ForeignKey("destinations.id"), nullable=False, index=True),
    Column("streams", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("schema_change_policy", Integer, nullable=False),
    Column("settings", Text, nullable=False),
    Column("etag", String(32), nullable=False),
    Column("schedule_version", BigInteger, nullable=False),
    Column("schedule_synced", BigInteger, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
)

removed_schedules = Table("removed_schedules", metadata, Column("connection", _Id, primary_key=True))

positions = Table(
    "positions",
    metadata,
    Column("connection", _Id, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("state_version", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("minimum_generation", BigInteger, nullable=False),
    Column("ipc_schema", LargeBinary, nullable=False),
    Column("update_time", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("connection", _Id, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("trigger", String(16), nullable=False),
    Column("settings", Text, nullable=False),
    Column("schema_change_policy", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("publish_epoch", BigInteger),
    Column("publish_decision", Text),
    Column("publish_failure", Text),
    Column("workflow_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("workflow_started", Boolean, nullable=False),
    Column("workflow_restarts", Integer, nullable=False),
    Column("cancel_delivered", Boolean, nullable=False),
    Column("failure", Text),
    Column("revision", BigInteger, nullable=False),
    Column("log_seq", BigInteger, nullable=False, server_default="0"),
    Column("create_time", BigInteger, nullable=False),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    Column("seen_time", BigInteger, nullable=False),
    Column("holder", Text, nullable=False, server_default=""),
    Index("ix_jobs_connection_id", "connection", "id"),
    Index("ix_jobs_workflow_id_run_id", "workflow_id", "run_id"),
    # Two jobs of one connection never overlap: the database itself refuses the second, whatever the servers race for.
    Index(
        "uq_jobs_active_connection",
        "connection",
        unique=True,
        sqlite_where=text("state IN (1, 2, 3)"),
        postgresql_where=text("state IN (1, 2, 3)"),
    ),
)

job_streams = Table(
    "job_streams",
    metadata,
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("selection", Text, nullable=False),
    Column("state", Integer, nullable=False),
    Column("base_state", LargeBinary, nullable=False),
    Column("base_state_version", BigInteger, nullable=False),
    Column("base_ipc_schema", LargeBinary, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("minimum_generation", BigInteger, nullable=False),
    Column("commit_seq", BigInteger, nullable=False),
    Column("committed_state", LargeBinary, nullable=False),
    Column("committed_state_version", BigInteger, nullable=False),
    Column("ipc_schema", LargeBinary, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("bytes_read", BigInteger, nullable=False),
    Column("rows_committed", BigInteger, nullable=False),
    Column("bytes_committed", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("estimated_rows", BigInteger),
    Column("samples", Text, nullable=False),
    Column("failure", Text),
)

commits = Table(
    "commits",
    metadata,
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("commit_seq", BigInteger, primary_key=True),
    Column("receipt", LargeBinary, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("failure", Text),
    Column("holder", Text, nullable=False, server_default=""),
    Column("run_id", Text, nullable=False, server_default=""),
    Column("try_number", Integer, nullable=False, server_default="0"),
)

log_lines = Table(
    "log_lines",
    metadata,
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("origin", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("stream", Text),
    Column("attempt", BigInteger, nullable=False),
)

log_batches = Table(
    "log_batches",
    metadata,
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("batch_id", String(255), primary_key=True),
)

schema_changes = Table(
    "schema_changes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("connection", _Id, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("job", _Id, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("policy", Integer, nullable=False),
    Column("columns", Text, nullable=False),
    Index("ix_schema_changes_connection_id", "connection", "id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("launch", LargeBinary, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("result", LargeBinary),
    Column("holder", Text, nullable=False, server_default=""),
    Column("report", LargeBinary),
)

requests = Table(
    "requests",
    metadata,
    Column("method", String(64), primary_key=True),
    Column("request_id", String(255), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False, index=True),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("role", Integer, nullable=False),
    Column("description", Text, nullable=False),
    Column("hash", String(64), nullable=False, index=True, unique=True),
    Column("creator", Text, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("expire_time", BigInteger),
    Column("revoke_time", BigInteger),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", Integer, nullable=False),
    Column("peer", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("resource", Text, nullable=False),
    Column("details", Text, nullable=False),
    Index("ix_audit_events_resource_id", "resource", "id"),
    Index("ix_audit_events_actor_id", "actor", "id"),
)
