"""What jobs found changed in the schemas of streams."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "schema_changes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("connection", _ID, nullable=False),
        sa.Column("job", _ID, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["connections.id"],
            name=op.f("fk_schema_changes_connection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name=op.f("fk_schema_changes_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_changes")),
    )
    op.create_index(op.f("ix_schema_changes_job"), "schema_changes", ["job"], unique=False)
    op.create_index(op.f("ix_schema_changes_connection_id"), "schema_changes", ["connection", "id"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_schema_changes_connection_id"), table_name="schema_changes")
    op.drop_index(op.f("ix_schema_changes_job"), table_name="schema_changes")
    op.drop_table("schema_changes")
