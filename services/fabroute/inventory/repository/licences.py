"""Statements on print licences and what is held of them. Leases are locked before licences, each by id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from fabroute.inventory.models import PrintLicence, PrintLicenceLease

_LOCK_USABLE = text("""
SELECT id, granted_prints - good_prints - leased_prints AS free FROM print_licences
WHERE id = ANY(:ids) AND state = 'active' AND (valid_to IS NULL OR valid_to >= :today)
ORDER BY id FOR UPDATE
""")

_TAKE = text("""
UPDATE print_licences licence SET leased_prints = leased_prints + wanted.prints
FROM unnest(CAST(:ids AS text[]), CAST(:prints AS int[])) AS wanted (id, prints)
WHERE licence.id = wanted.id AND licence.state = 'active'
  AND licence.good_prints + licence.leased_prints + wanted.prints <= licence.granted_prints
RETURNING licence.id
""")

_INSERT_LEASES = text("""
INSERT INTO print_licence_leases (job_id, licence_id, prints, good_prints, leased_at)
SELECT wanted.job_id, wanted.licence_id, wanted.prints, 0, :now
FROM unnest(CAST(:job_ids AS text[]), CAST(:licence_ids AS text[]), CAST(:prints AS int[]))
     AS wanted (job_id, licence_id, prints)
""")

_LOCK_LEASES = text("""
SELECT FROM print_licence_leases WHERE job_id = ANY(:job_ids) AND released_at IS NULL ORDER BY job_id FOR UPDATE
""")

_END_LEASES = text("""
UPDATE print_licence_leases SET released_at = :now WHERE job_id = ANY(:job_ids) AND released_at IS NULL
RETURNING licence_id, prints - good_prints AS prints
""")

_LOCK = text("SELECT FROM print_licences WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")

_GIVE_BACK = text("""
UPDATE print_licences licence SET leased_prints = leased_prints - given.prints
FROM unnest(CAST(:ids AS text[]), CAST(:prints AS int[])) AS given (id, prints)
WHERE licence.id = given.id
""")

_COUNT_GOOD = text("""
WITH counted AS (
    UPDATE print_licence_leases SET good_prints = good_prints + 1
    WHERE job_id = :job_id AND released_at IS NULL AND good_prints < prints
    RETURNING licence_id
)
UPDATE print_licences licence SET good_prints = good_prints + 1, leased_prints = leased_prints - 1
FROM counted WHERE licence.id = counted.licence_id
RETURNING licence.id
""")

_TAKE_OFF_GOOD = text("""
WITH counted AS (
    UPDATE print_licence_leases SET good_prints = good_prints - 1
    WHERE job_id = :job_id AND good_prints > 0
    RETURNING licence_id, released_at
)
UPDATE print_licences licence SET good_prints = good_prints - 1,
    leased_prints = leased_prints + CASE WHEN counted.released_at IS NULL THEN 1 ELSE 0 END
FROM counted WHERE licence.id = counted.licence_id
RETURNING licence.id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """What is held for a job, and the licence it is held of."""

    lease: PrintLicenceLease
    licence: PrintLicence


def add_licence(session: Session, licence: PrintLicence) -> None:
    """Keep a new licence."""
    session.add(licence)
    session.flush()


def find_licence(session: Session, *, organisation_id: str, licence_id: str, lock: bool = False) -> PrintLicence | None:
    """Return an owner's licence, locked if asked for."""
    statement = select(PrintLicence).where(
        col(PrintLicence.id) == licence_id, col(PrintLicence.organisation_id) == organisation_id
    )
    statement = statement.execution_options(populate_existing=True)
    return session.exec(statement.with_for_update() if lock else statement).one_or_none()


def read_page(
    session: Session, *, organisation_id: str, revision_id: str | None, after: str, limit: int
) -> Sequence[PrintLicence]:
    """Return up to ``limit`` licences of an owner with ids after ``after``: all, or those of a revision."""
    statement = select(PrintLicence).where(
        col(PrintLicence.organisation_id) == organisation_id, col(PrintLicence.id) > after
    )
    if revision_id is not None:
        statement = statement.where(col(PrintLicence.revision_id) == revision_id)
    return session.exec(statement.order_by(col(PrintLicence.id)).limit(limit)).all()


def read_of_revisions(session: Session, revision_ids: Collection[str]) -> Sequence[PrintLicence]:
    """Return the licences of revisions, by revision and id."""
    statement = (
        select(PrintLicence)
        .where(col(PrintLicence.revision_id).in_(revision_ids))
        .order_by(col(PrintLicence.revision_id), col(PrintLicence.id))
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).all()


def lock_active(session: Session, *, revision_id: str) -> Sequence[PrintLicence]:
    """Return the active licences of a revision, locked in the order of their ids."""
    statement = (
        select(PrintLicence)
        .where(col(PrintLicence.revision_id) == revision_id, col(PrintLicence.state) == "active")
        .order_by(col(PrintLicence.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).all()


def lock_usable(session: Session, *, licence_ids: Collection[str], today: date) -> dict[str, int]:
    """Return what is free of those licences that may be used today, locked in the order of their ids."""
    parameters = {"ids": sorted(licence_ids), "today": today}
    return {row.id: row.free for row in session.connection().execute(_LOCK_USABLE, parameters)}


def take(session: Session, prints: Mapping[str, int]) -> frozenset[str]:
    """Hold prints of licences that still have them; return the ids of those that gave them."""
    parameters = {"ids": list(prints), "prints": list(prints.values())}
    return frozenset(session.connection().execute(_TAKE, parameters).scalars())


def insert_leases(session: Session, leases: Sequence[tuple[str, str, int]], *, now: datetime) -> None:
    """Note what is held for which jobs: job, licence and prints of each."""
    job_ids, licence_ids, prints = ([lease[place] for lease in leases] for place in range(3))
    parameters = {"job_ids": job_ids, "licence_ids": licence_ids, "prints": prints, "now": now}
    session.connection().execute(_INSERT_LEASES, parameters)


def end_leases(session: Session, *, job_ids: Collection[str], now: datetime) -> dict[str, int]:
    """End the standing leases of jobs; return how many unprinted prints were held of which licence."""
    given: dict[str, int] = {}
    session.connection().execute(_LOCK_LEASES, {"job_ids": list(job_ids)})
    for row in session.connection().execute(_END_LEASES, {"job_ids": list(job_ids), "now": now}):
        given[row.licence_id] = given.get(row.licence_id, 0) + row.prints
    return given


def give_back(session: Session, prints: Mapping[str, int]) -> None:
    """Return prints that were held to their licences.

    They are locked by a statement of its own: one that locks rows and changes them begins at versions of before it
    waited, and so can wait for a third transaction that waits for it.
    """
    session.connection().execute(_LOCK, {"ids": list(prints)})
    session.connection().execute(_GIVE_BACK, {"ids": list(prints), "prints": list(prints.values())})


def find_lease(session: Session, *, job_id: str, lock: bool = False) -> LeaseRow | None:
    """Return what is held for a job, both rows locked if asked for: the lease first."""
    statement = select(PrintLicenceLease).where(col(PrintLicenceLease.job_id) == job_id)
    statement = statement.execution_options(populate_existing=True)
    lease = session.exec(statement.with_for_update() if lock else statement).one_or_none()
    if lease is None:
        return None
    licences = select(PrintLicence).where(col(PrintLicence.id) == lease.licence_id)
    licences = licences.execution_options(populate_existing=True)
    return LeaseRow(lease=lease, licence=session.exec(licences.with_for_update() if lock else licences).one())


def read_leases(session: Session, job_ids: Collection[str]) -> Sequence[LeaseRow]:
    """Return what is held for jobs, by job."""
    statement = (
        select(PrintLicenceLease, PrintLicence)
        .join(PrintLicence, col(PrintLicence.id) == col(PrintLicenceLease.licence_id))
        .where(col(PrintLicenceLease.job_id).in_(job_ids))
        .order_by(col(PrintLicenceLease.job_id))
        .execution_options(populate_existing=True)
    )
    return [LeaseRow(lease=lease, licence=licence) for lease, licence in session.exec(statement)]


def count_good(session: Session, *, job_id: str) -> bool:
    """Count a good print of a job on lease and licence; False if nothing is held for it any more."""
    return session.connection().execute(_COUNT_GOOD, {"job_id": job_id}).one_or_none() is not None


def take_off_good(session: Session, *, job_id: str) -> None:
    """Count a good print of a job no more on lease and licence; while the job lives, it holds that print again."""
    session.connection().execute(_TAKE_OFF_GOOD, {"job_id": job_id})
