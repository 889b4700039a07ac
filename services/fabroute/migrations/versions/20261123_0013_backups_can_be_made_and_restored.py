"""Backups: the owner's role can dump every row, and a feed says where a restore broke it.

What policies ask for named its tables without their schema: ``pg_dump``, which works with an empty search path, could
not read a single tenant table.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "20261123_0013"
down_revision = "20261123_0012"
branch_labels = None
depends_on = None
serves = "20261123_0012"
"""The oldest revision whose code works on this schema: ``CONTRIBUTING.md``, Migrations."""

_TENANT = "current_setting('fabroute.tenant', true)"
_MINE = f"n.organisation_id = {_TENANT}"
_AT_MY_NODES = "j.node_id = ANY (public.fabroute_my_nodes())"

_FUNCTIONS: Mapping[str, str] = {
    "fabroute_my_nodes() RETURNS text[]": f"ARRAY(SELECT n.id FROM public.nodes n WHERE {_MINE})",
    "fabroute_my_machines() RETURNS text[]": (
        f"ARRAY(SELECT m.id FROM public.nodes n JOIN public.machines m ON m.node_id = n.id WHERE {_MINE})"
    ),
    "fabroute_my_lots() RETURNS text[]": (
        f"ARRAY(SELECT l.id FROM public.nodes n JOIN public.material_lots l ON l.node_id = n.id WHERE {_MINE})"
    ),
    "fabroute_owns_parts() RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.organisations o WHERE o.id = {_TENANT} AND o.kind = 'owner')"
    ),
    "fabroute_owns_order(the_order text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.orders o WHERE o.id = the_order AND o.organisation_id = {_TENANT})"
    ),
    "fabroute_owns_part(the_part text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.parts p WHERE p.id = the_part AND p.organisation_id = {_TENANT})"
    ),
    "fabroute_owns_revision(the_revision text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.part_revisions r JOIN public.parts p ON p.id = r.part_id"
        f" WHERE r.id = the_revision AND p.organisation_id = {_TENANT})"
    ),
    "fabroute_sees_revision(the_revision text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.part_revisions r WHERE r.id = the_revision)"
    ),
    "fabroute_sees_line(the_line text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.order_lines l WHERE l.id = the_line)"
    ),
    "fabroute_sees_job(the_job text) RETURNS boolean": "EXISTS (SELECT 1 FROM public.jobs j WHERE j.id = the_job)",
    "fabroute_holds_prints(the_licence text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.print_licence_leases l WHERE l.licence_id = the_licence)"
    ),
    "fabroute_sees_shipment(the_shipment text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.shipments s WHERE s.id = the_shipment)"
    ),
    "fabroute_sees_lot(the_lot text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.material_lots l WHERE l.id = the_lot)"
    ),
    "fabroute_sees_build(the_build text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.build_parts p WHERE p.build_id = the_build)"
    ),
    "fabroute_sees_report(the_report text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.readiness_reports r WHERE r.id = the_report)"
    ),
    "fabroute_sees_screening(the_screening text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.screenings s WHERE s.id = the_screening)"
    ),
    "fabroute_decided_in(the_run text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.routing_decisions d WHERE d.run_id = the_run)"
    ),
    "fabroute_prints_order(the_order text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.jobs j WHERE j.order_id = the_order AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_line(the_line text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.jobs j WHERE j.order_line_id = the_line AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_revision(the_revision text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.jobs j WHERE j.revision_id = the_revision AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_part(the_owner text, the_part_no text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.jobs j WHERE j.organisation_id = the_owner AND j.part_no = the_part_no"
        f" AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_for(the_owner text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM public.jobs j WHERE j.organisation_id = the_owner AND {_AT_MY_NODES})"
    ),
    "fabroute_draws_from(the_lot text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM public.jobs j WHERE j.lot_id = the_lot)"
    ),
    "fabroute_sees_recall(the_lots jsonb) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text(the_lots) AS lot (id) WHERE"
        " EXISTS (SELECT 1 FROM public.jobs j WHERE j.lot_id = lot.id)"
        " OR EXISTS (SELECT 1 FROM public.builds b WHERE b.lot_id = lot.id))"
    ),
}
"""As before, but that each table is named with its schema."""

# The role that serves requests reads where feeds broke; only who restores writes it.
READ_ONLY = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_rw') THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON feed_breaks FROM app_rw;
  END IF;
END $$
"""


def upgrade() -> None:
    _replace_functions(schema="public.")
    op.create_table(
        "feed_breaks",
        sa.Column("next_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("next_position", name=op.f("pk_feed_breaks")),
    )
    op.execute(READ_ONLY)


def downgrade() -> None:
    op.drop_table("feed_breaks")
    _replace_functions(schema="")


def _replace_functions(*, schema: str) -> None:
    for signature, found in _FUNCTIONS.items():
        body = found.replace("public.", schema)
        op.execute(
            f"CREATE OR REPLACE FUNCTION {signature} LANGUAGE plpgsql STABLE PARALLEL SAFE"
            f" AS $$BEGIN RETURN {body}; END$$"
        )
