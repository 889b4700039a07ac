"""Row-level security: the database shows a tenant its own rows, whatever a query forgets to ask.

Each transaction says whose rows it may touch (``fabroute.tenant``, ``fabroute.database.tenancy``). What a policy has to
look up stands in functions: a plan then doesn't hold the plans of all policies that stand behind it (which took a
hundred times as long), and where the first condition holds they are not called.
"""

from collections.abc import Mapping

from alembic import op

revision = "20261123_0012"
down_revision = "20261123_0011"
branch_labels = None
depends_on = None

_TENANT = "current_setting('fabroute.tenant', true)"
_EVERYONE = f"{_TENANT} = '*'"
_ANYONE = f"{_TENANT} <> ''"
_MINE = f"n.organisation_id = {_TENANT}"
_AT_MY_NODES = "j.node_id = ANY (fabroute_my_nodes())"

_FUNCTIONS: Mapping[str, str] = {
    "fabroute_my_nodes() RETURNS text[]": f"ARRAY(SELECT n.id FROM nodes n WHERE {_MINE})",
    "fabroute_my_machines() RETURNS text[]": (
        f"ARRAY(SELECT m.id FROM nodes n JOIN machines m ON m.node_id = n.id WHERE {_MINE})"
    ),
    "fabroute_my_lots() RETURNS text[]": (
        f"ARRAY(SELECT l.id FROM nodes n JOIN material_lots l ON l.node_id = n.id WHERE {_MINE})"
    ),
    "fabroute_owns_parts() RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM organisations o WHERE o.id = {_TENANT} AND o.kind = 'owner')"
    ),
    "fabroute_owns_order(the_order text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM orders o WHERE o.id = the_order AND o.organisation_id = {_TENANT})"
    ),
    "fabroute_owns_part(the_part text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM parts p WHERE p.id = the_part AND p.organisation_id = {_TENANT})"
    ),
    "fabroute_owns_revision(the_revision text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM part_revisions r JOIN parts p ON p.id = r.part_id"
        f" WHERE r.id = the_revision AND p.organisation_id = {_TENANT})"
    ),
    "fabroute_sees_revision(the_revision text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM part_revisions r WHERE r.id = the_revision)"
    ),
    "fabroute_sees_line(the_line text) RETURNS boolean": ("EXISTS (SELECT 1 FROM order_lines l WHERE l.id = the_line)"),
    "fabroute_sees_job(the_job text) RETURNS boolean": "EXISTS (SELECT 1 FROM jobs j WHERE j.id = the_job)",
    "fabroute_holds_prints(the_licence text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM print_licence_leases l WHERE l.licence_id = the_licence)"
    ),
    "fabroute_sees_shipment(the_shipment text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM shipments s WHERE s.id = the_shipment)"
    ),
    "fabroute_sees_lot(the_lot text) RETURNS boolean": ("EXISTS (SELECT 1 FROM material_lots l WHERE l.id = the_lot)"),
    "fabroute_sees_build(the_build text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM build_parts p WHERE p.build_id = the_build)"
    ),
    "fabroute_sees_report(the_report text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM readiness_reports r WHERE r.id = the_report)"
    ),
    "fabroute_sees_screening(the_screening text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM screenings s WHERE s.id = the_screening)"
    ),
    "fabroute_decided_in(the_run text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM routing_decisions d WHERE d.run_id = the_run)"
    ),
    "fabroute_prints_order(the_order text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM jobs j WHERE j.order_id = the_order AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_line(the_line text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM jobs j WHERE j.order_line_id = the_line AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_revision(the_revision text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM jobs j WHERE j.revision_id = the_revision AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_part(the_owner text, the_part_no text) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM jobs j WHERE j.organisation_id = the_owner AND j.part_no = the_part_no"
        f" AND {_AT_MY_NODES})"
    ),
    "fabroute_prints_for(the_owner text) RETURNS boolean": (
        f"EXISTS (SELECT 1 FROM jobs j WHERE j.organisation_id = the_owner AND {_AT_MY_NODES})"
    ),
    "fabroute_draws_from(the_lot text) RETURNS boolean": "EXISTS (SELECT 1 FROM jobs j WHERE j.lot_id = the_lot)",
    "fabroute_sees_recall(the_lots jsonb) RETURNS boolean": (
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text(the_lots) AS lot (id) WHERE"
        " EXISTS (SELECT 1 FROM jobs j WHERE j.lot_id = lot.id)"
        " OR EXISTS (SELECT 1 FROM builds b WHERE b.lot_id = lot.id))"
    ),
}
"""What policies ask for, as the tenant sees it: the tables in them are under their own policies."""

_ORGANISATION = f"organisation_id = {_TENANT}"
_NODE = "node_id = ANY (fabroute_my_nodes())"
_MACHINE = "machine_id = ANY (fabroute_my_machines())"
_JOB = "fabroute_sees_job(job_id)"

_OF_ONE_ORGANISATION = (
    "access_tokens",
    "api_keys",
    "asset_positions",
    "audit_entries",
    "audit_roots",
    "audit_seals",
    "brands",
    "events",
    "idempotency_keys",
    "invitations",
    "oauth_clients",
    "orders",
    "outbox_events",
    "part_aliases",
    "parts",
    "people",
    "person_identities",
    "person_sessions",
    "policy_costs",
    "print_file_submissions",
    "print_licences",
    "production_policies",
    "quotes",
    "readiness_reports",
    "recovery_codes",
    "reroutes",
    "routing_decisions",
    "routing_policies",
    "screenings",
    "shadow_runs",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_secrets",
)
_OF_A_NODE = ("builds", "certificates", "lanes", "machines", "material_lots", "node_rates")
_OF_A_MACHINE = ("calibrations", "capacity_slots", "machine_offers")
_OF_A_JOB = (
    "build_parts",
    "build_times",
    "capacity_allocations",
    "inspections",
    "job_evidence",
    "job_reports",
    "material_allocations",
    "print_licence_leases",
    "print_records",
)
_OF_A_JOB_AND_AN_ORGANISATION = (
    "conformity_certificates",
    "counter_offers",
    "file_tickets",
    "owner_notes",
    "passports",
    "reconciliations",
    "reprint_requests",
    "shipments",
)

_OWN: Mapping[str, str] = {
    **dict.fromkeys(_OF_ONE_ORGANISATION, _ORGANISATION),
    **dict.fromkeys(_OF_A_NODE, _NODE),
    **dict.fromkeys(_OF_A_MACHINE, _MACHINE),
    **dict.fromkeys(_OF_A_JOB, _JOB),
    **dict.fromkeys(_OF_A_JOB_AND_AN_ORGANISATION, f"{_ORGANISATION} OR {_JOB}"),
    "organisations": f"id = {_TENANT}",
    "nodes": _ORGANISATION,
    "jobs": f"{_ORGANISATION} OR (dispatch_at IS NULL OR offered_at >= dispatch_at) AND {_NODE}",
    "order_lines": "fabroute_owns_order(order_id)",
    "line_exclusions": "fabroute_sees_line(order_line_id)",
    "part_revisions": "fabroute_owns_part(part_id)",
    **dict.fromkeys(("first_articles", "print_files", "revision_documents"), "fabroute_owns_revision(revision_id)"),
    "readiness_entries": "fabroute_sees_report(report_id)",
    "screening_rows": "fabroute_sees_screening(screening_id)",
    **dict.fromkeys(("parcels", "shipment_events"), "fabroute_sees_shipment(shipment_id)"),
    "lot_movements": "fabroute_sees_lot(lot_id)",
    "recalls": "jsonb_exists_any(lot_ids, fabroute_my_lots())",
    **dict.fromkeys(("routing_runs", "run_archives"), "false"),
}
"""Whose a row is: who may read and write it."""

_SEEN: Mapping[str, str] = {
    **dict.fromkeys(("nodes", "machines", "machine_offers"), _ANYONE),
    **dict.fromkeys(("calibrations", "certificates", "node_rates"), "fabroute_owns_parts()"),
    "brands": "fabroute_prints_for(organisation_id)",
    "builds": "fabroute_sees_build(id)",
    "first_articles": _NODE,
    "material_lots": "fabroute_draws_from(id)",
    "order_lines": "fabroute_prints_line(id)",
    "orders": "fabroute_prints_order(id)",
    "organisations": "fabroute_prints_for(id)",
    "part_revisions": "fabroute_prints_revision(id)",
    "parts": "fabroute_prints_part(organisation_id, part_no)",
    **dict.fromkeys(("print_files", "revision_documents"), "fabroute_sees_revision(revision_id)"),
    "print_licences": "fabroute_holds_prints(id)",
    "recalls": "fabroute_sees_recall(lot_ids)",
    "routing_runs": "fabroute_decided_in(id)",
    "run_archives": "fabroute_decided_in(run_id)",
}
"""Who may read it besides."""

_ADDED: Mapping[str, str] = dict.fromkeys(("audit_entries", "outbox_events"), f"organisation_id IS NULL AND {_ANYONE}")
"""Who may add it besides: what happens to nodes and machines is told to nobody by name."""


def upgrade() -> None:
    op.create_index("ix_jobs_revision", "jobs", ["revision_id"])
    op.create_index("ix_jobs_owner_part", "jobs", ["organisation_id", "part_no"])
    for signature, found in _FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION {signature} LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$BEGIN RETURN {found}; END$$"
        )
    for table, own in _OWN.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        mine = f"{_EVERYONE} OR {own}"
        op.execute(f"CREATE POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
    for table, seen in _SEEN.items():
        op.execute(f"CREATE POLICY tenant_sees ON {table} FOR SELECT USING ({seen})")
    for table, added in _ADDED.items():
        op.execute(f"CREATE POLICY tenant_adds ON {table} FOR INSERT WITH CHECK ({added})")


def downgrade() -> None:
    for table in _ADDED:
        op.execute(f"DROP POLICY tenant_adds ON {table}")
    for table in _SEEN:
        op.execute(f"DROP POLICY tenant_sees ON {table}")
    for table in _OWN:
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for signature in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature.partition(' RETURNS')[0]}")
    op.drop_index("ix_jobs_owner_part", "jobs")
    op.drop_index("ix_jobs_revision", "jobs")
