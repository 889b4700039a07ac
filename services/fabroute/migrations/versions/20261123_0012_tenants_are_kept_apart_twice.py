"""Row-level security"""

revision = "20261123_0012"
down_revision = "20261123_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
