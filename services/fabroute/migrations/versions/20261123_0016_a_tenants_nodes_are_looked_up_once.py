"""A statement looks up once which nodes, machines and lots are a tenant's; policies asked again for each row"""

from collections.abc import Mapping

from alembic import op

revision = "20261123_0016"
down_revision = "20261123_0015"
branch_labels = None
depends_on = None
serves = "20261123_0012"

_TENANT = "current_setting('fabroute.tenant', true)"
_OF_A_NODE = ("builds", "certificates", "lanes", "machines", "material_lots", "node_rates")
_OF_A_MACHINE = ("calibrations", "capacity_slots", "machine_offers")
_OF_A_JOB = f"organisation_id = {_TENANT} OR (dispatch_at IS NULL OR offered_at >= dispatch_at) AND "


def upgrade() -> None:
    _alter(once=True)


def downgrade() -> None:
    _alter(once=False)


def _alter(*, once: bool) -> None:
    for table, own in _own(once=once).items():
        mine = f"{_TENANT} = '*' OR {own}"
        op.execute(f"ALTER POLICY tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
    for table, seen in _seen(once=once).items():
        op.execute(f"ALTER POLICY seen_by_others ON {table} USING ({seen})")


def _own(*, once: bool) -> Mapping[str, str]:
    """Return whose rows are, by what is looked up: it depends on nothing in the row."""
    at_nodes = _is_among("node_id", "fabroute_my_nodes()", once=once)
    lots = "(SELECT fabroute_my_lots())" if once else "fabroute_my_lots()"
    return {
        **dict.fromkeys(_OF_A_NODE, at_nodes),
        **dict.fromkeys(_OF_A_MACHINE, _is_among("machine_id", "fabroute_my_machines()", once=once)),
        "jobs": f"{_OF_A_JOB}{at_nodes}",
        "recalls": f"jsonb_exists_any(lot_ids, {lots})",
    }


def _seen(*, once: bool) -> Mapping[str, str]:
    owns = "(SELECT fabroute_owns_parts())" if once else "fabroute_owns_parts()"
    return {
        **dict.fromkeys(("calibrations", "certificates", "node_rates"), owns),
        "first_articles": _is_among("node_id", "fabroute_my_nodes()", once=once),
    }


def _is_among(column: str, call: str, *, once: bool) -> str:
    """Return that a column is in the array of a call: the sub-select is run when a row first asks, and hashed."""
    return f"{column} IN (SELECT unnest({call}))" if once else f"{column} = ANY ({call})"
