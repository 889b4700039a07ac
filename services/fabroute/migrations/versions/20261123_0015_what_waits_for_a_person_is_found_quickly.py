"""What waits for a person is found quickly, and decisions are counted without reading their documents"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261123_0015"
down_revision = "20261123_0014"
branch_labels = None
depends_on = None
serves = "20261123_0012"

_WAITING: Mapping[str, tuple[str, str]] = {
    "ix_orders_waiting": ("orders", "state IN ('partly_routed', 'no_route', 'parked')"),
    "ix_jobs_waiting": ("jobs", "state IN ('held', 'suspect')"),
    "ix_counter_offers_open": ("counter_offers", "state = 'open'"),
    "ix_owner_notes_open": ("owner_notes", "state = 'open'"),
    "ix_reconciliations_open": ("reconciliations", "state = 'open'"),
    "ix_reprint_requests_open": ("reprint_requests", "state = 'requested'"),
    "ix_reroutes_by_people": ("reroutes", "cause IN ('owner', 'operator')"),
    "ix_audit_entries_overrides": (
        "audit_entries",
        "action IN ('order.line_retried', 'order.exclusion_lifted', 'routing_policy.stated')",
    ),
}
"""Partial indexes by organisation and id of what is rare: things that wait, and what people decided otherwise."""
_SHOWN = (
    *("nodes", "machines", "machine_offers", "calibrations", "certificates", "node_rates", "brands", "builds"),
    *("first_articles", "material_lots", "order_lines", "orders", "organisations", "part_revisions", "parts"),
    *("print_files", "revision_documents", "print_licences", "recalls", "routing_runs", "run_archives"),
)
"""Tables of which others are shown some rows, by a policy beside that of the owner.

PostgreSQL asks the policies of a table from the last name to the first, until one says yes. ``tenant_sees`` came before
``tenant``: for each row of its own, a tenant was asked first whether it prints it, which looks through its jobs. Under
a name before ``tenant`` that is only asked about the rows of others.
"""


def upgrade() -> None:
    for table in _SHOWN:
        op.execute(f"ALTER POLICY tenant_sees ON {table} RENAME TO seen_by_others")
    for name, (table, condition) in _WAITING.items():
        op.create_index(name, table, ["organisation_id", "id"], postgresql_where=sa.text(condition))
    op.create_index(
        "ix_part_revisions_validated", "part_revisions", ["part_id"], postgresql_where=sa.text("state = 'validated'")
    )
    op.create_index("ix_jobs_owner", "jobs", ["organisation_id", "id"])
    op.add_column("routing_decisions", sa.Column("binding", sa.String(), nullable=True))
    op.add_column("routing_decisions", sa.Column("fix", sa.String(), nullable=True))
    op.add_column("routing_decisions", sa.Column("reasons", JSONB(), nullable=True))


def downgrade() -> None:
    for table in _SHOWN:
        op.execute(f"ALTER POLICY seen_by_others ON {table} RENAME TO tenant_sees")
    for name in ("reasons", "fix", "binding"):
        op.drop_column("routing_decisions", name)
    op.drop_index("ix_jobs_owner", "jobs")
    op.drop_index("ix_part_revisions_validated", "part_revisions")
    for name, (table, _) in _WAITING.items():
        op.drop_index(name, table)
