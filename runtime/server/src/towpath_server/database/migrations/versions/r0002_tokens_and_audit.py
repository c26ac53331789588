"""API tokens, the audit trail, and who holds a job or a task."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
_HELD = ("jobs", "attempts", "tasks")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tokens",
        sa.Column("id", _ID, nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("creator", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.Column("revoke_time", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_hash"), "tokens", ["hash"], unique=True)
    op.create_table(
        "audit_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_resource_id"), "audit_events", ["resource", "id"], unique=False)
    op.create_index(op.f("ix_audit_events_actor_id"), "audit_events", ["actor", "id"], unique=False)
    for table in _HELD:
        op.add_column(table, sa.Column("holder", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Take back."""
    for table in _HELD:
        # Not as a batch: on SQLite that drops the table, and with a job everything that refers to it.
        op.execute(f"ALTER TABLE {table} DROP COLUMN holder")
    op.drop_index(op.f("ix_audit_events_actor_id"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_resource_id"), table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_index(op.f("ix_tokens_hash"), table_name="tokens")
    op.drop_table("tokens")
