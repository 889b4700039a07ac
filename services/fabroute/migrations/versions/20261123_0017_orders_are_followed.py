"""Orders are followed through all processes, and parked lines are counted without looking through all lines"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_0017"
down_revision = "20261123_0016"
branch_labels = None
depends_on = None
serves = "20261123_0012"


def upgrade() -> None:
    op.add_column("orders", sa.Column("traceparent", sa.String(), nullable=True))
    op.create_index("ix_order_lines_parked", "order_lines", ["id"], postgresql_where=sa.text("state = 'parked'"))


def downgrade() -> None:
    op.drop_index("ix_order_lines_parked", "order_lines")
    op.drop_column("orders", "traceparent")
