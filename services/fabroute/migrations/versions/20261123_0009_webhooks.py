"""The event feed, webhook endpoints, deliveries and attempts"""

revision = "20261123_0009"
down_revision = "20261123_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
