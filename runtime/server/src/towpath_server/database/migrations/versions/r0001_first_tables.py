"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "connectors",
        sa.Column("id", _ID, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("config_schema", sa.Text(), nullable=False),
        sa.Column("write_modes", sa.Text(), nullable=False),
        sa.Column("etag", sa.String(length=32), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors")),
    )
    op.create_table(
        "removed_schedules",
        sa.Column("connection", _ID, nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_removed_schedules")),
    )
    op.create_table(
        "requests",
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("method", "request_id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_create_time"), "requests", ["create_time"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("launch", sa.LargeBinary(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_table(
        "destinations",
        sa.Column("id", _ID, nullable=False),
        sa.Column("connector", _ID, nullable=False),
        sa.Column("config", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.String(length=32), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector"], ["connectors.id"], name=op.f("fk_destinations_connector")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destinations")),
    )
    op.create_index(op.f("ix_destinations_connector"), "destinations", ["connector"], unique=False)
    op.create_table(
        "sources",
        sa.Column("id", _ID, nullable=False),
        sa.Column("connector", _ID, nullable=False),
        sa.Column("config", sa.LargeBinary(), nullable=False),
        sa.Column("etag", sa.String(length=32), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector"], ["connectors.id"], name=op.f("fk_sources_connector")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_index(op.f("ix_sources_connector"), "sources", ["connector"], unique=False)
    op.create_table(
        "catalogs",
        sa.Column("source", _ID, nullable=False),
        sa.Column("source_etag", sa.String(length=32), nullable=False),
        sa.Column("catalog", sa.LargeBinary(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_catalogs_source"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_catalogs")),
    )
    op.create_table(
        "connections",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source", _ID, nullable=False),
        sa.Column("destination", _ID, nullable=False),
        sa.Column("streams", sa.Text(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("schema_change_policy", sa.Integer(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("etag", sa.String(length=32), nullable=False),
        sa.Column("schedule_version", sa.BigInteger(), nullable=False),
        sa.Column("schedule_synced", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["destination"], ["destinations.id"], name=op.f("fk_connections_destination")),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_connections_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
    )
    op.create_index(op.f("ix_connections_destination"), "connections", ["destination"], unique=False)
    op.create_index(op.f("ix_connections_source"), "connections", ["source"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", _ID, nullable=False),
        sa.Column("connection", _ID, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("schema_change_policy", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("publish_epoch", sa.BigInteger(), nullable=True),
        sa.Column("publish_decision", sa.Text(), nullable=True),
        sa.Column("publish_failure", sa.Text(), nullable=True),
        sa.Column("workflow_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("workflow_started", sa.Boolean(), nullable=False),
        sa.Column("workflow_restarts", sa.Integer(), nullable=False),
        sa.Column("cancel_delivered", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("log_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("seen_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_jobs_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_connection_id", "jobs", ["connection", "id"], unique=False)
    op.create_index("ix_jobs_workflow_id_run_id", "jobs", ["workflow_id", "run_id"], unique=False)
    op.create_index(
        "uq_jobs_active_connection",
        "jobs",
        ["connection"],
        unique=True,
        sqlite_where=sa.text("state IN (1, 2, 3)"),
        postgresql_where=sa.text("state IN (1, 2, 3)"),
    )
    op.create_table(
        "positions",
        sa.Column("connection", _ID, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("minimum_generation", sa.BigInteger(), nullable=False),
        sa.Column("ipc_schema", sa.LargeBinary(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"], ["connections.id"], name=op.f("fk_positions_connection"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection", "namespace", "name", name=op.f("pk_positions")),
    )
    op.create_table(
        "attempts",
        sa.Column("job", _ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_attempts_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "number", name=op.f("pk_attempts")),
    )
    op.create_table(
        "commits",
        sa.Column("job", _ID, nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("commit_seq", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_commits_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "index", "commit_seq", name=op.f("pk_commits")),
    )
    op.create_table(
        "job_streams",
        sa.Column("job", _ID, nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("base_state", sa.LargeBinary(), nullable=False),
        sa.Column("base_state_version", sa.BigInteger(), nullable=False),
        sa.Column("base_ipc_schema", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("minimum_generation", sa.BigInteger(), nullable=False),
        sa.Column("commit_seq", sa.BigInteger(), nullable=False),
        sa.Column("committed_state", sa.LargeBinary(), nullable=False),
        sa.Column("committed_state_version", sa.BigInteger(), nullable=False),
        sa.Column("ipc_schema", sa.LargeBinary(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_committed", sa.BigInteger(), nullable=False),
        sa.Column("bytes_committed", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("estimated_rows", sa.BigInteger(), nullable=True),
        sa.Column("samples", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_job_streams_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "index", name=op.f("pk_job_streams")),
    )
    op.create_table(
        "log_batches",
        sa.Column("job", _ID, nullable=False),
        sa.Column("batch_id", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_log_batches_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "batch_id", name=op.f("pk_log_batches")),
    )
    op.create_table(
        "log_lines",
        sa.Column("job", _ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_log_lines_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "seq", name=op.f("pk_log_lines")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("log_lines")
    op.drop_table("log_batches")
    op.drop_table("job_streams")
    op.drop_table("commits")
    op.drop_table("attempts")
    op.drop_table("positions")
    op.drop_index("uq_jobs_active_connection", table_name="jobs")
    op.drop_index("ix_jobs_workflow_id_run_id", table_name="jobs")
    op.drop_index("ix_jobs_connection_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_connections_source"), table_name="connections")
    op.drop_index(op.f("ix_connections_destination"), table_name="connections")
    op.drop_table("connections")
    op.drop_table("catalogs")
    op.drop_index(op.f("ix_sources_connector"), table_name="sources")
    op.drop_table("sources")
    op.drop_index(op.f("ix_destinations_connector"), table_name="destinations")
    op.drop_table("destinations")
    op.drop_table("tasks")
    op.drop_index(op.f("ix_requests_create_time"), table_name="requests")
    op.drop_table("requests")
    op.drop_table("removed_schedules")
    op.drop_table("connectors")
