"""The event feed, webhook endpoints, deliveries and attempts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261123_0009"
down_revision = "20261123_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _mark_what_was_told()
    _events()
    _endpoints()
    _deliveries()


def downgrade() -> None:
    for table in ("webhook_attempts", "webhook_deliveries", "webhook_secrets", "webhook_endpoints", "events"):
        op.drop_table(table)
    op.drop_index("ix_outbox_events_unsequenced", table_name="outbox_events")
    op.drop_column("outbox_events", "sequenced_at")


def _mark_what_was_told() -> None:
    """What is there already counts as told: a default that is taken away again writes no row."""
    long_ago = sa.text("'1970-01-01 00:00:00+00'")
    op.add_column("outbox_events", sa.Column("sequenced_at", sa.DateTime(timezone=True), server_default=long_ago))
    op.alter_column("outbox_events", "sequenced_at", server_default=None)
    op.create_index(
        "ix_outbox_events_unsequenced",
        "outbox_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("sequenced_at IS NULL"),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_events")),
        sa.UniqueConstraint("event_id", "organisation_id", name=op.f("uq_events_event_id_organisation_id")),
    )
    op.create_index("ix_events_feed", "events", ["organisation_id", "position"], unique=False)
    op.create_index("ix_events_subject", "events", ["organisation_id", "subject_id", "position"], unique=False)
    op.create_index(op.f("ix_events_told_at"), "events", ["told_at"], unique=False)


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("disabled_cause", sa.String(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failures_in_a_row", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rest_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_webhook_endpoints_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(op.f("ix_webhook_endpoints_organisation_id"), "webhook_endpoints", ["organisation_id"])
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_secrets_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secrets")),
    )
    op.create_index(op.f("ix_webhook_secrets_endpoint_id"), "webhook_secrets", ["endpoint_id"])


def _deliveries() -> None:
    pending = sa.text("state = 'pending'")
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("endpoint_id", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("replay_of", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["position"], ["events.position"], name=op.f("fk_webhook_deliveries_position"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_deliveries_id")),
    )
    indexes: tuple[tuple[str, list[str], sa.TextClause | None], ...] = (
        ("ix_webhook_deliveries_due", ["endpoint_id", "next_attempt_at", "number"], pending),
        ("ix_webhook_deliveries_order", ["endpoint_id", "subject_type", "subject_id", "number"], pending),
        ("ix_webhook_deliveries_listed", ["endpoint_id", "number"], None),
        ("ix_webhook_deliveries_position", ["position"], None),
    )
    for name, columns, where in indexes:
        op.create_index(name, "webhook_deliveries", columns, unique=False, postgresql_where=where)
    op.create_index(
        "uq_webhook_deliveries_once",
        "webhook_deliveries",
        ["endpoint_id", "position"],
        unique=True,
        postgresql_where=sa.text("replay_of IS NULL"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_number", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_number"],
            ["webhook_deliveries.number"],
            name=op.f("fk_webhook_attempts_delivery_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_number", "number", name=op.f("pk_webhook_attempts")),
    )
