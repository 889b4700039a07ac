"""Statements on material lots and on what moved in and out of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What is noted of a lot: grams that came (or, negative, went), and who did what for which job and build."""

    lot_id: str
    kind: str
    grams: int
    actor: str
    moved_at: datetime
    note: str = ""
    job_id: str | None = None
    build_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockFilter:
    """Which lots are read: one, or a node's, in one state or of one material only if they are given."""

    node_id: str | None = None
    lot_id: str | None = None
    state: str | None = None
    material: str | None = None
    after: str = ""
    limit: int = 1


def lock_lots(session: Session, lot_ids: Collection[str]) -> dict[str, RowMapping]:
    """Lock lots in the order of their ids and return their rows by id; unknown ones are left out."""
    rows = session.connection().execute(_LOCK, {"lot_ids": list(lot_ids)}).mappings()
    return {row["lot_id"]: row for row in rows}


def lock_allocations(session: Session, *, job_id: str) -> dict[str, int]:
    """Lock what a job holds of lots, by lot, and return the grams."""
    return {row.lot_id: row.grams for row in session.connection().execute(_LOCK_ALLOCATIONS, {"job_id": job_id})}


def read_used(session: Session, *, job_id: str) -> dict[str, int]:
    """Return the grams that builds of a job have used so far, by lot."""
    return {row.lot_id: row.grams for row in session.connection().execute(_USED, {"job_id": job_id})}


def resize_allocation(session: Session, *, job_id: str, lot_id: str, grams: int, more: int) -> bool:
    """Let a job hold ``grams`` of a lot, ``more`` than before (or less); False where the lot has not so many left."""
    parameters = {"job_id": job_id, "lot_id": lot_id, "grams": grams, "more": more}
    if not session.connection().execute(_TAKE, parameters).rowcount:
        return False
    session.connection().execute(_RESIZE, parameters)
    return True


def open_allocation(session: Session, *, job_id: str, lot_id: str, grams: int, now: datetime) -> bool:
    """Let a job hold grams of a lot that it held nothing of; False where the lot has not so many left."""
    parameters = {"job_id": job_id, "lot_id": lot_id, "grams": grams, "more": grams, "now": now}
    if not session.connection().execute(_TAKE, parameters).rowcount:
        return False
    session.connection().execute(_OPEN, parameters)
    return True


def close_allocation(session: Session, *, job_id: str, lot_id: str, grams: int, now: datetime) -> None:
    """End what a job holds of a lot that it used nothing of, and give it back."""
    parameters = {"job_id": job_id, "lot_id": lot_id, "more": -grams, "now": now}
    session.connection().execute(_TAKE, parameters)
    session.connection().execute(_CLOSE, parameters)


def take_for_good(session: Session, *, lot_id: str, grams: int) -> bool:
    """Make a lot weigh so much less, out of what nobody has reserved; False where that is not enough."""
    return bool(session.connection().execute(_TAKE_FOR_GOOD, {"lot_id": lot_id, "grams": grams}).rowcount)


def note_movement(session: Session, movement: Movement) -> None:
    """Keep what happened to a lot, with what is left in it now."""
    note_movements(session, [movement])


def note_movements(session: Session, movements: Sequence[Movement]) -> None:
    """Keep what happened to lots, with what is left in each now; by one statement."""
    columns: Mapping[str, object] = {
        "lot_ids": [each.lot_id for each in movements],
        "kinds": [each.kind for each in movements],
        "grams": [each.grams for each in movements],
        "actors": [each.actor for each in movements],
        "notes": [each.note for each in movements],
        "job_ids": [each.job_id for each in movements],
        "build_ids": [each.build_id for each in movements],
        "moved_at": [each.moved_at for each in movements],
    }
    session.connection().execute(_NOTE, columns)


def find_lot(session: Session, lot_id: str) -> RowMapping | None:
    """Return a lot's row, None if there is none."""
    return session.connection().execute(_FIND, {"lot_id": lot_id}).mappings().one_or_none()


def read_of_supplier(session: Session, *, supplier_lot: str, material: str | None) -> Sequence[RowMapping]:
    """Return the lots of all stores with a manufacturer's lot number (and material), in the order of their ids."""
    parameters = {"supplier_lot": supplier_lot, "material": material}
    return session.connection().execute(_OF_SUPPLIER, parameters).mappings().all()


def set_states(session: Session, lot_ids: Collection[str], *, state: str, reason: str, now: datetime) -> None:
    """Write the state of lots, why, and since when."""
    parameters = {"lot_ids": list(lot_ids), "state": state, "reason": reason, "now": now}
    session.connection().execute(_SET_STATES, parameters)


def weigh(session: Session, *, lot_id: str, more: int, reuses: int = 0) -> None:
    """Add grams to a lot (or take them off), and count ``reuses`` up; the caller has locked it and looked."""
    session.connection().execute(_WEIGH, {"lot_id": lot_id, "more": more, "reuses": reuses})


def reserved_unused(session: Session, *, lot_id: str) -> int:
    """Return the grams that jobs have reserved of a lot and not used yet."""
    found: int = session.connection().execute(_RESERVED, {"lot_id": lot_id}).scalar_one()
    return found


def settle_use(session: Session, *, job_ids: Collection[str], actor: str, now: datetime) -> int:
    """Note as used what these jobs hold of lots, where no build said what it took; return how many movements."""
    parameters = {"job_ids": list(job_ids), "actor": actor, "now": now}
    return session.connection().execute(_SETTLE, parameters).rowcount


def read_stock(session: Session, wanted: StockFilter, *, since: datetime) -> Sequence[RowMapping]:
    """Return lots with what is reserved and used of them, in all and ``since``, in the order of their ids."""
    parameters = {
        "lot_id": wanted.lot_id,
        "node_id": wanted.node_id,
        "state": wanted.state,
        "material": wanted.material,
        "after": wanted.after,
        "limit": wanted.limit,
        "since": since,
    }
    return session.connection().execute(_STOCK, parameters).mappings().all()


def read_movements(session: Session, *, lot_id: str, after: int, limit: int) -> Sequence[RowMapping]:
    """Return what moved in and out of a lot, oldest first, after the movement with the id ``after``."""
    parameters = {"lot_id": lot_id, "after": after, "limit": limit}
    return session.connection().execute(_MOVEMENTS, parameters).mappings().all()


def count_refreshes(session: Session, *, lot_id: str, since: datetime) -> int:
    """Return how often fresh powder was mixed into a lot after an instant."""
    counted: int = session.connection().execute(_REFRESHES, {"lot_id": lot_id, "since": since}).scalar_one()
    return counted


_ROW = """
lot.id AS lot_id, lot.node_id, lot.material, lot.initial_grams, lot.remaining_grams, lot.expires_on, lot.state,
lot.reuse_count, lot.supplier_lot, lot.state_reason, lot.state_changed_at
"""

_LOCK = text(f"SELECT {_ROW} FROM material_lots AS lot WHERE lot.id = ANY(:lot_ids) ORDER BY lot.id FOR NO KEY UPDATE")

_FIND = text(f"SELECT {_ROW} FROM material_lots AS lot WHERE lot.id = :lot_id")

_OF_SUPPLIER = text(f"""
SELECT {_ROW} FROM material_lots AS lot
WHERE coalesce(nullif(lot.supplier_lot, ''), lot.id) = :supplier_lot
  AND (CAST(:material AS text) IS NULL OR lot.material = :material) ORDER BY lot.id
""")

_SET_STATES = text("""
UPDATE material_lots SET state = :state, state_reason = :reason, state_changed_at = :now WHERE id = ANY(:lot_ids)
""")

_WEIGH = text("""
UPDATE material_lots SET initial_grams = initial_grams + :more, remaining_grams = remaining_grams + :more,
  reuse_count = reuse_count + :reuses
WHERE id = :lot_id
""")

_UNUSED = """
SELECT CAST(coalesce(sum(held.grams - coalesce((
  SELECT -sum(moved.grams) FROM lot_movements AS moved
  WHERE moved.job_id = held.job_id AND moved.lot_id = held.lot_id AND moved.kind = 'consumed'), 0)), 0) AS bigint)
FROM material_allocations AS held WHERE held.lot_id = {lot} AND held.released_at IS NULL
"""

_RESERVED = text(_UNUSED.format(lot=":lot_id"))

_SETTLE = text("""
INSERT INTO lot_movements (lot_id, kind, grams, remaining_grams, reuse_count, job_id, actor, note, moved_at)
SELECT held.lot_id, 'consumed', -held.grams, lot.remaining_grams, lot.reuse_count, held.job_id, :actor,
  'as reserved: no build of it was closed', :now
FROM material_allocations AS held JOIN material_lots AS lot ON lot.id = held.lot_id
WHERE held.job_id = ANY(:job_ids) AND held.released_at IS NULL AND NOT EXISTS (
  SELECT FROM lot_movements AS moved WHERE moved.job_id = held.job_id AND moved.kind = 'consumed')
ORDER BY held.lot_id, held.job_id
""")

_STOCK = text(f"""
SELECT {_ROW}, ({_UNUSED.format(lot="lot.id")}) AS reserved_grams, CAST(used.grams AS bigint) AS used_grams,
  CAST(used.lately AS bigint) AS lately_grams
FROM material_lots AS lot CROSS JOIN LATERAL (
  SELECT coalesce(-sum(grams), 0) AS grams, coalesce(-sum(grams) FILTER (WHERE moved_at > :since), 0) AS lately
  FROM lot_movements WHERE lot_id = lot.id AND kind = 'consumed'
) AS used
WHERE (CAST(:lot_id AS text) IS NULL OR lot.id = :lot_id) AND (CAST(:node_id AS text) IS NULL OR lot.node_id = :node_id)
  AND (CAST(:state AS text) IS NULL OR lot.state = :state)
  AND (CAST(:material AS text) IS NULL OR lot.material = :material) AND lot.id > :after
ORDER BY lot.id LIMIT :limit
""")

_REFRESHES = text("""
SELECT count(*) FROM lot_movements WHERE lot_id = :lot_id AND kind = 'refreshed' AND moved_at > :since
""")

_MOVEMENTS = text("""
SELECT id AS movement_id, lot_id, kind, grams, remaining_grams, reuse_count, job_id, build_id, actor, note, moved_at
FROM lot_movements WHERE lot_id = :lot_id AND id > :after ORDER BY id LIMIT :limit
""")

_LOCK_ALLOCATIONS = text("""
SELECT lot_id, grams FROM material_allocations
WHERE job_id = :job_id AND released_at IS NULL ORDER BY lot_id FOR NO KEY UPDATE
""")

_USED = text("""
SELECT lot_id, CAST(-sum(grams) AS bigint) AS grams FROM lot_movements
WHERE job_id = :job_id AND kind = 'consumed' GROUP BY lot_id
""")

_TAKE = text("""
UPDATE material_lots SET remaining_grams = remaining_grams - :more WHERE id = :lot_id AND remaining_grams >= :more
""")

_RESIZE = text("""
UPDATE material_allocations SET grams = :grams WHERE job_id = :job_id AND lot_id = :lot_id AND released_at IS NULL
""")

_OPEN = text("""
INSERT INTO material_allocations (job_id, lot_id, grams, allocated_at) VALUES (:job_id, :lot_id, :grams, :now)
ON CONFLICT (job_id, lot_id) DO UPDATE SET grams = excluded.grams, allocated_at = :now, released_at = NULL
""")

_CLOSE = text("""
UPDATE material_allocations SET released_at = :now
WHERE job_id = :job_id AND lot_id = :lot_id AND released_at IS NULL
""")

_TAKE_FOR_GOOD = text("""
UPDATE material_lots SET initial_grams = initial_grams - :grams, remaining_grams = remaining_grams - :grams
WHERE id = :lot_id AND remaining_grams >= :grams
""")

_NOTE = text("""
INSERT INTO lot_movements
  (lot_id, kind, grams, remaining_grams, reuse_count, job_id, build_id, actor, note, moved_at)
SELECT lot.id, moved.kind, moved.grams, lot.remaining_grams, lot.reuse_count, moved.job_id, moved.build_id,
  moved.actor, moved.note, moved.moved_at
FROM unnest(
  CAST(:lot_ids AS text[]), CAST(:kinds AS text[]), CAST(:grams AS integer[]), CAST(:actors AS text[]),
  CAST(:notes AS text[]), CAST(:job_ids AS text[]), CAST(:build_ids AS text[]), CAST(:moved_at AS timestamptz[])
) AS moved(lot_id, kind, grams, actor, note, job_id, build_id, moved_at)
JOIN material_lots AS lot ON lot.id = moved.lot_id ORDER BY lot.id
""")
