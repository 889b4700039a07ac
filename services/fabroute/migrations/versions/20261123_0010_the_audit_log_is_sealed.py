"""The audit log is sealed by hash chains"""

import sqlalchemy as sa
from alembic import op

revision = "20261123_0010"
down_revision = "20261123_0009"
branch_labels = None
depends_on = None

# The role that serves requests adds seals and roots and reads them; it can't change or remove one.
APPEND_ONLY = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_rw') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries, audit_seals, audit_roots FROM app_rw;
  END IF;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("previous_hash", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "position", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seals_entry_id")),
    )
    op.create_table(
        "audit_roots",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "position", name=op.f("pk_audit_roots")),
    )
    op.create_table(
        "audit_watermark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed_through", sa.BigInteger(), nullable=False),
        sa.Column("next_through", sa.BigInteger(), nullable=False),
        sa.Column("next_horizon", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_watermark_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_watermark")),
    )
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.drop_table("audit_watermark")
    op.drop_table("audit_roots")
    op.drop_table("audit_seals")
