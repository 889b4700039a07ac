"""What stands on the papers of a shipment: facts only, without a price and without the bureau's name."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.orders import service as orders
from fabroute.orders.service import ShipTo
from fabroute.production.models import Job, Shipment
from fabroute.production.ports import Manifest, ManifestParcel
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import shipments as rows
from fabroute.production.service.conformity.recalled import require_not_recalled
from fabroute.production.service.shipping.access import ShipmentStateConflict, find_shipment
from fabroute.production.service.shipping.brands import BrandView, get_brand
from fabroute.production.service.shipping.views import ParcelView, ShipmentView, shipment_view

PASSPORTS_PATH = "/v1/passports"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipPart:
    """One piece with a serial, and where its passport is read; an empty URL: it has none."""

    serial: str
    passport_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLine:
    """So many pieces of one revision."""

    position: int
    part_no: str
    name: str
    revision: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingSlip:
    """A white-label packing slip: who sends it is the owner of the brand."""

    brand: BrandView
    shipment_id: str
    order_id: str
    order_reference: str
    """The customer's own number; empty if there is none."""
    placed_at: datetime
    packed_at: datetime
    recipient: tuple[str, ...]
    lines: tuple[SlipLine, ...]
    parcels: tuple[ParcelView, ...]
    parts: tuple[SlipPart, ...]
    """Empty where only some of a job's parts travel: nobody says which."""
    carrier: str
    service: str
    tracking_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLabel:
    """The label of one parcel."""

    brand: BrandView
    shipment_id: str
    printed_at: datetime
    """When the shipment was prepared."""
    order_reference: str
    recipient: tuple[str, ...]
    """Lines of the address, the country's code in the last one."""
    carrier: str
    service: str
    number: int
    of: int
    weight_grams: int
    barcode: str
    """The carrier's number of the parcel; before there is one, the shipment's id and the parcel's number."""


def packing_slip(session: Session, *, principal: Principal, shipment_id: str, public_url: str) -> PackingSlip:
    """Return a shipment's packing slip. Raises ``UnknownShipment``, ``ShipmentStateConflict``, ``PartsRecalled``."""
    shipment = _with_papers(session, principal=principal, shipment_id=shipment_id)
    job, view = _job_of(session, shipment), shipment_view(session, shipment)
    order = orders.get_order(session, organisation_id=shipment.organisation_id, order_id=shipment.order_id)
    return PackingSlip(
        brand=get_brand(session, organisation_id=shipment.organisation_id),
        shipment_id=shipment.id,
        order_id=order.id,
        order_reference=order.reference or "",
        placed_at=order.placed_at,
        packed_at=shipment.created_at,
        recipient=address_lines(order.ship_to),
        lines=(_line(session, job, shipment, {line.id: line.position for line in order.lines}),),
        parcels=view.parcels,
        parts=_parts(session, job, shipment, public_url=public_url),
        carrier=shipment.carrier,
        service=shipment.service,
        tracking_number=shipment.tracking_number,
    )


def parcel_labels(session: Session, *, principal: Principal, shipment_id: str) -> tuple[ParcelLabel, ...]:
    """Return the labels of a shipment's parcels. Raises the same."""
    shipment = _with_papers(session, principal=principal, shipment_id=shipment_id)
    view = shipment_view(session, shipment)
    order = orders.get_order(session, organisation_id=shipment.organisation_id, order_id=shipment.order_id)
    brand = get_brand(session, organisation_id=shipment.organisation_id)
    return tuple(
        ParcelLabel(
            brand=brand,
            shipment_id=shipment.id,
            printed_at=shipment.created_at,
            order_reference=order.reference or order.id,
            recipient=address_lines(order.ship_to),
            carrier=shipment.carrier,
            service=shipment.service,
            number=parcel.number,
            of=len(view.parcels),
            weight_grams=parcel.weight_grams,
            barcode=_barcode(view, parcel),
        )
        for parcel in view.parcels
    )


def manifest_of(session: Session, shipment: ShipmentView) -> Manifest:
    """Return what a carrier has to know of a shipment."""
    order = orders.get_order(session, organisation_id=shipment.organisation_id, order_id=shipment.order_id)
    brand = get_brand(session, organisation_id=shipment.organisation_id)
    return Manifest(
        shipment_id=shipment.shipment_id,
        carrier=shipment.carrier,
        service=shipment.service,
        tracking_number=shipment.tracking_number,
        reference=order.reference or order.id,
        sender=(brand.name, *brand.sender),
        recipient=address_lines(order.ship_to),
        recipient_country=order.ship_to.country,
        parcels=tuple(
            ManifestParcel(
                number=it.number,
                weight_grams=it.weight_grams,
                length_mm=it.length_mm,
                width_mm=it.width_mm,
                height_mm=it.height_mm,
                tracking_number=it.tracking_number,
            )
            for it in shipment.parcels
        ),
    )


def label_warnings(session: Session, shipment: ShipmentView) -> tuple[str, ...]:
    """Return what a carrier may send parcels back for, in words; empty: labels have all they need."""
    order = orders.get_order(session, organisation_id=shipment.organisation_id, order_id=shipment.order_id)
    missing = [name for name in ("street", "postal_code", "name") if not getattr(order.ship_to, name)]
    if not missing:
        return ()
    named = ", ".join(name.replace("_", " ") for name in missing)
    return (f"the labels lack the recipient's {named}: ask the owner before you hand them to the carrier",)


def address_lines(place: ShipTo) -> tuple[str, ...]:
    """Return an address as it stands on a parcel: name, street, postal code and city, country."""
    city = f"{place.postal_code} {place.city}".strip()
    return tuple(line for line in (place.name, place.street, city, place.country) if line)


def _with_papers(session: Session, *, principal: Principal, shipment_id: str) -> Shipment:
    shipment = find_shipment(session, principal=principal, shipment_id=shipment_id)
    if shipment.state == "cancelled":
        raise ShipmentStateConflict(f"shipment {shipment_id} is cancelled: it has no papers, prepare another")
    require_not_recalled(session, job_id=shipment.job_id, wish="sent out with new papers")
    return shipment


def _job_of(session: Session, shipment: Shipment) -> Job:
    job = job_rows.find_job(session, shipment.job_id)
    if job is None:
        raise LookupError(f"jobs are never deleted, but {shipment.job_id} is gone")
    return job


def _line(session: Session, job: Job, shipment: Shipment, positions: dict[str, int]) -> SlipLine:
    revision = inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id]
    return SlipLine(
        position=positions[job.order_line_id],
        part_no=revision.part_no,
        name=revision.name,
        revision=revision.revision,
        quantity=shipment.quantity,
    )


def _parts(session: Session, job: Job, shipment: Shipment, *, public_url: str) -> tuple[SlipPart, ...]:
    if shipment.quantity < job.quantity:
        return ()
    return tuple(
        SlipPart(serial=serial, passport_url=f"{public_url.rstrip('/')}{PASSPORTS_PATH}/{token}")
        for serial, token in rows.read_passports(session, job_id=job.id)
    )


def _barcode(shipment: ShipmentView, parcel: ParcelView) -> str:
    if parcel.tracking_number:
        return parcel.tracking_number
    if len(shipment.parcels) == 1:
        return shipment.tracking_number or shipment.shipment_id
    return f"{shipment.tracking_number or shipment.shipment_id}-{parcel.number}"
