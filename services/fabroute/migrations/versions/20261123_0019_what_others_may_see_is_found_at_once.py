"""What a tenant may see of another's is found at once, however many jobs there are

Policies ask whether there is a job of somebody's part, lot or revision at a tenant's nodes. Where there is none, all
jobs of that part, lot or revision were looked through, for each row: with a hundred thousand jobs an owner's list of
lots took seconds. Each question now has an index that holds all that is asked for.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "20261123_0019"
down_revision = "20261123_0018"
branch_labels = None
depends_on = None
serves = "20261123_0012"

_TENANT = "current_setting('fabroute.tenant', true)"
_AT_MY_NODES = "j.node_id = ANY (public.fabroute_my_nodes())"
_INDEXES: Mapping[str, tuple[list[str], list[str]]] = {
    "ix_jobs_lot": (["lot_id"], ["organisation_id"]),
    "ix_jobs_revision": (["revision_id"], ["node_id"]),
    "ix_jobs_owner_part": (["organisation_id", "part_no"], ["node_id"]),
}
"""Indexes of jobs: their columns, and those that come behind."""
_IN_BUILD = "EXISTS (SELECT 1 FROM public.builds b WHERE b.lot_id = lot.id)"
_OF_A_LOT = "EXISTS (SELECT 1 FROM public.jobs j WHERE j.lot_id = {lot}{mine})"
_MINE = f" AND j.organisation_id = {_TENANT}"
"""Lots of a tenant's own nodes, and their recalls, it sees by another policy."""
_EVERYONE = f"{_TENANT} = '*'"
_OWN_LOT = "lot_id IN (SELECT unnest(fabroute_my_lots()))"
_SEEN_LOT = "fabroute_sees_lot(lot_id)"
"""Asked by a call for each movement: after what is looked up once for all of them."""


def upgrade() -> None:
    for name, (columns, more) in _INDEXES.items():
        _replace_index(name, [*columns, *more])
    op.create_index("ix_jobs_owner_node", "jobs", ["organisation_id", "node_id"])
    op.create_index("ix_jobs_node", "jobs", ["node_id", "id"])
    op.create_index(
        "ix_lot_movements_consumed",
        "lot_movements",
        ["lot_id", "moved_at"],
        postgresql_include=["grams"],
        postgresql_where=sa.text("kind = 'consumed'"),
    )
    _show_movements(f"{_EVERYONE} OR {_OWN_LOT} OR {_SEEN_LOT}")
    _define_lots(mine=_MINE)
    _define(
        "fabroute_prints_line(the_order text, the_line text)",
        "EXISTS (SELECT 1 FROM public.jobs j WHERE j.order_id = the_order AND j.order_line_id = the_line"
        f" AND {_AT_MY_NODES})",
    )
    op.execute("ALTER POLICY seen_by_others ON order_lines USING (fabroute_prints_line(order_id, id))")
    op.execute("DROP FUNCTION fabroute_prints_line(text)")


def downgrade() -> None:
    _define(
        "fabroute_prints_line(the_line text)",
        f"EXISTS (SELECT 1 FROM public.jobs j WHERE j.order_line_id = the_line AND {_AT_MY_NODES})",
    )
    op.execute("ALTER POLICY seen_by_others ON order_lines USING (fabroute_prints_line(id))")
    op.execute("DROP FUNCTION fabroute_prints_line(text, text)")
    _define_lots(mine="")
    _show_movements(f"{_EVERYONE} OR {_SEEN_LOT}")
    op.drop_index("ix_lot_movements_consumed", "lot_movements")
    op.drop_index("ix_jobs_node", "jobs")
    op.drop_index("ix_jobs_owner_node", "jobs")
    for name, (columns, _) in _INDEXES.items():
        _replace_index(name, columns)


def _show_movements(mine: str) -> None:
    op.execute(f"ALTER POLICY tenant ON lot_movements USING ({mine}) WITH CHECK ({mine})")


def _define_lots(*, mine: str) -> None:
    _define("fabroute_draws_from(the_lot text)", _OF_A_LOT.format(lot="the_lot", mine=mine))
    _define(
        "fabroute_sees_recall(the_lots jsonb)",
        "EXISTS (SELECT 1 FROM jsonb_array_elements_text(the_lots) AS lot (id) WHERE "
        f"{_OF_A_LOT.format(lot='lot.id', mine=mine)} OR {_IN_BUILD})",
    )


def _define(signature: str, found: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {signature} RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE"
        f" AS $$BEGIN RETURN {found}; END$$"
    )


def _replace_index(name: str, columns: list[str]) -> None:
    op.drop_index(name, "jobs")
    op.create_index(name, "jobs", columns)
