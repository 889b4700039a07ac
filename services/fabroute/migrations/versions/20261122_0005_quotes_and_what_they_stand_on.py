"""Quotes and what they stand on"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0005"
down_revision = "20261122_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("per_eur", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("per_eur > 0", name=op.f("ck_exchange_rates_positive")),
        sa.PrimaryKeyConstraint("currency", "valid_from", name=op.f("pk_exchange_rates")),
    )
    op.create_table(
        "grid_intensities",
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("g_per_kwh", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("g_per_kwh >= 0", name=op.f("ck_grid_intensities_not_negative")),
        sa.PrimaryKeyConstraint("country", "valid_from", name=op.f("pk_grid_intensities")),
    )
    op.create_table(
        "quotes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("criticality", sa.String(), nullable=False),
        sa.Column("packaging", sa.String(), nullable=False),
        sa.Column("need_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("need_by_hard", sa.Boolean(), nullable=False),
        sa.Column("max_price_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("per_eur", sa.Float(), nullable=False),
        sa.Column("ship_to_city", sa.String(), nullable=False),
        sa.Column("ship_to_country", sa.String(), nullable=False),
        sa.Column("ship_to_latitude", sa.Float(), nullable=False),
        sa.Column("ship_to_longitude", sa.Float(), nullable=False),
        sa.Column("ship_to_assumed", sa.Boolean(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_quotes_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
    )
    op.create_index("ix_quotes_owner", "quotes", ["organisation_id", "id"], unique=False)
    op.create_table(
        "screenings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Integer(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_screenings_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screenings")),
    )
    op.create_index(
        "ix_screenings_open", "screenings", ["id"], unique=False, postgresql_where="state IN ('queued', 'running')"
    )
    op.create_index("ix_screenings_owner", "screenings", ["organisation_id", "id"], unique=False)
    op.create_table(
        "node_rates",
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("stated_by", sa.String(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_node_rates_not_negative")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name=op.f("fk_node_rates_node_id")),
        sa.PrimaryKeyConstraint("node_id", "code", "subject", "valid_from", name=op.f("pk_node_rates")),
    )
    op.create_table(
        "screening_rows",
        sa.Column("screening_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("part_no", sa.String(), nullable=False),
        sa.Column("given", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("yearly_saving_minor", sa.BigInteger(), nullable=True),
        sa.Column("judgement", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["screening_id"], ["screenings.id"], name=op.f("fk_screening_rows_screening_id")),
        sa.PrimaryKeyConstraint("screening_id", "position", name=op.f("pk_screening_rows")),
    )
    op.create_index(
        "ix_screening_rows_ranked", "screening_rows", ["screening_id", "yearly_saving_minor", "position"], unique=False
    )
    op.create_table(
        "build_times",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("height_mm", sa.Float(), nullable=False),
        sa.Column("printed_cm3", sa.Float(), nullable=False),
        sa.Column("machine_minutes", sa.Integer(), nullable=False),
        sa.Column("estimated_minutes", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawal_reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "machine_minutes > 0 AND estimated_minutes > 0 AND parts > 0", name=op.f("ck_build_times_positive")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_build_times_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_build_times")),
    )
    op.create_index("ix_build_times_learnt_from", "build_times", ["machine_id", "parameter_set"], unique=False)
    op.create_index("ix_jobs_learnt_from", "jobs", ["machine_id", "parameter_set"], unique=False)
    op.create_table(
        "calibrations",
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("parameter_set", sa.String(), nullable=False),
        sa.Column("builds", sa.Integer(), nullable=False),
        sa.Column("log_ratio_sum", sa.Float(), nullable=False),
        sa.Column("log_ratio_sum_squares", sa.Float(), nullable=False),
        sa.Column("good_prints", sa.Integer(), nullable=False),
        sa.Column("failed_prints", sa.Integer(), nullable=False),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "builds >= 0 AND good_prints >= 0 AND failed_prints >= 0", name=op.f("ck_calibrations_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_calibrations_machine_id")),
        sa.PrimaryKeyConstraint("machine_id", "parameter_set", name=op.f("pk_calibrations")),
    )
    _keep_editions_of_carbon_factors()
    _turn_prices_into_bands()
    op.alter_column("nodes", "grid_g_co2_per_kwh", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=True)
    op.add_column("orders", sa.Column("quote_id", sa.String(), nullable=True))
    op.add_column("orders", sa.Column("quoted_offer", sa.String(), nullable=True))
    op.add_column("orders", sa.Column("agreed_price_minor", sa.Integer(), nullable=True))
    op.add_column("orders", sa.Column("agreed_arrival", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_orders_quote_id"), "orders", ["quote_id"])
    op.create_foreign_key(op.f("fk_orders_quote_id"), "orders", "quotes", ["quote_id"], ["id"])
    op.add_column("parts", sa.Column("conventional_unit_minor", sa.Integer(), nullable=True))
    op.add_column("parts", sa.Column("conventional_tooling_minor", sa.Integer(), nullable=True))
    op.add_column("parts", sa.Column("conventional_minimum_quantity", sa.Integer(), nullable=True))
    op.add_column("parts", sa.Column("conventional_lead_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("parts", "conventional_lead_days")
    op.drop_column("parts", "conventional_minimum_quantity")
    op.drop_column("parts", "conventional_tooling_minor")
    op.drop_column("parts", "conventional_unit_minor")
    op.drop_constraint(op.f("fk_orders_quote_id"), "orders", type_="foreignkey")
    op.drop_constraint(op.f("uq_orders_quote_id"), "orders", type_="unique")
    op.drop_column("orders", "agreed_arrival")
    op.drop_column("orders", "agreed_price_minor")
    op.drop_column("orders", "quoted_offer")
    op.drop_column("orders", "quote_id")
    op.execute("UPDATE nodes SET grid_g_co2_per_kwh = 475 WHERE grid_g_co2_per_kwh IS NULL")
    op.alter_column("nodes", "grid_g_co2_per_kwh", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=False)
    _turn_bands_into_prices()
    _keep_one_edition_of_carbon_factors()
    op.drop_table("calibrations")
    op.drop_index("ix_jobs_learnt_from", table_name="jobs")
    op.drop_index("ix_build_times_learnt_from", table_name="build_times")
    op.drop_table("build_times")
    op.drop_index("ix_screening_rows_ranked", table_name="screening_rows")
    op.drop_table("screening_rows")
    op.drop_table("node_rates")
    op.drop_index("ix_screenings_owner", table_name="screenings")
    op.drop_index("ix_screenings_open", table_name="screenings", postgresql_where="state IN ('queued', 'running')")
    op.drop_table("screenings")
    op.drop_index("ix_quotes_owner", table_name="quotes")
    op.drop_table("quotes")
    op.drop_table("grid_intensities")
    op.drop_table("exchange_rates")


def _keep_editions_of_carbon_factors() -> None:
    op.execute(
        "ALTER TABLE carbon_factors ADD COLUMN valid_from date NOT NULL DEFAULT '2010-01-01',"
        " ADD COLUMN valid_to date NOT NULL DEFAULT '2099-12-31', DROP CONSTRAINT pk_carbon_factors,"
        " ADD CONSTRAINT pk_carbon_factors PRIMARY KEY (mode, valid_from)"
    )
    op.execute("ALTER TABLE carbon_factors ALTER valid_from DROP DEFAULT, ALTER valid_to DROP DEFAULT")


def _keep_one_edition_of_carbon_factors() -> None:
    op.execute(
        "DELETE FROM carbon_factors older USING carbon_factors newer"
        " WHERE newer.mode = older.mode AND newer.valid_from > older.valid_from"
    )
    op.execute(
        "ALTER TABLE carbon_factors DROP CONSTRAINT pk_carbon_factors, DROP COLUMN valid_from, DROP COLUMN valid_to,"
        " ADD CONSTRAINT pk_carbon_factors PRIMARY KEY (mode)"
    )


def _turn_prices_into_bands() -> None:
    op.execute(
        "ALTER TABLE carrier_tariffs ADD COLUMN carrier varchar NOT NULL DEFAULT 'reference', ADD COLUMN bands jsonb,"
        " ADD COLUMN transit jsonb, ADD COLUMN minimum_minor integer NOT NULL DEFAULT 0"
    )
    # Half of the parcels by the median day, 45 % more by the late one, the rest a day after it.
    op.execute(
        "UPDATE carrier_tariffs SET"
        " bands = jsonb_build_array(jsonb_build_object("
        "'up_to_grams', NULL, 'base_minor', base_minor, 'per_kg_minor', per_kg_minor)),"
        " transit = CASE WHEN transit_p50_days = transit_p95_days"
        " THEN jsonb_build_array(jsonb_build_array(transit_p50_days, 950), jsonb_build_array(transit_p50_days + 1, 50))"
        " ELSE jsonb_build_array(jsonb_build_array(transit_p50_days, 500), jsonb_build_array(transit_p95_days, 450),"
        " jsonb_build_array(transit_p95_days + 1, 50)) END"
    )
    op.execute(
        "ALTER TABLE carrier_tariffs ALTER carrier DROP DEFAULT, ALTER minimum_minor DROP DEFAULT,"
        " ALTER bands SET NOT NULL, ALTER transit SET NOT NULL, DROP CONSTRAINT pk_carrier_tariffs,"
        " ADD CONSTRAINT pk_carrier_tariffs PRIMARY KEY (carrier, zone, service, valid_from),"
        " ADD CONSTRAINT ck_carrier_tariffs_begins_before_it_ends CHECK (valid_from <= valid_to),"
        " ADD CONSTRAINT ck_carrier_tariffs_minimum_not_negative CHECK (minimum_minor >= 0),"
        " DROP COLUMN base_minor, DROP COLUMN per_kg_minor, DROP COLUMN transit_p50_days, DROP COLUMN transit_p95_days"
    )


def _turn_bands_into_prices() -> None:
    # The old table has one carrier and one price for all weights: the first carrier by name, its heaviest band.
    op.execute(
        "DELETE FROM carrier_tariffs other USING carrier_tariffs kept WHERE kept.zone = other.zone"
        " AND kept.service = other.service AND kept.valid_from = other.valid_from AND kept.carrier < other.carrier"
    )
    op.execute(
        "ALTER TABLE carrier_tariffs ADD COLUMN base_minor integer, ADD COLUMN per_kg_minor integer,"
        " ADD COLUMN transit_p50_days integer, ADD COLUMN transit_p95_days integer"
    )
    op.execute(
        "UPDATE carrier_tariffs SET base_minor = (bands->-1->>'base_minor')::int,"
        " per_kg_minor = (bands->-1->>'per_kg_minor')::int, transit_p50_days = (transit->0->>0)::int,"
        " transit_p95_days = (transit->(GREATEST(jsonb_array_length(transit) - 2, 0))->>0)::int"
    )
    op.execute(
        "ALTER TABLE carrier_tariffs DROP CONSTRAINT pk_carrier_tariffs,"
        " DROP CONSTRAINT ck_carrier_tariffs_begins_before_it_ends,"
        " DROP CONSTRAINT ck_carrier_tariffs_minimum_not_negative,"
        " DROP COLUMN carrier, DROP COLUMN bands, DROP COLUMN transit, DROP COLUMN minimum_minor,"
        " ALTER base_minor SET NOT NULL, ALTER per_kg_minor SET NOT NULL, ALTER transit_p50_days SET NOT NULL,"
        " ALTER transit_p95_days SET NOT NULL,"
        " ADD CONSTRAINT pk_carrier_tariffs PRIMARY KEY (zone, service, valid_from)"
    )
