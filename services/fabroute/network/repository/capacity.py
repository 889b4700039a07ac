"""Statements on capacity slots and on what is reserved of slots and lots.

Whoever locks several rows takes them in one order, so that no two transactions wait for each other: allocations by
job, then lots by id, then slots by machine and day, then nodes by id.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlmodel import Session

SlotKey = tuple[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """Grams of a lot that a job held, and how many of them its builds had used by then: those don't come back."""

    grams: int
    used_grams: int


def insert_missing_slots(session: Session, slots: Mapping[SlotKey, int]) -> int:
    """Add capacity slots (minutes) that are not there yet; return how many."""
    return session.connection().execute(_INSERT_SLOTS, _slot_columns(slots)).rowcount


def read_capacity(session: Session, *, first_day: date, last_day: date) -> Sequence[tuple[str, list[int], list[int]]]:
    """Return per machine the offsets from ``first_day`` of its slots up to ``last_day``, and their free minutes."""
    rows = session.connection().execute(_READ_CAPACITY, {"first_day": first_day, "last_day": last_day})
    return [(machine_id, offsets, minutes) for machine_id, offsets, minutes in rows]


_INSERT_SLOTS = text("""
INSERT INTO capacity_slots (machine_id, day, initial_minutes, remaining_minutes)
SELECT machine_id, day, minutes, minutes
FROM unnest(CAST(:machine_ids AS text[]), CAST(:days AS date[]), CAST(:minutes AS integer[]))
  AS slot(machine_id, day, minutes)
ON CONFLICT DO NOTHING
""")

_READ_CAPACITY = text("""
SELECT machine_id, array_agg(day - CAST(:first_day AS date)), array_agg(remaining_minutes)
FROM capacity_slots WHERE day BETWEEN :first_day AND :last_day GROUP BY machine_id
""")


def lock_lots(session: Session, lot_ids: Collection[str]) -> dict[str, int]:
    """Lock lots in the order of their ids; return the grams left in each, 0 where it may not be used now."""
    rows = session.connection().execute(_LOCK_LOTS, {"lot_ids": list(lot_ids)})
    return {row.id: row.grams for row in rows}


def lock_slots(session: Session, slots: Collection[SlotKey]) -> dict[SlotKey, int]:
    """Lock slots in the order of machine and day; return the minutes left in each, nothing for an unplanned day."""
    columns = {"machine_ids": [machine for machine, _ in slots], "days": [day for _, day in slots]}
    rows = session.connection().execute(_LOCK_SLOTS, columns)
    return {(machine_id, day): minutes for machine_id, day, minutes in rows}


def lock_machines_of_nodes_that_are_up(session: Session, machine_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``machine_ids`` that run at a node that is up; no node changes until the transaction ends."""
    rows = session.connection().execute(_LOCK_NODES, {"machine_ids": list(machine_ids)})
    return frozenset(machine_id for running in rows for machine_id in running.machine_ids)


def take_grams(session: Session, grams: Mapping[str, int]) -> int:
    """Take grams from lots that have them; return from how many lots."""
    return session.connection().execute(_TAKE_GRAMS, _lot_columns(grams)).rowcount


def take_minutes(session: Session, minutes: Mapping[SlotKey, int]) -> int:
    """Take minutes from slots that have them; return from how many slots."""
    return session.connection().execute(_TAKE_MINUTES, _slot_columns(minutes)).rowcount


def give_grams_back(session: Session, freed: Mapping[str, Freed]) -> None:
    """Add to lots the grams that nobody used, and take off for good what was used."""
    columns = {
        "lot_ids": list(freed),
        "grams": [each.grams for each in freed.values()],
        "used": [each.used_grams for each in freed.values()],
    }
    session.connection().execute(_GIVE_GRAMS, columns)


def give_minutes_back(session: Session, minutes: Mapping[SlotKey, int]) -> None:
    """Add minutes to slots."""
    session.connection().execute(_GIVE_MINUTES, _slot_columns(minutes))


def insert_material_allocations(session: Session, held: Iterable[tuple[str, str, int]], *, now: datetime) -> None:
    """Note the grams held: job, lot, grams."""
    rows = list(held)
    columns = {
        "job_ids": [job_id for job_id, _, _ in rows],
        "lot_ids": [lot_id for _, lot_id, _ in rows],
        "grams": [grams for _, _, grams in rows],
        "now": now,
    }
    session.connection().execute(_INSERT_MATERIAL_ALLOCATIONS, columns)


def insert_capacity_allocations(session: Session, held: Iterable[tuple[str, SlotKey, int]], *, now: datetime) -> None:
    """Note the minutes held: job, slot, minutes."""
    rows = list(held)
    columns = {
        "job_ids": [job_id for job_id, _, _ in rows],
        "machine_ids": [machine_id for _, (machine_id, _), _ in rows],
        "days": [day for _, (_, day), _ in rows],
        "minutes": [minutes for _, _, minutes in rows],
        "now": now,
    }
    session.connection().execute(_INSERT_CAPACITY_ALLOCATIONS, columns)


def read_held_grams(session: Session, *, job_ids: Collection[str]) -> list[tuple[str, str, int]]:
    """Return what jobs hold of lots: job, lot and grams."""
    rows = session.connection().execute(_HELD_GRAMS, {"job_ids": list(job_ids)})
    return [(job_id, lot_id, grams) for job_id, lot_id, grams in rows]


def read_held_minutes(session: Session, *, job_ids: Collection[str]) -> list[tuple[str, SlotKey, int]]:
    """Return what jobs hold of slots: job, slot and minutes."""
    rows = session.connection().execute(_HELD_MINUTES, {"job_ids": list(job_ids)})
    return [(job_id, (machine_id, day), minutes) for job_id, machine_id, day, minutes in rows]


def end_material_allocations(session: Session, *, job_ids: Collection[str], now: datetime) -> dict[str, Freed]:
    """End what jobs still hold of lots; return it by lot."""
    rows = session.connection().execute(_END_MATERIAL_ALLOCATIONS, {"job_ids": list(job_ids), "now": now})
    freed: dict[str, Freed] = {}
    for lot_id, grams, used in rows:
        before = freed.get(lot_id, Freed(grams=0, used_grams=0))
        freed[lot_id] = Freed(grams=before.grams + grams, used_grams=before.used_grams + used)
    return freed


def end_capacity_allocations(session: Session, *, job_ids: Collection[str], now: datetime) -> list[tuple[SlotKey, int]]:
    """End what jobs still hold of slots; return slot and minutes."""
    rows = session.connection().execute(_END_CAPACITY_ALLOCATIONS, {"job_ids": list(job_ids), "now": now})
    return [((machine_id, day), minutes) for machine_id, day, minutes in rows]


_HELD_GRAMS = text("""
SELECT job_id, lot_id, grams FROM material_allocations
WHERE job_id = ANY(:job_ids) AND released_at IS NULL ORDER BY job_id, lot_id
""")

_HELD_MINUTES = text("""
SELECT job_id, machine_id, day, minutes FROM capacity_allocations
WHERE job_id = ANY(:job_ids) AND released_at IS NULL ORDER BY job_id, machine_id, day
""")

_LOCK_LOTS = text("""
SELECT id, CASE WHEN state = 'available' THEN remaining_grams ELSE 0 END AS grams
FROM material_lots WHERE id = ANY(:lot_ids) ORDER BY id FOR NO KEY UPDATE
""")

_LOCK_SLOTS = text("""
SELECT slot.machine_id, slot.day, slot.remaining_minutes
FROM capacity_slots AS slot
JOIN unnest(CAST(:machine_ids AS text[]), CAST(:days AS date[])) AS wanted(machine_id, day)
  ON slot.machine_id = wanted.machine_id AND slot.day = wanted.day
ORDER BY slot.machine_id, slot.day FOR NO KEY UPDATE OF slot
""")

_LOCK_NODES = text("""
WITH held AS (
  SELECT id FROM nodes
  WHERE status = 'up' AND id IN (SELECT node_id FROM machines WHERE id = ANY(:machine_ids))
  ORDER BY id FOR NO KEY UPDATE
)
SELECT array_agg(machines.id) AS machine_ids FROM machines JOIN held ON held.id = machines.node_id
WHERE machines.id = ANY(:machine_ids) AND machines.status = 'up' GROUP BY held.id
""")

_TAKE_GRAMS = text("""
UPDATE material_lots AS lot SET remaining_grams = lot.remaining_grams - wanted.grams
FROM unnest(CAST(:lot_ids AS text[]), CAST(:grams AS bigint[])) AS wanted(lot_id, grams)
WHERE lot.id = wanted.lot_id AND lot.remaining_grams >= wanted.grams
""")

_TAKE_MINUTES = text("""
UPDATE capacity_slots AS slot SET remaining_minutes = slot.remaining_minutes - wanted.minutes
FROM unnest(CAST(:machine_ids AS text[]), CAST(:days AS date[]), CAST(:minutes AS bigint[]))
  AS wanted(machine_id, day, minutes)
WHERE slot.machine_id = wanted.machine_id AND slot.day = wanted.day AND slot.remaining_minutes >= wanted.minutes
""")

_GIVE_GRAMS = text("""
UPDATE material_lots AS lot SET remaining_grams = lot.remaining_grams + freed.grams - freed.used,
  initial_grams = lot.initial_grams - freed.used
FROM unnest(CAST(:lot_ids AS text[]), CAST(:grams AS bigint[]), CAST(:used AS bigint[])) AS freed(lot_id, grams, used)
WHERE lot.id = freed.lot_id
""")

_GIVE_MINUTES = text("""
UPDATE capacity_slots AS slot SET remaining_minutes = slot.remaining_minutes + freed.minutes
FROM unnest(CAST(:machine_ids AS text[]), CAST(:days AS date[]), CAST(:minutes AS bigint[]))
  AS freed(machine_id, day, minutes)
WHERE slot.machine_id = freed.machine_id AND slot.day = freed.day
""")

_INSERT_MATERIAL_ALLOCATIONS = text("""
INSERT INTO material_allocations (job_id, lot_id, grams, allocated_at)
SELECT job_id, lot_id, grams, :now
FROM unnest(CAST(:job_ids AS text[]), CAST(:lot_ids AS text[]), CAST(:grams AS integer[]))
  AS held(job_id, lot_id, grams)
""")

_INSERT_CAPACITY_ALLOCATIONS = text("""
INSERT INTO capacity_allocations (job_id, machine_id, day, minutes, allocated_at)
SELECT job_id, machine_id, day, minutes, :now
FROM unnest(CAST(:job_ids AS text[]), CAST(:machine_ids AS text[]), CAST(:days AS date[]), CAST(:minutes AS integer[]))
  AS held(job_id, machine_id, day, minutes)
""")

_END_MATERIAL_ALLOCATIONS = text("""
WITH live AS (
  SELECT job_id, lot_id FROM material_allocations WHERE job_id = ANY(:job_ids) AND released_at IS NULL
  ORDER BY job_id, lot_id FOR NO KEY UPDATE
)
UPDATE material_allocations AS held SET released_at = :now FROM live
WHERE held.job_id = live.job_id AND held.lot_id = live.lot_id
RETURNING held.lot_id, held.grams, (
  SELECT CAST(coalesce(-sum(moved.grams), 0) AS bigint) FROM lot_movements AS moved
  WHERE moved.job_id = held.job_id AND moved.lot_id = held.lot_id AND moved.kind = 'consumed'
) AS used_grams
""")

_END_CAPACITY_ALLOCATIONS = text("""
WITH live AS (
  SELECT job_id, machine_id, day FROM capacity_allocations WHERE job_id = ANY(:job_ids) AND released_at IS NULL
  ORDER BY job_id, machine_id, day FOR NO KEY UPDATE
)
UPDATE capacity_allocations AS held SET released_at = :now FROM live
WHERE held.job_id = live.job_id AND held.machine_id = live.machine_id AND held.day = live.day
RETURNING held.machine_id, held.day, held.minutes
""")


def _lot_columns(grams: Mapping[str, int]) -> dict[str, list[str] | list[int]]:
    return {"lot_ids": list(grams), "grams": list(grams.values())}


def _slot_columns(minutes: Mapping[SlotKey, int]) -> dict[str, list[str] | list[date] | list[int]]:
    return {
        "machine_ids": [machine_id for machine_id, _ in minutes],
        "days": [day for _, day in minutes],
        "minutes": list(minutes.values()),
    }
