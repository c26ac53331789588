"""Which try of which workflow's run an attempt is, so that one that comes late is refused."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("attempts", sa.Column("run_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("try_number", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Take back."""
    op.drop_column("attempts", "try_number")
    op.drop_column("attempts", "run_id")
