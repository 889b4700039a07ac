"""Jobs are made and shipped: claims, leases, counter-offers, builds, inspections, shipments, recalls, re-routes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0007"
down_revision = "20261122_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("queue_epoch", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "line_exclusions",
        sa.Column("order_line_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("excluded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_line_id", "node_id", name=op.f("pk_line_exclusions")),
    )
    op.create_table(
        "recalls",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("supplier_lot", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("lot_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
    )
    op.create_table(
        "reroutes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_line_id", sa.String(), nullable=False),
        sa.Column("share_no", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("rerouted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_minor", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=True),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("landed_minor", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reroutes")),
    )
    op.create_index(
        "ix_reroutes_open", "reroutes", ["order_line_id"], unique=False, postgresql_where=sa.text("settled_at IS NULL")
    )
    op.create_index("ix_reroutes_order", "reroutes", ["order_id", "id"], unique=False)
    op.create_table(
        "brands",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("accent_colour", sa.String(), nullable=False),
        sa.Column("logo_sha256", sa.String(), nullable=True),
        sa.Column("logo_media_type", sa.String(), nullable=False),
        sa.Column("sender", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("slip_text", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_brands_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_brands")),
    )
    op.create_table(
        "production_policies",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("counter_price_fraction", sa.Float(), nullable=False),
        sa.Column("counter_days", sa.Integer(), nullable=False),
        sa.Column("hold_not_manufacturable", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_production_policies_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_production_policies")),
    )
    op.create_table(
        "builds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("build_key", sa.String(), nullable=True),
        sa.Column("planned_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_minutes", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Float(), nullable=True),
        sa.Column("printed_cm3", sa.Float(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("machine_minutes", sa.Integer(), nullable=True),
        sa.Column("grams_used", sa.Integer(), nullable=True),
        sa.Column("cost_minor", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_builds_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_builds")),
    )
    op.create_index("ix_builds_lot", "builds", ["lot_id"], unique=False)
    op.create_index("ix_builds_node", "builds", ["node_id", "state", "id"], unique=False)
    op.create_index(
        "uq_builds_one_running",
        "builds",
        ["machine_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "build_parts",
        sa.Column("build_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("volume_cm3", sa.Float(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("cost_minor", sa.Integer(), nullable=False),
        sa.Column("grams", sa.Integer(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=True),
        sa.Column("failed", sa.Integer(), nullable=True),
        sa.CheckConstraint("parts > 0", name=op.f("ck_build_parts_parts_over_zero")),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name=op.f("fk_build_parts_build_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_build_parts_job_id")),
        sa.PrimaryKeyConstraint("build_id", "job_id", name=op.f("pk_build_parts")),
    )
    op.create_index(op.f("ix_build_parts_job_id"), "build_parts", ["job_id"], unique=False)
    op.create_table(
        "conformity_certificates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_conformity_certificates_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conformity_certificates")),
    )
    op.create_index(op.f("ix_conformity_certificates_job_id"), "conformity_certificates", ["job_id"], unique=False)
    op.create_table(
        "counter_offers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("offered_price_minor", sa.Integer(), nullable=False),
        sa.Column("produce_by", sa.Date(), nullable=False),
        sa.Column("offered_produce_by", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_counter_offers_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_offers")),
    )
    op.create_index(op.f("ix_counter_offers_job_id"), "counter_offers", ["job_id"], unique=False)
    op.create_index("ix_counter_offers_owner", "counter_offers", ["organisation_id", "id"], unique=False)
    op.create_index(
        "uq_counter_offers_one_open",
        "counter_offers",
        ["job_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "job_reports",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("lease_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_reports_job_id")),
        sa.PrimaryKeyConstraint("job_id", "lease_id", "sequence", name=op.f("pk_job_reports")),
    )
    op.create_table(
        "lot_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("grams", sa.Integer(), nullable=False),
        sa.Column("remaining_grams", sa.Integer(), nullable=False),
        sa.Column("reuse_count", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("build_id", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["material_lots.id"], name=op.f("fk_lot_movements_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_movements")),
    )
    op.create_index("ix_lot_movements_lot", "lot_movements", ["lot_id", "id"], unique=False)
    op.create_index(
        "ix_lot_movements_job",
        "lot_movements",
        ["job_id"],
        unique=False,
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_table(
        "owner_notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("revision_held", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_owner_notes_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_notes")),
    )
    op.create_index(op.f("ix_owner_notes_job_id"), "owner_notes", ["job_id"], unique=False)
    op.create_index("ix_owner_notes_owner", "owner_notes", ["organisation_id", "id"], unique=False)
    op.create_table(
        "passports",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("print_number", sa.Integer(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_passports_job_id")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_passports")),
        sa.UniqueConstraint("job_id", "print_number", name=op.f("uq_passports_job_id_print_number")),
    )
    op.create_index("ix_passports_serial", "passports", ["organisation_id", "serial"], unique=False)
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_line_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("current_epoch", sa.Integer(), nullable=False),
        sa.Column("reported", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_reconciliations_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_index(op.f("ix_reconciliations_job_id"), "reconciliations", ["job_id"], unique=False)
    op.create_index("ix_reconciliations_owner", "reconciliations", ["organisation_id", "id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tracking_number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_shipments_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
    )
    op.create_index(op.f("ix_shipments_job_id"), "shipments", ["job_id"], unique=False)
    op.create_index("ix_shipments_owner", "shipments", ["organisation_id", "id"], unique=False)
    op.create_index("ix_shipments_tracking", "shipments", ["carrier", "tracking_number"], unique=False)
    op.create_table(
        "inspections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("print_number", sa.Integer(), nullable=True),
        sa.Column("through_print", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("measurements", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=True),
        sa.Column("inspector", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["job_evidence.id"], name=op.f("fk_inspections_evidence_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_inspections_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
    )
    op.create_index(op.f("ix_inspections_job_id"), "inspections", ["job_id"], unique=False)
    op.create_table(
        "parcels",
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("weight_grams", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=True),
        sa.Column("width_mm", sa.Integer(), nullable=True),
        sa.Column("height_mm", sa.Integer(), nullable=True),
        sa.Column("tracking_number", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_parcels_shipment_id")),
        sa.PrimaryKeyConstraint("shipment_id", "number", name=op.f("pk_parcels")),
    )
    op.create_table(
        "shipment_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("parcel_number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_events_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment_events")),
        sa.UniqueConstraint(
            "shipment_id",
            "parcel_number",
            "status",
            "occurred_at",
            "source",
            name="uq_shipment_events_once",
        ),
    )
    op.add_column("jobs", sa.Column("offer_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("offer_rounds", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("lease_id", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("lease_kind", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("lease_epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("claimed_by", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("end_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("cancel_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("cancel_agreed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("cancel_cause", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("suspect_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("suspect_from", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("held_kind", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("first_article", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("jobs", sa.Column("first_article_submitted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("first_article_evidence_id", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("first_article_approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("scrapped_prints", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("used_grams", sa.Integer(), nullable=True))
    op.create_index(
        "ix_jobs_claimable",
        "jobs",
        ["node_id", "produce_by", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'offered' AND lease_id IS NULL"),
    )
    op.create_index(
        "ix_jobs_leased", "jobs", ["lease_until"], unique=False, postgresql_where=sa.text("lease_until IS NOT NULL")
    )
    op.create_index("ix_jobs_lot", "jobs", ["lot_id"], unique=False)
    op.create_index(
        "ix_jobs_unanswered",
        "jobs",
        ["offer_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('offered', 'countered')"),
    )
    op.add_column("material_lots", sa.Column("supplier_lot", sa.String(), nullable=False, server_default=""))
    op.add_column("material_lots", sa.Column("state_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("material_lots", sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("nodes", sa.Column("offer_seconds", sa.Integer(), nullable=True))
    op.add_column("nodes", sa.Column("offline_seconds", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("ship_to_street", sa.String(), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("ship_to_postal_code", sa.String(), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("first_article", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("part_revisions", sa.Column("on_hold_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("part_revisions", sa.Column("on_hold_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("print_records", sa.Column("build_id", sa.String(), nullable=True))
    op.add_column("print_records", sa.Column("scrapped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("print_records", sa.Column("scrapped_by", sa.String(), nullable=True))
    op.add_column("print_records", sa.Column("scrap_reason", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_print_records_build_id"), "print_records", ["build_id"], unique=False)
    op.create_foreign_key(op.f("fk_print_records_build_id"), "print_records", "builds", ["build_id"], ["id"])
    op.drop_index("uq_jobs_one_live_dispatch", table_name="jobs")
    op.create_index(
        "uq_jobs_one_live_dispatch",
        "jobs",
        ["order_line_id", "share_no"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')"),
    )
    op.execute("INSERT INTO installation (id, queue_epoch) VALUES (1, left(md5(random()::text), 8))")
    op.execute("UPDATE jobs SET held_kind = 'gate' WHERE state = 'held'")
    op.execute(
        "UPDATE jobs SET lease_kind = 'hand', lease_id = 'lse_' || substr(id, 5), lease_epoch = fence"
        " WHERE state = 'accepted'"
    )


def downgrade() -> None:
    op.drop_index("uq_jobs_one_live_dispatch", table_name="jobs")
    op.create_index(
        "uq_jobs_one_live_dispatch",
        "jobs",
        ["order_line_id", "share_no"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'failed')"),
    )
    op.drop_constraint(op.f("fk_print_records_build_id"), "print_records", type_="foreignkey")
    op.drop_index(op.f("ix_print_records_build_id"), table_name="print_records")
    op.drop_column("print_records", "scrap_reason")
    op.drop_column("print_records", "scrapped_by")
    op.drop_column("print_records", "scrapped_at")
    op.drop_column("print_records", "build_id")
    op.drop_column("part_revisions", "on_hold_reason")
    op.drop_column("part_revisions", "on_hold_since")
    op.drop_column("orders", "first_article")
    op.drop_column("orders", "ship_to_postal_code")
    op.drop_column("orders", "ship_to_street")
    op.drop_column("nodes", "offline_seconds")
    op.drop_column("nodes", "offer_seconds")
    op.drop_column("material_lots", "state_changed_at")
    op.drop_column("material_lots", "state_reason")
    op.drop_column("material_lots", "supplier_lot")
    op.drop_index(
        "ix_jobs_unanswered", table_name="jobs", postgresql_where=sa.text("state IN ('offered', 'countered')")
    )
    op.drop_index("ix_jobs_lot", table_name="jobs")
    op.drop_index("ix_jobs_leased", table_name="jobs", postgresql_where=sa.text("lease_until IS NOT NULL"))
    op.drop_index(
        "ix_jobs_claimable", table_name="jobs", postgresql_where=sa.text("state = 'offered' AND lease_id IS NULL")
    )
    op.drop_column("jobs", "used_grams")
    op.drop_column("jobs", "scrapped_prints")
    op.drop_column("jobs", "first_article_approved_at")
    op.drop_column("jobs", "first_article_evidence_id")
    op.drop_column("jobs", "first_article_submitted_at")
    op.drop_column("jobs", "first_article")
    op.drop_column("jobs", "held_kind")
    op.drop_column("jobs", "suspect_from")
    op.drop_column("jobs", "suspect_since")
    op.drop_column("jobs", "cancel_cause")
    op.drop_column("jobs", "cancel_agreed_at")
    op.drop_column("jobs", "cancel_reason")
    op.drop_column("jobs", "cancel_requested_at")
    op.drop_column("jobs", "end_reason")
    op.drop_column("jobs", "ended_at")
    op.drop_column("jobs", "delivered_at")
    op.drop_column("jobs", "shipped_at")
    op.drop_column("jobs", "inspected_at")
    op.drop_column("jobs", "started_at")
    op.drop_column("jobs", "claimed_at")
    op.drop_column("jobs", "claimed_by")
    op.drop_column("jobs", "lease_until")
    op.drop_column("jobs", "lease_epoch")
    op.drop_column("jobs", "lease_kind")
    op.drop_column("jobs", "lease_id")
    op.drop_column("jobs", "nudged_at")
    op.drop_column("jobs", "offer_rounds")
    op.drop_column("jobs", "offer_until")
    op.drop_table("shipment_events")
    op.drop_table("parcels")
    op.drop_index(op.f("ix_inspections_job_id"), table_name="inspections")
    op.drop_table("inspections")
    op.drop_index("ix_shipments_tracking", table_name="shipments")
    op.drop_index("ix_shipments_owner", table_name="shipments")
    op.drop_index(op.f("ix_shipments_job_id"), table_name="shipments")
    op.drop_table("shipments")
    op.drop_index("ix_reconciliations_owner", table_name="reconciliations")
    op.drop_index(op.f("ix_reconciliations_job_id"), table_name="reconciliations")
    op.drop_table("reconciliations")
    op.drop_index("ix_passports_serial", table_name="passports")
    op.drop_table("passports")
    op.drop_index("ix_owner_notes_owner", table_name="owner_notes")
    op.drop_index(op.f("ix_owner_notes_job_id"), table_name="owner_notes")
    op.drop_table("owner_notes")
    op.drop_index("ix_lot_movements_job", table_name="lot_movements")
    op.drop_index("ix_lot_movements_lot", table_name="lot_movements")
    op.drop_table("lot_movements")
    op.drop_table("job_reports")
    op.drop_index("uq_counter_offers_one_open", table_name="counter_offers", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_counter_offers_owner", table_name="counter_offers")
    op.drop_index(op.f("ix_counter_offers_job_id"), table_name="counter_offers")
    op.drop_table("counter_offers")
    op.drop_index(op.f("ix_conformity_certificates_job_id"), table_name="conformity_certificates")
    op.drop_table("conformity_certificates")
    op.drop_index(op.f("ix_build_parts_job_id"), table_name="build_parts")
    op.drop_table("build_parts")
    op.drop_index("ix_builds_node", table_name="builds")
    op.drop_index("ix_builds_lot", table_name="builds")
    op.drop_table("builds")
    op.drop_table("production_policies")
    op.drop_table("brands")
    op.drop_index("ix_reroutes_order", table_name="reroutes")
    op.drop_index("ix_reroutes_open", table_name="reroutes", postgresql_where=sa.text("settled_at IS NULL"))
    op.drop_table("reroutes")
    op.drop_table("recalls")
    op.drop_table("line_exclusions")
    op.drop_table("installation")
