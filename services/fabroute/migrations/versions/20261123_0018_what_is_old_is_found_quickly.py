"""What is older than it is kept is found without looking through all there is"""

from alembic import op

revision = "20261123_0018"
down_revision = "20261123_0017"
branch_labels = None
depends_on = None
serves = "20261123_0012"


def upgrade() -> None:
    op.create_index("ix_run_archives_created_at", "run_archives", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_run_archives_created_at", "run_archives")
