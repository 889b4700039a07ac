"""What was good stays good"""

from alembic import op

revision = "20261122_0003"
down_revision = "20261122_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Certificates that counted until now go on counting; new ones wait for the operator.
    op.execute(
        "UPDATE certificates SET verified_at = statement_timestamp(), verified_by = 'system:migration',"
        " scope_kind = CASE WHEN scope = '*' THEN 'site' ELSE 'process_material' END WHERE verified_at IS NULL"
    )
    # Revisions that were released without an approval and a signature say so and stay released.
    op.execute(
        "UPDATE part_revisions SET approved_at = released_at, approved_by = 'system:migration',"
        " approval_reason = 'released before approvals were asked for', release_signature = ''"
        " WHERE state = 'released' AND release_signature IS NULL"
    )


def downgrade() -> None:
    # Nothing is lost: the columns go with the migration before.
    pass
