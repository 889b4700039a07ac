"""Idempotency keys of every operation"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_0011"
down_revision = "20261123_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    headers = sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    op.add_column("idempotency_keys", headers)
    op.add_column("idempotency_keys", sa.Column("is_sealed", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.execute("DELETE FROM idempotency_keys WHERE starts_with(subject_id, 'ans_')")
    op.drop_column("idempotency_keys", "is_sealed")
    op.drop_column("idempotency_keys", "headers")
