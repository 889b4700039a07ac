"""Statements on what nodes and owners say to each other: counter-offers, notes, reconciliations, an owner's policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col, select

from fabroute.production.models import CounterOffer, Job, OwnerNote, ProductionPolicy, Reconciliation

Remark = TypeVar("Remark", CounterOffer, OwnerNote, Reconciliation)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersTerms:
    """What a customer was promised of a job's line, and what all lines of the order cost landed; in cents."""

    position: int
    """The line's."""
    promised_at: datetime | None
    agreed_price_minor: int | None
    """Of the quote that the order accepted: what the owner pays, wherever the parts are made."""
    max_price_minor: int | None
    criticality: str
    landed_minor: int | None
    duty_minor: int
    production_minor: int
    """Of the job's line, as it was decided: what duty there is, is paid on it."""


def add(session: Session, row: SQLModel) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def find(session: Session, kind: type[Remark], remark_id: str, *, lock: bool = False) -> Remark | None:
    """Return a remark by its id, locked if wanted."""
    return session.get(kind, remark_id, populate_existing=True, with_for_update={"key_share": True} if lock else None)


def read(
    session: Session,
    kind: type[Remark],
    *,
    organisation_id: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> Sequence[Remark]:
    """Return remarks, the newest first, before the id ``cursor``: those about parts or nodes of an organisation."""
    statement = select(kind).order_by(col(kind.id).desc()).limit(limit)
    if organisation_id is not None:
        statement = statement.where(_concerns(kind, organisation_id))
    if state is not None:
        statement = statement.where(col(kind.state) == state)
    if cursor is not None:
        statement = statement.where(col(kind.id) < cursor)
    return session.exec(statement).all()


def find_open_counter(session: Session, *, job_id: str) -> CounterOffer | None:
    """Return the counter-offer about a job that waits for an answer."""
    return session.exec(select(CounterOffer).where(CounterOffer.job_id == job_id, CounterOffer.state == "open")).first()


def find_note_of(session: Session, *, job_id: str) -> OwnerNote | None:
    """Return the note that was opened about a job."""
    return session.exec(select(OwnerNote).where(OwnerNote.job_id == job_id)).first()


def open_reconciliations(session: Session, *, job_id: str, limit: int) -> Sequence[Reconciliation]:
    """Return what was reported too late about a job and not settled, oldest first."""
    statement = select(Reconciliation).where(Reconciliation.job_id == job_id, Reconciliation.state == "open")
    return session.exec(statement.order_by(col(Reconciliation.id)).limit(limit)).all()


def find_like(session: Session, wanted: Reconciliation) -> Reconciliation | None:
    """Return what was noted already about the same report under the same lease."""
    statement = select(Reconciliation).where(
        Reconciliation.job_id == wanted.job_id,
        Reconciliation.lease_id == wanted.lease_id,
        Reconciliation.epoch == wanted.epoch,
        Reconciliation.what == wanted.what,
    )
    found = session.exec(statement.order_by(col(Reconciliation.id))).all()
    return next((row for row in found if row.reported == wanted.reported), None)


def find_policy(session: Session, organisation_id: str, *, lock: bool = False) -> ProductionPolicy | None:
    """Return what an owner lets happen without being asked, locked if wanted."""
    if lock:
        return session.get(ProductionPolicy, organisation_id, populate_existing=True, with_for_update=True)
    return session.get(ProductionPolicy, organisation_id, populate_existing=True)


def ensure_policy(session: Session, *, organisation_id: str, actor: str, now: datetime) -> None:
    """Add the policy of an owner that has stated none: version 1, nothing happens without being asked."""
    empty = ProductionPolicy(organisation_id=organisation_id, version=1, updated_by=actor, updated_at=now)
    session.exec(insert(ProductionPolicy).values(empty.model_dump()).on_conflict_do_nothing())


def customers_terms(session: Session, *, job_id: str) -> CustomersTerms | None:
    """Return what the customer of a job was promised, None of a job whose line is unknown."""
    row = session.connection().execute(_TERMS, {"job_id": job_id}).mappings().one_or_none()
    return None if row is None else CustomersTerms(**row)


def made_elsewhere(session: Session, job: Job) -> bool:
    """Return whether what this job was to make is made by another one, or under another lease of the same."""
    return bool(session.connection().execute(_ELSEWHERE, {"job_id": job.id}).scalar())


def _concerns(kind: type[Remark], organisation_id: str) -> ColumnElement[bool]:
    own_nodes = text("SELECT id FROM nodes WHERE organisation_id = :concerned").bindparams(concerned=organisation_id)
    return or_(col(kind.organisation_id) == organisation_id, col(kind.node_id).in_(own_nodes))


_TERMS = text("""
SELECT line.position, line.promised_at, placed.agreed_price_minor, placed.max_price_minor, placed.criticality,
    (SELECT CAST(sum(each.landed_minor) AS bigint) FROM order_lines other
        JOIN routing_decisions each ON each.id = other.decision_id
        WHERE other.order_id = placed.id AND other.state = 'routed') AS landed_minor,
    coalesce(CAST(decided.document #>> '{chosen,duty_minor}' AS bigint), 0) AS duty_minor,
    coalesce(CAST(decided.document #>> '{chosen,production_minor}' AS bigint), 0) AS production_minor
FROM jobs job JOIN order_lines line ON line.id = job.order_line_id JOIN orders placed ON placed.id = line.order_id
LEFT JOIN routing_decisions decided ON decided.id = job.decision_id
WHERE job.id = :job_id
""")

_ELSEWHERE = text("""
SELECT job.state IN ('accepted', 'in_production', 'inspected', 'shipped', 'delivered', 'suspect') OR EXISTS (
    SELECT FROM jobs other
    WHERE other.order_line_id = job.order_line_id AND other.id <> job.id AND other.offered_at >= job.ended_at
        AND other.state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')
)
FROM jobs job WHERE job.id = :job_id
""")
