"""Statements on what was made of material lots, and on recalls."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.production.models import Recall
from fabroute.production.states import ENDED_STATES

UNSHIPPED = (
    "planned",
    "offered",
    "countered",
    "accepted",
    "in_production",
    "inspected",
    "held",
    "suspect",
)
"""States of jobs that are not over and not on their way to the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedJob:
    """A job that draws from a lot, or whose builds used it."""

    job_id: str
    organisation_id: str
    node_id: str
    order_id: str
    order_line_id: str
    revision_id: str
    part_no: str
    machine_id: str
    lot_id: str
    """The first of its lots that is meant."""
    quantity: int
    good_prints: int
    failed_prints: int
    used_grams: int
    """What its closed builds took of the lots that are meant."""
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedBuild:
    """A build that was, is or shall be made of a lot."""

    build_id: str
    node_id: str
    machine_id: str
    lot_id: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedPrint:
    """A print that was made of a lot."""

    job_id: str
    number: int
    serial: str
    result: str
    build_id: str | None
    scrapped: bool


def read_affected_jobs(session: Session, *, lot_ids: Collection[str]) -> list[AffectedJob]:
    """Return the jobs that draw from these lots or used them, by id; not those that ended before they used any."""
    rows = session.connection().execute(_JOBS, {**_lots(lot_ids), "ended": sorted(ENDED_STATES)}).mappings()
    return [AffectedJob(**row) for row in rows]


def read_affected_builds(session: Session, *, lot_ids: Collection[str]) -> list[AffectedBuild]:
    """Return the builds of these lots, by id; not those that were cancelled."""
    return [AffectedBuild(**row) for row in session.connection().execute(_BUILDS, _lots(lot_ids)).mappings()]


def read_affected_prints(
    session: Session, *, job_ids: Collection[str], lot_ids: Collection[str]
) -> list[AffectedPrint]:
    """Return the prints of these jobs, by job and number; not those of a build that used another lot."""
    parameters = {"job_ids": list(job_ids), **_lots(lot_ids)}
    return [AffectedPrint(**row) for row in session.connection().execute(_PRINTS, parameters).mappings()]


def lock_drawing(session: Session, *, lot_ids: Collection[str]) -> None:
    """Lock, by id, the jobs that are not over and draw from these lots."""
    session.connection().execute(_LOCK_DRAWING, {**_lots(lot_ids), "states": list(UNSHIPPED)})


def read_drawing(session: Session, *, lot_ids: Collection[str]) -> list[str]:
    """Return the ids of the jobs that are not over and draw from these lots."""
    parameters = {**_lots(lot_ids), "states": list(UNSHIPPED)}
    return list(session.connection().execute(_DRAWING, parameters).scalars())


def read_gone(session: Session, *, lot_id: str) -> list[str]:
    """Return the ids of the jobs that draw from a lot and are on their way to the customer, or there."""
    return list(
        session.connection().execute(_DRAWING, {"lot_ids": [lot_id], "states": ["shipped", "delivered"]}).scalars()
    )


def insert_recall(session: Session, recall: Recall) -> None:
    """Keep a recall."""
    session.add(recall)
    session.flush()


def find_recall(session: Session, recall_id: str) -> Recall | None:
    """Return a recall by its id."""
    return session.get(Recall, recall_id, populate_existing=True)


def find_recall_of(session: Session, *, lot_ids: Collection[str]) -> Recall | None:
    """Return the first recall that blocked all of these lots."""
    statement = select(Recall).where(col(Recall.lot_ids).contains(sorted(lot_ids))).order_by(col(Recall.id)).limit(1)
    return session.exec(statement).one_or_none()


def recalled_supplier_lot(session: Session, *, supplier_lot: str, material: str) -> str | None:
    """Return the id of the recall of a manufacturer's lot number, None if there was none."""
    parameters = {"supplier_lot": supplier_lot, "material": material}
    found: str | None = session.connection().execute(_OF_SUPPLIER_LOT, parameters).scalar_one_or_none()
    return found


def read_recalls(
    session: Session, *, cursor: str | None, limit: int, readers: Mapping[str, Sequence[str]] | None
) -> Sequence[Recall]:
    """Return recalls, the newest first, before ``cursor``; of certain ``owners`` or ``nodes`` only where given."""
    statement = select(Recall).order_by(col(Recall.id).desc()).limit(limit)
    if cursor is not None:
        statement = statement.where(col(Recall.id) < cursor)
    if readers is not None:
        seen = text(
            "jsonb_exists_any(document -> 'owner_ids', CAST(:owners AS text[]))"
            " OR jsonb_exists_any(document -> 'node_ids', CAST(:nodes AS text[]))"
        ).bindparams(owners=list(readers["owners"]), nodes=list(readers["nodes"]))
        statement = statement.where(seen)
    return session.exec(statement).all()


def read_recalls_of_jobs(session: Session, *, job_ids: Collection[str]) -> Sequence[RowMapping]:
    """Return job, recall, reason and instant for each of these jobs whose material was recalled; oldest first."""
    return session.connection().execute(_OF_JOBS, {"job_ids": list(job_ids)}).mappings().all()


def _lots(lot_ids: Collection[str]) -> dict[str, list[str]]:
    return {"lot_ids": list(lot_ids)}


_JOBS = text("""
WITH used AS (
  SELECT job_id, min(lot_id) AS lot_id, CAST(-sum(grams) AS bigint) AS grams FROM lot_movements
  WHERE lot_id = ANY(:lot_ids) AND kind = 'consumed' AND job_id IS NOT NULL GROUP BY job_id
), built AS (
  SELECT part.job_id, min(build.lot_id) AS lot_id
  FROM builds AS build JOIN build_parts AS part ON part.build_id = build.id
  WHERE build.lot_id = ANY(:lot_ids) AND build.state <> 'cancelled' GROUP BY part.job_id
), drawing AS (
  SELECT id AS job_id, lot_id FROM jobs
  WHERE lot_id = ANY(:lot_ids) AND (state <> ALL(:ended) OR good_prints + failed_prints > 0) AND NOT EXISTS (
    SELECT FROM lot_movements AS other WHERE other.job_id = jobs.id AND other.kind = 'consumed'
      AND other.lot_id <> ALL(:lot_ids))
), affected AS (
  SELECT job_id, lot_id FROM used UNION ALL SELECT job_id, lot_id FROM built
  UNION ALL SELECT job_id, lot_id FROM drawing
)
SELECT job.id AS job_id, job.organisation_id, job.node_id, job.order_id, job.order_line_id, job.revision_id,
  job.part_no, job.machine_id, touched.lot_id, job.quantity, job.good_prints, job.failed_prints,
  coalesce(used.grams, 0) AS used_grams, job.state
FROM (SELECT job_id, min(lot_id) AS lot_id FROM affected GROUP BY job_id) AS touched
JOIN jobs AS job ON job.id = touched.job_id LEFT JOIN used ON used.job_id = job.id
WHERE job.state <> ALL(:ended) OR used.grams > 0 OR job.good_prints + job.failed_prints > 0
ORDER BY job.id
""")

_BUILDS = text("""
SELECT id AS build_id, node_id, machine_id, lot_id, state FROM builds
WHERE lot_id = ANY(:lot_ids) AND state <> 'cancelled' ORDER BY id
""")

_PRINTS = text("""
SELECT print.job_id, print.number, print.serial, print.result, print.build_id, print.scrapped_at IS NOT NULL AS scrapped
FROM print_records AS print LEFT JOIN builds AS build ON build.id = print.build_id
WHERE print.job_id = ANY(:job_ids) AND (build.lot_id IS NULL OR build.lot_id = ANY(:lot_ids))
ORDER BY print.job_id, print.number
""")

_DRAWS = "lot_id = ANY(:lot_ids) AND state = ANY(:states)"

_LOCK_DRAWING = text(f"SELECT FROM jobs WHERE {_DRAWS} ORDER BY id FOR NO KEY UPDATE")

_DRAWING = text(f"SELECT id FROM jobs WHERE {_DRAWS} ORDER BY id")

_OF_SUPPLIER_LOT = text("""
SELECT id FROM recalls WHERE supplier_lot = :supplier_lot AND material IN ('', :material) ORDER BY id LIMIT 1
""")

_OF_JOBS = text("""
WITH touched AS (
  SELECT job_id, lot_id FROM lot_movements WHERE job_id = ANY(:job_ids) AND kind = 'consumed'
  UNION SELECT part.job_id, build.lot_id FROM build_parts AS part JOIN builds AS build ON build.id = part.build_id
  WHERE part.job_id = ANY(:job_ids) AND build.state <> 'cancelled'
  UNION SELECT id, lot_id FROM jobs WHERE id = ANY(:job_ids) AND NOT EXISTS (
    SELECT FROM lot_movements AS other WHERE other.job_id = jobs.id AND other.kind = 'consumed')
)
SELECT DISTINCT touched.job_id, recall.id AS recall_id, recall.reason, recall.recalled_at, recall.supplier_lot
FROM touched JOIN recalls AS recall ON jsonb_exists(recall.lot_ids, touched.lot_id) ORDER BY recall.id, touched.job_id
""")
