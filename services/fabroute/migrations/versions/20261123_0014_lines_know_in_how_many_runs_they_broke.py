"""Lines know how many runs broke with them in it"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_0014"
down_revision = "20261123_0013"
branch_labels = None
depends_on = None
serves = "20261123_0012"


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("broken_runs", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.execute("UPDATE order_lines SET planning_scope = regexp_replace(planning_scope, '/suspects$', '')")
    op.drop_column("order_lines", "broken_runs")
