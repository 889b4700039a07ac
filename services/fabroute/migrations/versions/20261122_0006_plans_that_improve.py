"""Plans that improve: scopes, archives, policies, shadow runs, readiness"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0006"
down_revision = "20261122_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planning_scopes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_planning_scopes")),
    )
    op.create_table(
        "readiness_reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readiness_reports")),
    )
    op.create_index("ix_readiness_reports_owner", "readiness_reports", ["organisation_id", "id"], unique=False)
    op.create_index(
        "uq_readiness_reports_one_asked",
        "readiness_reports",
        ["organisation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "shadow_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("runs_done", sa.Integer(), nullable=False),
        sa.Column("runs_total", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_runs")),
    )
    op.create_index("ix_shadow_runs_owner", "shadow_runs", ["organisation_id", "id"], unique=False)
    op.create_table(
        "policy_costs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("landed_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_millis", sa.BigInteger(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["routing_runs.id"], name=op.f("fk_policy_costs_run_id")),
        sa.PrimaryKeyConstraint("run_id", "organisation_id", "rule", name=op.f("pk_policy_costs")),
    )
    op.create_index("ix_policy_costs_owner", "policy_costs", ["organisation_id", "decided_at"], unique=False)
    op.create_table(
        "readiness_entries",
        sa.Column("report_id", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("nodes_now", sa.Integer(), nullable=False),
        sa.Column("nodes_later", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["readiness_reports.id"], name=op.f("fk_readiness_entries_report_id")),
        sa.PrimaryKeyConstraint("report_id", "part_id", "region", name=op.f("pk_readiness_entries")),
    )
    op.create_table(
        "routing_policies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_routing_policies_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_policies")),
        sa.UniqueConstraint("organisation_id", "version", name=op.f("uq_routing_policies_organisation_id_version")),
    )
    op.create_table(
        "run_archives",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["routing_runs.id"], name=op.f("fk_run_archives_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_archives")),
    )
    op.add_column("jobs", sa.Column("share_no", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("jobs", "share_no", server_default=None)
    op.add_column("jobs", sa.Column("dispatch_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("build_key", sa.String(), nullable=True))
    op.drop_index("uq_jobs_one_live_dispatch", table_name="jobs")
    op.create_index(
        "uq_jobs_one_live_dispatch",
        "jobs",
        ["order_line_id", "share_no"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'failed')"),
    )
    op.create_index(
        "ix_jobs_planned", "jobs", ["dispatch_at"], unique=False, postgresql_where=sa.text("state = 'planned'")
    )
    op.add_column("order_lines", sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("order_lines", sa.Column("promised_minor", sa.Integer(), nullable=True))
    for name in ("kept_quantity", "next_share_no"):
        op.add_column("order_lines", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        op.alter_column("order_lines", name, server_default=None)
    op.add_column("order_lines", sa.Column("kept_nodes", sa.String(), nullable=False, server_default=""))
    op.alter_column("order_lines", "kept_nodes", server_default=None)
    op.add_column("orders", sa.Column("split_max_nodes", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("orders", "split_max_nodes", server_default=None)
    op.add_column("orders", sa.Column("split_min_per_node", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("orders", "split_min_per_node", server_default=None)
    op.add_column("orders", sa.Column("cost_of_waiting_minor", sa.Integer(), nullable=True))
    op.add_column("routing_decisions", sa.Column("revision_id", sa.String(), nullable=True))
    op.add_column("routing_decisions", sa.Column("placed", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("ix_routing_decisions_run_id", "routing_decisions", ["run_id"], unique=False)
    op.create_index("ix_routing_decisions_owner", "routing_decisions", ["organisation_id", "decided_at"], unique=False)
    op.create_index("ix_routing_decisions_revision", "routing_decisions", ["revision_id", "decided_at"], unique=False)
    op.add_column("routing_decisions", sa.Column("kind", sa.String(), nullable=False, server_default="first"))
    op.alter_column("routing_decisions", "kind", server_default=None)
    op.add_column("routing_runs", sa.Column("kind", sa.String(), nullable=False, server_default="joint"))
    op.alter_column("routing_runs", "kind", server_default=None)
    op.add_column("routing_runs", sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("routing_runs", "prices")
    op.drop_column("routing_runs", "kind")
    op.drop_column("routing_decisions", "kind")
    op.drop_index("ix_routing_decisions_run_id", table_name="routing_decisions")
    op.drop_index("ix_routing_decisions_revision", table_name="routing_decisions")
    op.drop_index("ix_routing_decisions_owner", table_name="routing_decisions")
    op.drop_column("routing_decisions", "placed")
    op.drop_column("routing_decisions", "revision_id")
    op.drop_column("orders", "cost_of_waiting_minor")
    op.drop_column("orders", "split_min_per_node")
    op.drop_column("orders", "split_max_nodes")
    for name in ("next_share_no", "kept_nodes", "kept_quantity"):
        op.drop_column("order_lines", name)
    op.drop_column("order_lines", "promised_minor")
    op.drop_column("order_lines", "promised_at")
    op.drop_index("ix_jobs_planned", table_name="jobs")
    op.drop_index("uq_jobs_one_live_dispatch", table_name="jobs")
    op.create_index(
        "uq_jobs_one_live_dispatch",
        "jobs",
        ["order_line_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'failed')"),
    )
    op.drop_column("jobs", "build_key")
    op.drop_column("jobs", "dispatch_at")
    op.drop_column("jobs", "share_no")
    op.drop_table("run_archives")
    op.drop_table("routing_policies")
    op.drop_table("readiness_entries")
    op.drop_index("ix_policy_costs_owner", table_name="policy_costs")
    op.drop_table("policy_costs")
    op.drop_index("ix_shadow_runs_owner", table_name="shadow_runs")
    op.drop_table("shadow_runs")
    op.drop_index("uq_readiness_reports_one_asked", table_name="readiness_reports")
    op.drop_index("ix_readiness_reports_owner", table_name="readiness_reports")
    op.drop_table("readiness_reports")
    op.drop_table("planning_scopes")
