"""Statements on shipments, their parcels and what is said about them; and on the jobs that they move."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col, select

from fabroute.production.models import Job, Parcel, Passport, PrintRecord, Shipment, ShipmentEvent
from fabroute.production.states import JobState, states_before

_FRESH = {"populate_existing": True}
_OPEN_TO_CARRIER = ("prepared", "handed_over", "in_transit", "exception")


def add_all(session: Session, rows: Sequence[SQLModel]) -> None:
    """Add rows in their order."""
    for row in rows:
        session.add(row)
        session.flush()


def find_shipment(session: Session, shipment_id: str) -> Shipment | None:
    """Return a shipment by its id."""
    return session.get(Shipment, shipment_id, populate_existing=True)


def lock_shipments(session: Session, *, job_id: str) -> Sequence[Shipment]:
    """Lock the shipments of a job, by id, and return them; the caller has locked the job."""
    statement = select(Shipment).where(Shipment.job_id == job_id).order_by(col(Shipment.id)).with_for_update()
    return session.exec(statement.execution_options(**_FRESH)).all()


def read_of_job(session: Session, *, job_id: str) -> Sequence[Shipment]:
    """Return the shipments of a job, oldest first."""
    return session.exec(select(Shipment).where(Shipment.job_id == job_id).order_by(col(Shipment.id))).all()


def read_of_order(session: Session, *, order_id: str, organisation_id: str) -> Sequence[Shipment]:
    """Return the shipments of an owner's order, oldest first."""
    wanted = (Shipment.order_id == order_id, Shipment.organisation_id == organisation_id)
    return session.exec(select(Shipment).where(*wanted).order_by(col(Shipment.id))).all()


def read_open_of_carrier(session: Session, *, carrier: str) -> Sequence[Shipment]:
    """Return the shipments that a carrier has to know of, oldest first."""
    wanted = (Shipment.carrier == carrier, col(Shipment.state).in_(_OPEN_TO_CARRIER))
    return session.exec(select(Shipment).where(*wanted).order_by(col(Shipment.id))).all()


def find_tracked(session: Session, *, carrier: str, reference: str) -> Sequence[tuple[str, int]]:
    """Return shipment and parcel (0: all) that a carrier means by an id or a tracking number."""
    mine = Shipment.carrier == carrier
    either = (col(Shipment.id) == reference) | (col(Shipment.tracking_number) == reference)
    whole = session.exec(select(Shipment.id).where(mine, either)).all()
    if whole:
        return [(shipment_id, 0) for shipment_id in whole]
    statement = select(Parcel.shipment_id, Parcel.number).join(Shipment, col(Shipment.id) == col(Parcel.shipment_id))
    return session.exec(statement.where(mine, Parcel.tracking_number == reference)).all()


def read_parcels(session: Session, *, shipment_ids: Collection[str]) -> Sequence[Parcel]:
    """Return parcels by shipment and number."""
    wanted = col(Parcel.shipment_id).in_(shipment_ids)
    return session.exec(select(Parcel).where(wanted).order_by(col(Parcel.shipment_id), col(Parcel.number))).all()


def read_events(session: Session, *, shipment_ids: Collection[str]) -> Sequence[ShipmentEvent]:
    """Return what was said about shipments, in the order in which it happened."""
    wanted = col(ShipmentEvent.shipment_id).in_(shipment_ids)
    statement = select(ShipmentEvent).where(wanted).order_by(col(ShipmentEvent.occurred_at), col(ShipmentEvent.id))
    return session.exec(statement).all()


def add_event(session: Session, values: Mapping[str, object]) -> bool:
    """Note what was said about a shipment; return False if it is noted already."""
    statement = insert(ShipmentEvent).values(**values).on_conflict_do_nothing().returning(col(ShipmentEvent.id))
    return session.scalars(statement).first() is not None


def change(session: Session, shipment: Shipment, values: Mapping[str, object], *, now: datetime) -> Shipment:
    """Change a shipment that the caller has locked, and return it as it is now."""
    statement = (
        update(Shipment)
        .where(col(Shipment.id) == shipment.id, col(Shipment.version) == shipment.version)
        .values({**values, "updated_at": now, "version": Shipment.version + 1})
        .returning(Shipment)
        .execution_options(**_FRESH)
    )
    return session.scalars(statement).one()


def count_parts(session: Session, *, job_id: str, states: Collection[str]) -> int:
    """Return how many parts of a job are in shipments in these states."""
    total = select(func.coalesce(func.sum(Shipment.quantity), 0))
    return int(session.exec(total.where(Shipment.job_id == job_id, col(Shipment.state).in_(states))).one())


def move_job(
    session: Session, *, job_id: str, state: JobState, values: Mapping[str, object], now: datetime
) -> Job | None:
    """Move a job that the caller has locked to ``state``; None if it may not go there from where it is."""
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.state).in_(states_before(state)))
        .values({**values, "state": state, "updated_at": now, "version": Job.version + 1})
        .returning(Job)
        .execution_options(**_FRESH)
    )
    return session.scalars(statement).one_or_none()


def correct_delivery(session: Session, *, job_id: str, delivered_at: datetime, now: datetime) -> None:
    """Write when the last part of a delivered job arrived, where something earlier or later became known."""
    known = (col(Job.id) == job_id, col(Job.state) == "delivered", col(Job.delivered_at) != delivered_at)
    changed = {"delivered_at": delivered_at, "updated_at": now, "version": Job.version + 1}
    session.exec(update(Job).where(*known).values(changed))


def read_passports(session: Session, *, job_id: str) -> Sequence[tuple[str, str]]:
    """Return serial and passport token of a job's parts that were not scrapped, by print."""
    made = (col(PrintRecord.job_id) == Passport.job_id) & (col(PrintRecord.number) == Passport.print_number)
    statement = select(Passport.serial, Passport.token).join(PrintRecord, made)
    kept = (Passport.job_id == job_id, PrintRecord.result == "good", col(PrintRecord.scrapped_at).is_(None))
    return session.exec(statement.where(*kept).order_by(col(Passport.print_number))).all()
