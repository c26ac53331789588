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
    with op.batch_alter_table("connectors") as batch:
        batch.drop_column("limits")
        batch.drop_column("image")
