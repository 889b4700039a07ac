"""The audit log is sealed by hash chains"""

revision = "20261123_0010"
down_revision = "20261123_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
