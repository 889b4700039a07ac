"""What is old goes quickly; orders by state and by their clients' numbers, and their shipments, are found at once"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_0018"
down_revision = "20261123_0017"
branch_labels = None
depends_on = None
serves = "20261123_0012"

_REFERENCE = ["organisation_id", "reference", "id"]
_BATCH = ["organisation_id", "batch", "state"]


def upgrade() -> None:
    op.create_index("ix_run_archives_created_at", "run_archives", ["created_at"])
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"])
    op.create_index("ix_orders_state", "orders", ["organisation_id", "state", "id"])
    op.create_index("ix_orders_reference", "orders", _REFERENCE, postgresql_where=sa.text("reference IS NOT NULL"))
    op.drop_index("ix_orders_batch", "orders")
    op.create_index("ix_orders_batch", "orders", _BATCH, postgresql_where=sa.text("batch IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_orders_batch", "orders")
    op.create_index("ix_orders_batch", "orders", _BATCH)
    op.drop_index("ix_orders_reference", "orders")
    op.drop_index("ix_orders_state", "orders")
    op.drop_index("ix_shipments_order_id", "shipments")
    op.drop_index("ix_run_archives_created_at", "run_archives")
