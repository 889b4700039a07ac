"""Files that can be trusted"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0002"
down_revision = "20261122_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset_positions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_asset_positions_organisation_id")
        ),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_asset_positions_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_positions")),
        sa.UniqueConstraint(
            "organisation_id",
            "asset",
            "position",
            "part_id",
            name=op.f("uq_asset_positions_organisation_id_asset_position_part_id"),
        ),
    )
    op.create_index(op.f("ix_asset_positions_part_id"), "asset_positions", ["part_id"], unique=False)
    op.create_table(
        "part_aliases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_part_aliases_organisation_id")
        ),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_aliases_part_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_aliases")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_part_aliases_organisation_id_number")),
    )
    op.create_index(op.f("ix_part_aliases_part_id"), "part_aliases", ["part_id"], unique=False)
    op.create_table(
        "file_tickets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_sha256", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_file_tickets_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_tickets")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_file_tickets_token_sha256")),
    )
    op.create_index(op.f("ix_file_tickets_job_id"), "file_tickets", ["job_id"], unique=False)
    op.create_table(
        "job_evidence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_evidence_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_evidence")),
    )
    op.create_index(op.f("ix_job_evidence_job_id"), "job_evidence", ["job_id"], unique=False)
    op.create_table(
        "print_file_submissions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("canonical_sha256", sa.String(), nullable=True),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_print_file_submissions_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["part_revisions.id"], name=op.f("fk_print_file_submissions_revision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_file_submissions")),
    )
    op.create_index(
        "ix_print_file_submissions_due",
        "print_file_submissions",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'validating')"),
    )
    op.create_index(
        "ix_print_file_submissions_revision", "print_file_submissions", ["revision_id", "submitted_at"], unique=False
    )
    op.create_table(
        "print_licences",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("granted_prints", sa.Integer(), nullable=False),
        sa.Column("good_prints", sa.Integer(), nullable=False),
        sa.Column("leased_prints", sa.Integer(), nullable=False),
        sa.Column("node_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "good_prints >= 0 AND leased_prints >= 0 AND good_prints + leased_prints <= granted_prints",
            name=op.f("ck_print_licences_never_over_granted"),
        ),
        sa.CheckConstraint("granted_prints > 0", name=op.f("ck_print_licences_grants_something")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_print_licences_organisation_id")
        ),
        sa.ForeignKeyConstraint(["revision_id"], ["part_revisions.id"], name=op.f("fk_print_licences_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_licences")),
    )
    op.create_index(op.f("ix_print_licences_revision_id"), "print_licences", ["revision_id"], unique=False)
    op.create_table(
        "revision_documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["part_revisions.id"], name=op.f("fk_revision_documents_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision_documents")),
        sa.UniqueConstraint("revision_id", "name", name=op.f("uq_revision_documents_revision_id_name")),
    )
    op.create_table(
        "print_licence_leases",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("licence_id", sa.String(), nullable=False),
        sa.Column("prints", sa.Integer(), nullable=False),
        sa.Column("good_prints", sa.Integer(), nullable=False),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "good_prints >= 0 AND good_prints <= prints", name=op.f("ck_print_licence_leases_never_over_leased")
        ),
        sa.CheckConstraint("prints > 0", name=op.f("ck_print_licence_leases_holds_something")),
        sa.ForeignKeyConstraint(["licence_id"], ["print_licences.id"], name=op.f("fk_print_licence_leases_licence_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_print_licence_leases")),
    )
    op.create_index(op.f("ix_print_licence_leases_licence_id"), "print_licence_leases", ["licence_id"], unique=False)
    op.create_table(
        "print_records",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=True),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["job_evidence.id"], name=op.f("fk_print_records_evidence_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_print_records_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_print_records")),
    )
    op.create_table(
        "reprint_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("print_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["job_evidence.id"], name=op.f("fk_reprint_requests_evidence_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_reprint_requests_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reprint_requests")),
        sa.UniqueConstraint("job_id", "print_number", name=op.f("uq_reprint_requests_job_id_print_number")),
    )
    op.create_index(op.f("ix_reprint_requests_job_id"), "reprint_requests", ["job_id"], unique=False)
    op.add_column("certificates", sa.Column("machine_id", sa.String(), nullable=True))
    op.add_column("certificates", sa.Column("parameter_set", sa.String(), nullable=True))
    op.add_column("certificates", sa.Column("number", sa.String(), nullable=False, server_default=""))
    op.add_column("certificates", sa.Column("issuer", sa.String(), nullable=False, server_default=""))
    op.add_column("certificates", sa.Column("evidence_sha256", sa.String(), nullable=True))
    op.add_column("certificates", sa.Column("evidence_name", sa.String(), nullable=False, server_default=""))
    op.add_column("certificates", sa.Column("evidence_media_type", sa.String(), nullable=False, server_default=""))
    op.add_column("certificates", sa.Column("submitted_by", sa.String(), nullable=False, server_default=""))
    op.add_column("certificates", sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("certificates", sa.Column("verified_by", sa.String(), nullable=True))
    op.add_column("certificates", sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("certificates", sa.Column("revoked_by", sa.String(), nullable=True))
    op.add_column("certificates", sa.Column("revocation_reason", sa.String(), nullable=False, server_default=""))
    op.create_foreign_key(op.f("fk_certificates_machine_id"), "certificates", "machines", ["machine_id"], ["id"])
    op.add_column("first_articles", sa.Column("approved_by", sa.String(), nullable=False, server_default=""))
    op.add_column("first_articles", sa.Column("evidence_sha256", sa.String(), nullable=True))
    op.add_column("first_articles", sa.Column("evidence_name", sa.String(), nullable=False, server_default=""))
    op.add_column("first_articles", sa.Column("evidence_media_type", sa.String(), nullable=False, server_default=""))
    op.add_column("first_articles", sa.Column("note", sa.String(), nullable=False, server_default=""))
    op.add_column("first_articles", sa.Column("revoked_by", sa.String(), nullable=True))
    op.add_column("first_articles", sa.Column("revocation_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("accepted_by", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("held_from", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("held_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("file_released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("good_prints", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("failed_prints", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("granted_reprints", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_jobs_held", "jobs", ["id"], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.add_column(
        "part_revisions", sa.Column("parameter_sets", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.add_column("part_revisions", sa.Column("qualified_orientation", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("inspection_level", sa.String(), nullable=False, server_default="visual"))
    op.add_column(
        "part_revisions",
        sa.Column("inspection_plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="[]"),
    )
    op.add_column("part_revisions", sa.Column("packaging", sa.String(), nullable=False, server_default="plain"))
    op.add_column(
        "part_revisions", sa.Column("ip_countries", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.add_column(
        "part_revisions", sa.Column("ip_nodes", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.add_column(
        "part_revisions", sa.Column("ip_kinds", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.add_column("part_revisions", sa.Column("ip_share_cap", sa.Float(), nullable=True))
    op.add_column(
        "part_revisions", sa.Column("licence_required", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("part_revisions", sa.Column("size_is_stated", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("part_revisions", sa.Column("created_by", sa.String(), nullable=False, server_default=""))
    op.add_column("part_revisions", sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("part_revisions", sa.Column("approved_by", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("part_revisions", sa.Column("approval_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("part_revisions", sa.Column("approved_sha256", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("released_by", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("release_statement", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("release_signature", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("release_public_key", sa.String(), nullable=True))
    op.add_column("part_revisions", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("part_revisions", "box_x_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=True)
    op.alter_column("part_revisions", "box_y_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=True)
    op.alter_column("part_revisions", "box_z_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=True)
    op.alter_column("part_revisions", "volume_cm3", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=True)
    op.add_column("parts", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("print_files", sa.Column("submission_id", sa.String(), nullable=True))
    op.add_column("print_files", sa.Column("source_sha256", sa.String(), nullable=True))
    op.add_column("print_files", sa.Column("area_cm2", sa.Float(), nullable=True))
    op.add_column("print_files", sa.Column("bodies", sa.Integer(), nullable=True))
    op.add_column("print_files", sa.Column("thinnest_wall_mm", sa.Float(), nullable=True))
    op.add_column("print_files", sa.Column("shape", postgresql.ARRAY(sa.Double()), nullable=False, server_default="{}"))
    op.add_column("print_files", sa.Column("preview_sha256", sa.String(), nullable=True))
    op.add_column("print_files", sa.Column("model_sha256", sa.String(), nullable=True))
    op.alter_column(
        "print_files", "size_bytes", existing_type=sa.INTEGER(), type_=sa.BigInteger(), existing_nullable=False
    )
    op.create_index(op.f("ix_print_files_source_sha256"), "print_files", ["source_sha256"], unique=False)


def downgrade() -> None:
    # Revisions that were never measured have no place in the older tables.
    op.execute(
        "UPDATE part_revisions SET box_x_mm = 1, box_y_mm = 1, box_z_mm = 1, volume_cm3 = 0.001"
        " WHERE box_x_mm IS NULL OR box_y_mm IS NULL OR box_z_mm IS NULL OR volume_cm3 IS NULL"
    )
    op.drop_index(op.f("ix_print_files_source_sha256"), table_name="print_files")
    op.alter_column(
        "print_files", "size_bytes", existing_type=sa.BigInteger(), type_=sa.INTEGER(), existing_nullable=False
    )
    op.drop_column("print_files", "model_sha256")
    op.drop_column("print_files", "preview_sha256")
    op.drop_column("print_files", "shape")
    op.drop_column("print_files", "thinnest_wall_mm")
    op.drop_column("print_files", "bodies")
    op.drop_column("print_files", "area_cm2")
    op.drop_column("print_files", "source_sha256")
    op.drop_column("print_files", "submission_id")
    op.drop_column("parts", "version")
    op.alter_column("part_revisions", "volume_cm3", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=False)
    op.alter_column("part_revisions", "box_z_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=False)
    op.alter_column("part_revisions", "box_y_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=False)
    op.alter_column("part_revisions", "box_x_mm", existing_type=sa.DOUBLE_PRECISION(precision=53), nullable=False)
    op.drop_column("part_revisions", "version")
    op.drop_column("part_revisions", "release_public_key")
    op.drop_column("part_revisions", "release_signature")
    op.drop_column("part_revisions", "release_statement")
    op.drop_column("part_revisions", "released_by")
    op.drop_column("part_revisions", "approved_sha256")
    op.drop_column("part_revisions", "approval_reason")
    op.drop_column("part_revisions", "approved_at")
    op.drop_column("part_revisions", "approved_by")
    op.drop_column("part_revisions", "created_at")
    op.drop_column("part_revisions", "created_by")
    op.drop_column("part_revisions", "size_is_stated")
    op.drop_column("part_revisions", "licence_required")
    op.drop_column("part_revisions", "ip_share_cap")
    op.drop_column("part_revisions", "ip_kinds")
    op.drop_column("part_revisions", "ip_nodes")
    op.drop_column("part_revisions", "ip_countries")
    op.drop_column("part_revisions", "packaging")
    op.drop_column("part_revisions", "inspection_plan")
    op.drop_column("part_revisions", "inspection_level")
    op.drop_column("part_revisions", "qualified_orientation")
    op.drop_column("part_revisions", "parameter_sets")
    op.drop_index("ix_jobs_held", table_name="jobs", postgresql_where=sa.text("state = 'held'"))
    op.drop_column("jobs", "granted_reprints")
    op.drop_column("jobs", "failed_prints")
    op.drop_column("jobs", "good_prints")
    op.drop_column("jobs", "file_released_at")
    op.drop_column("jobs", "held_reason")
    op.drop_column("jobs", "held_at")
    op.drop_column("jobs", "held_from")
    op.drop_column("jobs", "accepted_by")
    op.drop_column("jobs", "accepted_at")
    op.drop_column("jobs", "fence")
    op.drop_column("first_articles", "revocation_reason")
    op.drop_column("first_articles", "revoked_by")
    op.drop_column("first_articles", "note")
    op.drop_column("first_articles", "evidence_media_type")
    op.drop_column("first_articles", "evidence_name")
    op.drop_column("first_articles", "evidence_sha256")
    op.drop_column("first_articles", "approved_by")
    op.drop_constraint(op.f("fk_certificates_machine_id"), "certificates", type_="foreignkey")
    op.drop_column("certificates", "revocation_reason")
    op.drop_column("certificates", "revoked_by")
    op.drop_column("certificates", "verified_at")
    op.drop_column("certificates", "verified_by")
    op.drop_column("certificates", "submitted_at")
    op.drop_column("certificates", "submitted_by")
    op.drop_column("certificates", "evidence_media_type")
    op.drop_column("certificates", "evidence_name")
    op.drop_column("certificates", "evidence_sha256")
    op.drop_column("certificates", "issuer")
    op.drop_column("certificates", "number")
    op.drop_column("certificates", "parameter_set")
    op.drop_column("certificates", "machine_id")
    op.drop_index(op.f("ix_reprint_requests_job_id"), table_name="reprint_requests")
    op.drop_table("reprint_requests")
    op.drop_table("print_records")
    op.drop_index(op.f("ix_print_licence_leases_licence_id"), table_name="print_licence_leases")
    op.drop_table("print_licence_leases")
    op.drop_table("revision_documents")
    op.drop_index(op.f("ix_print_licences_revision_id"), table_name="print_licences")
    op.drop_table("print_licences")
    op.drop_index("ix_print_file_submissions_revision", table_name="print_file_submissions")
    op.drop_index(
        "ix_print_file_submissions_due",
        table_name="print_file_submissions",
        postgresql_where=sa.text("state IN ('queued', 'validating')"),
    )
    op.drop_table("print_file_submissions")
    op.drop_index(op.f("ix_job_evidence_job_id"), table_name="job_evidence")
    op.drop_table("job_evidence")
    op.drop_index(op.f("ix_file_tickets_job_id"), table_name="file_tickets")
    op.drop_table("file_tickets")
    op.drop_index(op.f("ix_part_aliases_part_id"), table_name="part_aliases")
    op.drop_table("part_aliases")
    op.drop_index(op.f("ix_asset_positions_part_id"), table_name="asset_positions")
    op.drop_table("asset_positions")
