"""Connectors that are started from images, and what their containers may use."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("connectors", sa.Column("image", sa.Text(), nullable=False, server_default=""))
    op.add_column("connectors", sa.Column("limits", sa.Text(), nullable=False, server_default="{}"))
    # What a task holds is written in another way now. It lives for seconds, and who asked asks again.
    op.execute(sa.text("DELETE FROM tasks"))


def downgrade() -> None:
    """Take back."""
    # Not as a batch: on SQLite that drops the table, to which sources and destinations refer.
    op.execute("ALTER TABLE connectors DROP COLUMN limits")
    op.execute("ALTER TABLE connectors DROP COLUMN image")
