"""A statement looks up once which nodes, machines and lots are a tenant's; policies asked again for each row"""

from collections.abc import Mapping

from alembic import op

revision = "20261123_0016"
down_revision = "20261123_0015"
branch_labels = None
depends_on = None
serves = "20261123_0012"

_TENANT = "current_setting('fabroute.tenant', true)"
_NODE, _MACHINE = "fabroute_my_nodes()", "fabroute_my_machines()"
_JOB_AT = "organisation_id = {tenant} OR (dispatch_at IS NULL OR offered_at >= dispatch_at) AND node_id = ANY ({nodes})"


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
    """Return whose rows are by what is looked up: all of them depend on nothing in the row."""
    nodes, machines = _array(_NODE, once=once), _array(_MACHINE, once=once)
    return {
        **dict.fromkeys(("builds", "certificates", "lanes", "machines", "material_lots", "node_rates"),
                        f"node_id = ANY ({nodes})"),
        **dict.fromkeys(("calibrations", "capacity_slots", "machine_offers"), f"machine_id = ANY ({machines})"),
        "jobs": _JOB_AT.format(tenant=_TENANT, nodes=nodes),
        "recalls": f"jsonb_exists_any(lot_ids, {_array('fabroute_my_lots()', once=once)})",
    }  # fmt: skip


def _seen(*, once: bool) -> Mapping[str, str]:
    owns = "(SELECT fabroute_owns_parts())" if once else "fabroute_owns_parts()"
    return {
        **dict.fromkeys(("calibrations", "certificates", "node_rates"), owns),
        "first_articles": f"node_id = ANY ({_array(_NODE, once=once)})",
    }


def _array(call: str, *, once: bool) -> str:
    """Return a call, or a sub-select of it: PostgreSQL runs that when it first needs it, and keeps what it found."""
    return f"(SELECT {call})::text[]" if once else call
