"""Released means approved and signed"""

from alembic import op

revision = "20261122_0004"
down_revision = "20261122_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE part_revisions"
        " ADD CONSTRAINT ck_part_revisions_measured_once_validated CHECK (state IN ('draft', 'withdrawn')"
        " OR box_x_mm IS NOT NULL AND box_y_mm IS NOT NULL AND box_z_mm IS NOT NULL AND volume_cm3 IS NOT NULL),"
        " ADD CONSTRAINT ck_part_revisions_share_cap_is_a_share CHECK (ip_share_cap > 0 AND ip_share_cap <= 1),"
        " ADD CONSTRAINT ck_part_revisions_released_is_approved CHECK (state <> 'released'"
        " OR approved_at IS NOT NULL AND release_signature IS NOT NULL)"
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE part_revisions"
        " DROP CONSTRAINT ck_part_revisions_released_is_approved,"
        " DROP CONSTRAINT ck_part_revisions_share_cap_is_a_share,"
        " DROP CONSTRAINT ck_part_revisions_measured_once_validated"
    )
