"""Archives that are older than they are kept, and orders by their clients' numbers, are found at once"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_0018"
down_revision = "20261123_0017"
branch_labels = None
depends_on = None
serves = "20261123_0012"


def upgrade() -> None:
    op.create_index("ix_run_archives_created_at", "run_archives", ["created_at"])
    op.create_index(
        "ix_orders_reference",
        "orders",
        ["organisation_id", "reference", "id"],
        postgresql_where=sa.text("reference IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_orders_reference", "orders")
    op.drop_index("ix_run_archives_created_at", "run_archives")
