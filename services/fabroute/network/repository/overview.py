"""Statements that look over many nodes at once: how full they are, how long their material lasts, which are out."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_LOADS = text("""
SELECT machine.node_id, sum(slot.initial_minutes) AS planned_minutes,
    sum(slot.initial_minutes - slot.remaining_minutes) AS held_minutes,
    coalesce(sum(slot.initial_minutes) FILTER (WHERE slot.day = today.day), 0) AS planned_today_minutes,
    coalesce(sum(slot.initial_minutes - slot.remaining_minutes) FILTER (WHERE slot.day = today.day), 0)
        AS held_today_minutes
FROM machines machine
JOIN nodes node ON node.id = machine.node_id
CROSS JOIN LATERAL (SELECT CAST(CAST(:now AS timestamptz) AT TIME ZONE node.timezone AS date) AS day) today
JOIN capacity_slots slot ON slot.machine_id = machine.id AND slot.day >= today.day AND slot.day < today.day + :days
WHERE machine.node_id = ANY(:node_ids) AND machine.status = 'up'
GROUP BY machine.node_id ORDER BY machine.node_id
""")

_CALENDAR = text("""
SELECT machine.id AS machine_id, slot.day, slot.initial_minutes AS planned_minutes,
    slot.initial_minutes - slot.remaining_minutes AS held_minutes
FROM machines machine
JOIN nodes node ON node.id = machine.node_id
CROSS JOIN LATERAL (SELECT CAST(CAST(:now AS timestamptz) AT TIME ZONE node.timezone AS date) AS day) today
JOIN capacity_slots slot ON slot.machine_id = machine.id AND slot.day >= today.day AND slot.day < today.day + :days
WHERE machine.node_id = :node_id ORDER BY machine.id, slot.day
""")

_RUNWAYS = """
SELECT lot.node_id, lot.material, CAST(sum(lot.remaining_grams) FILTER (
        WHERE lot.state = 'available' AND lot.expires_on >= CAST(:today AS date)) AS bigint) AS free_grams,
    CAST(sum(used.lately) AS bigint) AS lately_grams,
    min(lot.expires_on) FILTER (
        WHERE lot.state = 'available' AND lot.expires_on >= CAST(:today AS date) AND lot.remaining_grams > 0
    ) AS next_expires_on
FROM material_lots lot CROSS JOIN LATERAL (
    SELECT coalesce(-sum(moved.grams), 0) AS lately FROM lot_movements moved
    WHERE moved.lot_id = lot.id AND moved.kind = 'consumed' AND moved.moved_at > :since
) used{whose}
GROUP BY lot.node_id, lot.material
"""
_OF_NODES = text(_RUNWAYS.format(whose=" WHERE lot.node_id = ANY(:node_ids)") + " ORDER BY node_id, material")
_RUNNING_OUT = """
SELECT runway.*, count(*) OVER () AS total
FROM ({runways}) runway JOIN nodes node ON node.id = runway.node_id AND node.status <> 'closed'
WHERE coalesce(free_grams, 0) * :over_days <= lately_grams * :within_days AND lately_grams > 0
ORDER BY coalesce(free_grams, 0)::float / lately_grams, node_id, material LIMIT :limit
"""
_RUNNING_OUT_OF_ALL = text(_RUNNING_OUT.format(runways=_RUNWAYS.format(whose="")))
_RUNNING_OUT_OF_NODES = text(_RUNNING_OUT.format(runways=_RUNWAYS.format(whose=" WHERE lot.node_id = ANY(:node_ids)")))

_OUT = """
SELECT node.id AS node_id, node.city, node.country, node.status, node.status_reason AS reason,
    array_remove(array_agg(machine.id ORDER BY machine.id) FILTER (WHERE machine.status <> 'up'), NULL) AS machine_ids,
    count(*) OVER () AS total
FROM nodes node LEFT JOIN machines machine ON machine.node_id = node.id
WHERE node.status <> 'closed'{whose}
GROUP BY node.id HAVING node.status <> 'up' OR bool_or(machine.status <> 'up')
ORDER BY node.status = 'up', node.id LIMIT :limit
"""
_OUT_OF_ALL = text(_OUT.format(whose=""))
_OUT_OF_ONE = text(_OUT.format(whose=" AND node.organisation_id = :organisation_id"))
_MACHINES = text("""
SELECT counted.machines, counted.down, machine.id AS machine_id, machine.node_id
FROM (
    SELECT count(*) AS machines, count(*) FILTER (WHERE status <> 'up') AS down
    FROM machines WHERE node_id = ANY(:node_ids)
) counted
LEFT JOIN LATERAL (
    SELECT id, node_id FROM machines WHERE node_id = ANY(:node_ids) AND status <> 'up' ORDER BY id LIMIT :limit
) machine ON true
ORDER BY machine.id
""")


def read_loads(session: Session, *, node_ids: Collection[str], days: int, now: datetime) -> Sequence[RowMapping]:
    """Return by node the minutes of the next ``days`` days, and of today where it stands: planned and held."""
    parameters = {"node_ids": sorted(node_ids), "days": days, "now": now}
    return session.connection().execute(_LOADS, parameters).mappings().all()


def read_calendar(session: Session, *, node_id: str, days: int, now: datetime) -> Sequence[RowMapping]:
    """Return the minutes of each machine of a node and each of the next ``days`` days: planned and held."""
    parameters = {"node_id": node_id, "days": days, "now": now}
    return session.connection().execute(_CALENDAR, parameters).mappings().all()


def read_runways(
    session: Session, *, node_ids: Collection[str], since: datetime, now: datetime
) -> Sequence[RowMapping]:
    """Return by node and material what is free, and what was used after ``since``, in grams."""
    parameters = {"node_ids": sorted(node_ids), "since": since, "today": now.date()}
    return session.connection().execute(_OF_NODES, parameters).mappings().all()


def read_running_out(
    session: Session, *, node_ids: Collection[str] | None, since: datetime, now: datetime, within_days: int, limit: int
) -> Sequence[RowMapping]:
    """Return materials of which nodes (``None``: all) have less than ``within_days`` days of late use left."""
    values: dict[str, object] = {
        "since": since,
        "today": now.date(),
        "over_days": (now - since).days,
        "within_days": within_days,
        "limit": limit,
    }
    if node_ids is None:
        return session.connection().execute(_RUNNING_OUT_OF_ALL, values).mappings().all()
    return session.connection().execute(_RUNNING_OUT_OF_NODES, values | {"node_ids": sorted(node_ids)}).mappings().all()


def read_out(session: Session, *, organisation_id: str | None, limit: int) -> Sequence[RowMapping]:
    """Return nodes that are down or have machines down, of an organisation or (``None``) of all."""
    if organisation_id is None:
        return session.connection().execute(_OUT_OF_ALL, {"limit": limit}).mappings().all()
    values = {"organisation_id": organisation_id, "limit": limit}
    return session.connection().execute(_OUT_OF_ONE, values).mappings().all()


def read_machines(session: Session, *, node_ids: Collection[str], limit: int) -> Sequence[RowMapping]:
    """Return how many machines nodes have and how many are down, with the first of these: a row for each, or one."""
    parameters = {"node_ids": sorted(node_ids), "limit": limit}
    return session.connection().execute(_MACHINES, parameters).mappings().all()
