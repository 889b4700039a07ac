"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0001"
down_revision = None
branch_labels = None
depends_on = None

# The role that serves requests adds audit entries and reads them; it can't change or remove one.
APPEND_ONLY_AUDIT = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_rw') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM app_rw;
  END IF;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject_type", "subject_id"], unique=False)
    op.create_table(
        "capacity_allocations",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_capacity_allocations_positive_minutes")),
        sa.PrimaryKeyConstraint("job_id", "machine_id", "day", name=op.f("pk_capacity_allocations")),
    )
    op.create_index(
        "ix_capacity_allocations_slot",
        "capacity_allocations",
        ["machine_id", "day"],
        unique=False,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "carbon_factors",
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("g_per_tonne_km", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("mode", name=op.f("pk_carbon_factors")),
    )
    op.create_table(
        "carrier_tariffs",
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("base_minor", sa.Integer(), nullable=False),
        sa.Column("per_kg_minor", sa.Integer(), nullable=False),
        sa.Column("fuel_fraction", sa.Float(), nullable=False),
        sa.Column("surcharge_minor", sa.Integer(), nullable=False),
        sa.Column("transit_p50_days", sa.Integer(), nullable=False),
        sa.Column("transit_p95_days", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("zone", "service", "valid_from", name=op.f("pk_carrier_tariffs")),
    )
    op.create_table(
        "duty_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("territory", sa.String(), nullable=False),
        sa.Column("consignment", sa.String(), nullable=False),
        sa.Column("maximum_value_minor", sa.Integer(), nullable=True),
        sa.Column("fixed_minor", sa.Integer(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_rules")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "machine_models",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("x_mm", sa.Float(), nullable=False),
        sa.Column("y_mm", sa.Float(), nullable=False),
        sa.Column("z_mm", sa.Float(), nullable=False),
        sa.Column("layer_um", sa.Float(), nullable=False),
        sa.Column("layer_fixed_s", sa.Float(), nullable=False),
        sa.Column("rate_cm3_per_hour", sa.Float(), nullable=False),
        sa.Column("warmup_hours", sa.Float(), nullable=False),
        sa.Column("cooldown_hours", sa.Float(), nullable=False),
        sa.Column("setup_hours", sa.Float(), nullable=False),
        sa.Column("unload_hours", sa.Float(), nullable=False),
        sa.Column("rate_minor_per_hour", sa.Integer(), nullable=False),
        sa.Column("power_kw", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_machine_models")),
    )
    op.create_table(
        "materials",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("density_g_per_cm3", sa.Float(), nullable=False),
        sa.Column("bulk_density_g_per_cm3", sa.Float(), nullable=True),
        sa.Column("price_minor_per_kg", sa.Integer(), nullable=False),
        sa.Column("refresh_ratio", sa.Float(), nullable=True),
        sa.Column("support_fraction", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_materials")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=True),
        sa.Column("subject_type", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_events_event_id")),
    )
    op.create_index(
        "ix_outbox_events_unpublished",
        "outbox_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "places",
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("city_key", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("is_capital", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("country", "city_key", name=op.f("pk_places")),
    )
    op.create_table(
        "routing_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("planning_scope", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("snapshot_sha256", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("options", sa.Integer(), nullable=False),
        sa.Column("routed", sa.Integer(), nullable=False),
        sa.Column("no_route", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Integer(), nullable=False),
        sa.Column("cost_millis", sa.BigInteger(), nullable=False),
        sa.Column("bound_millis", sa.BigInteger(), nullable=False),
        sa.Column("gap", sa.Float(), nullable=False),
        sa.Column("landed_minor", sa.BigInteger(), nullable=False),
        sa.Column("baseline_landed_minor", sa.BigInteger(), nullable=False),
        sa.Column("baseline_no_route", sa.Integer(), nullable=False),
        sa.Column("both_lines", sa.Integer(), nullable=False),
        sa.Column("both_landed_minor", sa.BigInteger(), nullable=False),
        sa.Column("baseline_both_landed_minor", sa.BigInteger(), nullable=False),
        sa.Column("solve_ms", sa.Integer(), nullable=False),
        sa.Column("wall_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_runs")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_api_keys_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_organisation_id"), "api_keys", ["organisation_id"], unique=False)
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("working_days", sa.String(), nullable=False),
        sa.Column("cutoff_local", sa.String(), nullable=False),
        sa.Column("labour_minor_per_hour", sa.Integer(), nullable=False),
        sa.Column("grid_g_co2_per_kwh", sa.Float(), nullable=False),
        sa.Column("minimum_order_minor", sa.Integer(), nullable=False),
        sa.Column("minimum_order_policy", sa.String(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=False),
        sa.Column("on_time_score", sa.Float(), nullable=False),
        sa.Column("first_pass_yield", sa.Float(), nullable=False),
        sa.Column("packaging", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("export_permissions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("queue_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_nodes_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )
    op.create_index(op.f("ix_nodes_organisation_id"), "nodes", ["organisation_id"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("batch", sa.String(), nullable=True),
        sa.Column("objective", sa.String(), nullable=False),
        sa.Column("criticality", sa.String(), nullable=False),
        sa.Column("packaging", sa.String(), nullable=False),
        sa.Column("need_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("need_by_hard", sa.Boolean(), nullable=False),
        sa.Column("max_price_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("ship_to_name", sa.String(), nullable=False),
        sa.Column("ship_to_city", sa.String(), nullable=False),
        sa.Column("ship_to_country", sa.String(), nullable=False),
        sa.Column("ship_to_latitude", sa.Float(), nullable=False),
        sa.Column("ship_to_longitude", sa.Float(), nullable=False),
        sa.Column("ship_to_assumed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_orders_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_batch", "orders", ["organisation_id", "batch", "state"], unique=False)
    op.create_index("ix_orders_owner", "orders", ["organisation_id", "id"], unique=False)
    op.create_table(
        "parts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("criticality", sa.String(), nullable=False),
        sa.Column("hs_code", sa.String(), nullable=False),
        sa.Column("annual_demand", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_parts_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("organisation_id", "part_no", name=op.f("uq_parts_organisation_id_part_no")),
    )
    op.create_index(op.f("ix_parts_organisation_id"), "parts", ["organisation_id"], unique=False)
    op.create_table(
        "routing_decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_line_id", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=True),
        sa.Column("machine_id", sa.String(), nullable=True),
        sa.Column("landed_minor", sa.Integer(), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("co2e_g", sa.Integer(), nullable=True),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["routing_runs.id"], name=op.f("fk_routing_decisions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_decisions")),
    )
    op.create_index(op.f("ix_routing_decisions_order_id"), "routing_decisions", ["order_id"], unique=False)
    op.create_index(op.f("ix_routing_decisions_order_line_id"), "routing_decisions", ["order_line_id"], unique=False)
    op.create_table(
        "certificates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("scope_kind", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_certificates_dates_in_order")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_certificates_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_index(op.f("ix_certificates_node_id"), "certificates", ["node_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("order_line_id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=True),
        sa.Column("grams", sa.Integer(), nullable=False),
        sa.Column("machine_minutes", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=False),
        sa.Column("produce_by", sa.Date(), nullable=False),
        sa.Column("shipping_service", sa.String(), nullable=False),
        sa.Column("packaging", sa.String(), nullable=False),
        sa.Column("ship_to_city", sa.String(), nullable=False),
        sa.Column("ship_to_country", sa.String(), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_jobs_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_order_id"), "jobs", ["order_id"], unique=False)
    op.create_index("ix_jobs_queue", "jobs", ["node_id", "state", "id"], unique=False)
    op.create_index(
        "uq_jobs_one_live_dispatch",
        "jobs",
        ["order_line_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'failed')"),
    )
    op.create_table(
        "lanes",
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_lanes_node_id")),
        sa.PrimaryKeyConstraint("node_id", "zone", name=op.f("pk_lanes")),
    )
    op.create_table(
        "machines",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("utilisation", sa.Float(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["machine_models.model"], name=op.f("fk_machines_model")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_machines_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machines")),
    )
    op.create_index(op.f("ix_machines_node_id"), "machines", ["node_id"], unique=False)
    op.create_table(
        "material_lots",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("initial_grams", sa.Integer(), nullable=False),
        sa.Column("remaining_grams", sa.Integer(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reuse_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "remaining_grams >= 0 AND remaining_grams <= initial_grams",
            name=op.f("ck_material_lots_never_over_allocated"),
        ),
        sa.ForeignKeyConstraint(["material"], ["materials.code"], name=op.f("fk_material_lots_material")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_material_lots_node_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_lots")),
    )
    op.create_index("ix_material_lots_place", "material_lots", ["node_id", "material"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("planning_scope", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_id", sa.String(), nullable=True),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100000", name=op.f("ck_order_lines_quantity_in_range")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_lines_order_id_position")),
    )
    op.create_index(
        "ix_order_lines_no_route",
        "order_lines",
        ["planning_scope", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'no_route'"),
    )
    op.create_index(
        "ix_order_lines_open",
        "order_lines",
        ["planning_scope", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'routing')"),
    )
    op.create_index(op.f("ix_order_lines_order_id"), "order_lines", ["order_id"], unique=False)
    op.create_table(
        "part_revisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("box_x_mm", sa.Float(), nullable=False),
        sa.Column("box_y_mm", sa.Float(), nullable=False),
        sa.Column("box_z_mm", sa.Float(), nullable=False),
        sa.Column("volume_cm3", sa.Float(), nullable=False),
        sa.Column("process_materials", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("required_certificates", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("part_qualification", sa.Boolean(), nullable=False),
        sa.Column("export_class", sa.String(), nullable=False),
        sa.Column("ip_zone", sa.String(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "box_x_mm > 0 AND box_y_mm > 0 AND box_z_mm > 0 AND volume_cm3 > 0",
            name=op.f("ck_part_revisions_positive_size"),
        ),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_revisions_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_revisions")),
        sa.UniqueConstraint("part_id", "revision", name=op.f("uq_part_revisions_part_id_revision")),
    )
    op.create_index(op.f("ix_part_revisions_part_id"), "part_revisions", ["part_id"], unique=False)
    op.create_index(
        "uq_part_revisions_one_released",
        "part_revisions",
        ["part_id"],
        unique=True,
        postgresql_where=sa.text("state = 'released'"),
    )
    op.create_table(
        "capacity_slots",
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("initial_minutes", sa.Integer(), nullable=False),
        sa.Column("remaining_minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "remaining_minutes >= 0 AND remaining_minutes <= initial_minutes",
            name=op.f("ck_capacity_slots_never_over_allocated"),
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_capacity_slots_machine_id")),
        sa.PrimaryKeyConstraint("machine_id", "day", name=op.f("pk_capacity_slots")),
    )
    op.create_table(
        "first_articles",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("last_production_on", sa.Date(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_first_articles_machine_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_first_articles_node_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["part_revisions.id"], name=op.f("fk_first_articles_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_articles")),
        sa.UniqueConstraint(
            "revision_id",
            "machine_id",
            "material",
            "parameter_set",
            name=op.f("uq_first_articles_revision_id_machine_id_material_parameter_set"),
        ),
    )
    op.create_index(op.f("ix_first_articles_revision_id"), "first_articles", ["revision_id"], unique=False)
    op.create_table(
        "machine_offers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("parameter_set_state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_machine_offers_machine_id")),
        sa.ForeignKeyConstraint(["material"], ["materials.code"], name=op.f("fk_machine_offers_material")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_offers")),
        sa.UniqueConstraint(
            "machine_id", "material", "parameter_set", name=op.f("uq_machine_offers_machine_id_material_parameter_set")
        ),
    )
    op.create_index(op.f("ix_machine_offers_machine_id"), "machine_offers", ["machine_id"], unique=False)
    op.create_table(
        "material_allocations",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("lot_id", sa.String(), nullable=False),
        sa.Column("grams", sa.Integer(), nullable=False),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("grams > 0", name=op.f("ck_material_allocations_positive_grams")),
        sa.ForeignKeyConstraint(["lot_id"], ["material_lots.id"], name=op.f("fk_material_allocations_lot_id")),
        sa.PrimaryKeyConstraint("job_id", "lot_id", name=op.f("pk_material_allocations")),
    )
    op.create_index(op.f("ix_material_allocations_lot_id"), "material_allocations", ["lot_id"], unique=False)
    op.create_table(
        "print_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("box_x_mm", sa.Float(), nullable=False),
        sa.Column("box_y_mm", sa.Float(), nullable=False),
        sa.Column("box_z_mm", sa.Float(), nullable=False),
        sa.Column("volume_cm3", sa.Float(), nullable=False),
        sa.Column("triangles", sa.Integer(), nullable=False),
        sa.Column("validated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["revision_id"], ["part_revisions.id"], name=op.f("fk_print_files_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_files")),
        sa.UniqueConstraint("revision_id", name=op.f("uq_print_files_revision_id")),
    )
    op.create_index(op.f("ix_print_files_sha256"), "print_files", ["sha256"], unique=False)

    op.execute(APPEND_ONLY_AUDIT)


def downgrade() -> None:
    op.drop_index(op.f("ix_print_files_sha256"), table_name="print_files")
    op.drop_table("print_files")
    op.drop_index(op.f("ix_material_allocations_lot_id"), table_name="material_allocations")
    op.drop_table("material_allocations")
    op.drop_index(op.f("ix_machine_offers_machine_id"), table_name="machine_offers")
    op.drop_table("machine_offers")
    op.drop_index(op.f("ix_first_articles_revision_id"), table_name="first_articles")
    op.drop_table("first_articles")
    op.drop_table("capacity_slots")
    op.drop_index(
        "uq_part_revisions_one_released", table_name="part_revisions", postgresql_where=sa.text("state = 'released'")
    )
    op.drop_index(op.f("ix_part_revisions_part_id"), table_name="part_revisions")
    op.drop_table("part_revisions")
    op.drop_index(op.f("ix_order_lines_order_id"), table_name="order_lines")
    op.drop_index(
        "ix_order_lines_open", table_name="order_lines", postgresql_where=sa.text("state IN ('pending', 'routing')")
    )
    op.drop_index("ix_order_lines_no_route", table_name="order_lines", postgresql_where=sa.text("state = 'no_route'"))
    op.drop_table("order_lines")
    op.drop_index("ix_material_lots_place", table_name="material_lots")
    op.drop_table("material_lots")
    op.drop_index(op.f("ix_machines_node_id"), table_name="machines")
    op.drop_table("machines")
    op.drop_table("lanes")
    op.drop_index(
        "uq_jobs_one_live_dispatch",
        table_name="jobs",
        postgresql_where=sa.text("state NOT IN ('cancelled', 'declined', 'failed')"),
    )
    op.drop_index("ix_jobs_queue", table_name="jobs")
    op.drop_index(op.f("ix_jobs_order_id"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_certificates_node_id"), table_name="certificates")
    op.drop_table("certificates")
    op.drop_index(op.f("ix_routing_decisions_order_line_id"), table_name="routing_decisions")
    op.drop_index(op.f("ix_routing_decisions_order_id"), table_name="routing_decisions")
    op.drop_table("routing_decisions")
    op.drop_index(op.f("ix_parts_organisation_id"), table_name="parts")
    op.drop_table("parts")
    op.drop_index("ix_orders_owner", table_name="orders")
    op.drop_index("ix_orders_batch", table_name="orders")
    op.drop_table("orders")
    op.drop_index(op.f("ix_nodes_organisation_id"), table_name="nodes")
    op.drop_table("nodes")
    op.drop_index(op.f("ix_api_keys_organisation_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("routing_runs")
    op.drop_table("places")
    op.drop_index(
        "ix_outbox_events_unpublished", table_name="outbox_events", postgresql_where=sa.text("published_at IS NULL")
    )
    op.drop_table("outbox_events")
    op.drop_table("organisations")
    op.drop_table("materials")
    op.drop_table("machine_models")
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("duty_rules")
    op.drop_table("carrier_tariffs")
    op.drop_table("carbon_factors")
    op.drop_index(
        "ix_capacity_allocations_slot",
        table_name="capacity_allocations",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_table("capacity_allocations")
    op.drop_index("ix_audit_entries_subject", table_name="audit_entries")
    op.drop_table("audit_entries")
