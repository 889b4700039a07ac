"""Idempotency keys of every operation"""

revision = "20261123_0011"
down_revision = "20261123_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
