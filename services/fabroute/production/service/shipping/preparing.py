"""Put parts into parcels: only such as were made and inspected, and never more than were ordered."""

from dataclasses import asdict, dataclass

from sqlmodel import Session

from fabroute.identity.service import record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.production.models import Job, Parcel, Shipment
from fabroute.production.repository import shipments as rows
from fabroute.production.service.access import conflict
from fabroute.production.service.inspection.finishing import awaits_first_article, missing_inspections, revision_of
from fabroute.production.service.leases import Physical, lock_for_report
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.shipping.access import Desk, ShipmentStateConflict, lock_shipment
from fabroute.production.service.shipping.views import ShipmentView, shipment_view
from fabroute.production.service.telling import audit_entry
from fabroute.production.states import WORKING_STATES

MOST_PARCELS = 100
_NAMED = 5
_COUNTED = ("prepared", "handed_over", "in_transit", "delivered", "exception", "lost")


class InvalidShipment(DomainError):
    """A shipment without parcels, with empty ones, or of no carrier."""

    code = "invalid_shipment"
    status = 422


class ShipmentWithoutEvidence(DomainError):
    """The job's parts are not all made and inspected yet: nothing is shipped without proof."""

    code = "shipment_without_evidence"
    status = 409


class ShipmentTooLarge(DomainError):
    """The parcels hold more parts than the job has left to ship."""

    code = "shipment_too_large"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParcel:
    """A parcel to be: pieces, grams, millimetres."""

    quantity: int
    weight_grams: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    tracking_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShipment:
    """Parcels of a job, and who is to take them. Raises ``InvalidShipment``."""

    carrier: str
    parcels: tuple[NewParcel, ...]
    service: str = ""
    tracking_number: str = ""

    def __post_init__(self) -> None:
        problems = [] if self.carrier else [FieldProblem(pointer="/carrier", message="name who takes the parcels")]
        if not 1 <= len(self.parcels) <= MOST_PARCELS:
            problems.append(FieldProblem(pointer="/parcels", message=f"send 1 to {MOST_PARCELS} parcels"))
        for number, parcel in enumerate(self.parcels):
            for name in ("quantity", "weight_grams"):
                if getattr(parcel, name) < 1:
                    problems.append(FieldProblem(pointer=f"/parcels/{number}/{name}", message="must be at least 1"))
        if problems:
            raise InvalidShipment("; ".join(it.message for it in problems), problems=tuple(problems))

    @property
    def quantity(self) -> int:
        """How many parts are in its parcels."""
        return sum(parcel.quantity for parcel in self.parcels)


def prepare_shipment(session: Session, *, job_id: str, shipment: NewShipment, desk: Desk) -> ShipmentView:
    """Put inspected parts of a job into parcels, all or some of those that are left. Audited.

    Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``, ``ShipmentWithoutEvidence``,
    ``JobStateConflict`` and ``ShipmentTooLarge``.
    """
    physical = Physical(what="shipment", at=desk.now, quantity=shipment.quantity, facts=asdict(shipment))
    job = lock_for_report(session, principal=desk.principal, job_id=job_id, lease=desk.lease, physical=physical)
    job = revive(session, job, actor=desk.principal.key_id, now=desk.now)
    _require_inspected(session, job)
    left = job.quantity - rows.count_parts(session, job_id=job_id, states=_COUNTED)
    if shipment.quantity > left:
        raise ShipmentTooLarge(
            f"the parcels hold {shipment.quantity} parts, but of the {job.quantity} of job {job_id} {left} are left to "
            "ship: correct the parcels, or cancel a shipment that is only prepared"
        )
    row = _shipment_row(job, shipment, desk)
    rows.add_all(session, [row, *_parcel_rows(row.id, shipment)])
    note_shipment(session, job, row, "shipment.prepared", desk)
    return shipment_view(session, row)


def cancel_shipment(session: Session, *, shipment_id: str, desk: Desk) -> ShipmentView:
    """Take back a shipment that was not handed over; its parts may go into another. The same again changes nothing.

    Raises ``UnknownShipment``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired`` and ``ShipmentStateConflict``.
    """
    job, shipment, _ = lock_shipment(session, shipment_id=shipment_id, desk=desk)
    if shipment.state == "cancelled":
        return shipment_view(session, shipment)
    if shipment.state != "prepared":
        raise ShipmentStateConflict(
            f"shipment {shipment_id} is {shipment.state}: its parcels are with {shipment.carrier}, ask there"
        )
    cancelled = rows.change(session, shipment, {"state": "cancelled"}, now=desk.now)
    note_shipment(session, job, cancelled, "shipment.cancelled", desk)
    return shipment_view(session, cancelled)


def note_shipment(session: Session, job: Job, shipment: Shipment, action: str, desk: Desk) -> None:
    """Write on the audit log of the job what was done to one of its shipments."""
    entry = audit_entry(
        job.id,
        job.organisation_id,
        action,
        actor=desk.principal.key_id,
        now=desk.now,
        shipment_id=shipment.id,
        quantity=shipment.quantity,
    )
    record_audit(session, entry=entry)


def _require_inspected(session: Session, job: Job) -> None:
    if job.state == "inspected":
        return
    if job.state in WORKING_STATES:
        raise ShipmentWithoutEvidence(
            f"job {job.id} can't be shipped yet: {'; '.join(_missing(session, job))}",
            details={"good_prints": job.good_prints, "quantity": job.quantity},
        )
    raise conflict(job, wish="shipped")


def _missing(session: Session, job: Job) -> list[str]:
    missing = []
    if job.good_prints < job.quantity:
        missing.append(f"{job.good_prints} of {job.quantity} good prints are reported (POST /v1/jobs/{job.id}/prints)")
    prints = missing_inspections(session, job)
    if prints:
        level = revision_of(session, job).inspection_level
        named = ", ".join(str(number) for number in prints[:_NAMED])
        missing.append(
            f"{len(prints)} prints lack a passed {level} inspection, such as {named} "
            f"(POST /v1/jobs/{job.id}/inspections)"
        )
    if awaits_first_article(job):
        missing.append("its first article is not approved by the owner")
    return missing or ["its inspection is not finished"]


def _shipment_row(job: Job, shipment: NewShipment, desk: Desk) -> Shipment:
    return Shipment(
        id=new_id("shp"),
        job_id=job.id,
        organisation_id=job.organisation_id,
        order_id=job.order_id,
        node_id=job.node_id,
        carrier=shipment.carrier,
        service=shipment.service,
        tracking_number=shipment.tracking_number,
        quantity=shipment.quantity,
        created_by=desk.principal.key_id,
        created_at=desk.now,
        updated_at=desk.now,
    )


def _parcel_rows(shipment_id: str, shipment: NewShipment) -> list[Parcel]:
    return [
        Parcel(shipment_id=shipment_id, number=number, **asdict(parcel))
        for number, parcel in enumerate(shipment.parcels, start=1)
    ]
