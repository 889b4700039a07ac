"""Shipments: parcels of inspected jobs, where they are, and the papers on them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    JobsReader,
    JobsWriter,
    Now,
    OrdersReader,
    ReadSession,
    WriteSession,
    get_resources,
)
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.papers import PAPER, look_of, paper
from fabroute.api.schemas.shipments import (
    LossIn,
    ShipmentEventIn,
    ShipmentIn,
    ShipmentList,
    ShipmentOut,
    new_event,
    new_shipment,
    shipment_out,
)
from fabroute.integrations.paper.label import render_labels
from fabroute.integrations.paper.slip import render_slip
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStoreDown
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import UnknownOrder
from fabroute.production import service as production
from fabroute.production.service.conformity import PartsRecalled
from fabroute.production.service.shipping import access, losing, moving, papers, preparing
from fabroute.production.service.shipping.access import Desk

router = APIRouter(prefix="/v1", tags=["shipments"], route_class=ContractRoute)

_WRITING = (access.UnknownShipment, production.NotTheNode, access.ShipmentStateConflict)
_PAPERS: tuple[type[DomainError], ...] = (
    *(access.UnknownShipment, access.ShipmentStateConflict, PartsRecalled),
    *(PrintFileMissing, PrintFileDamaged, PrintFileStoreDown),
)


@router.post(
    "/jobs/{job_id}/shipments",
    status_code=201,
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.JobStateConflict,
        preparing.InvalidShipment,
        preparing.ShipmentWithoutEvidence,
        preparing.ShipmentTooLarge,
        *LEASE_PROBLEMS,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(ShipmentIn),
)
def prepare_shipment(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[ShipmentIn, Depends(json_body(ShipmentIn))],
    session: WriteSession,
    now: Now,
) -> ShipmentOut:
    """Put inspected parts of your job into parcels: all of them, or some, until all are in shipments.

    Its packing slip and labels can be printed at once.
    """
    desk = Desk(principal=caller, lease=lease, now=now)
    prepared = preparing.prepare_shipment(session, job_id=job_id, shipment=new_shipment(asked), desk=desk)
    return shipment_out(prepared, warnings=papers.label_warnings(session, prepared))


@router.get("/jobs/{job_id}/shipments", responses=docs.problems(production.UnknownJob))
def list_job_shipments(job_id: Identifier, caller: JobsReader, session: ReadSession) -> ShipmentList:
    """List a job's shipments, oldest first: for its node, the part's owner and the operator."""
    found = access.list_of_job(session, principal=caller, job_id=job_id)
    return ShipmentList(data=[shipment_out(it) for it in found])


@router.get("/orders/{order_id}/shipments", responses=docs.problems(UnknownOrder))
def list_order_shipments(order_id: Identifier, caller: OrdersReader, session: ReadSession) -> ShipmentList:
    """List the shipments of your order, oldest first."""
    found = access.list_of_order(session, principal=caller, order_id=order_id)
    return ShipmentList(data=[shipment_out(it) for it in found])


@router.get("/shipments/{shipment_id}", responses=docs.problems(access.UnknownShipment))
def get_shipment(shipment_id: Identifier, caller: JobsReader, session: ReadSession) -> ShipmentOut:
    """Read a shipment, with all that was said about it: for its node, the part's owner and the operator."""
    return shipment_out(access.get_shipment(session, principal=caller, shipment_id=shipment_id))


@router.post(
    "/shipments/{shipment_id}/handover",
    responses=docs.problems(*_WRITING, production.JobStateConflict, PartsRecalled, *LEASE_PROBLEMS),
)
def hand_over_shipment(
    shipment_id: Identifier, caller: JobsWriter, lease: LeaseHeader, session: WriteSession, now: Now
) -> ShipmentOut:
    """Say that the carrier has the parcels. With the last parts of the job, the job is `shipped`. Safe to repeat."""
    desk = Desk(principal=caller, lease=lease, now=now)
    return shipment_out(moving.hand_over(session, shipment_id=shipment_id, desk=desk))


@router.post("/shipments/{shipment_id}/cancellation", responses=docs.problems(*_WRITING, *LEASE_PROBLEMS))
def cancel_shipment(
    shipment_id: Identifier, caller: JobsWriter, lease: LeaseHeader, session: WriteSession, now: Now
) -> ShipmentOut:
    """Take back a shipment that no carrier has yet; its parts may go into another. Safe to repeat."""
    desk = Desk(principal=caller, lease=lease, now=now)
    return shipment_out(preparing.cancel_shipment(session, shipment_id=shipment_id, desk=desk))


@router.post(
    "/shipments/{shipment_id}/events",
    responses=docs.problems(*_WRITING, moving.InvalidShipmentEvent, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ShipmentEventIn),
)
def record_shipment_event(
    shipment_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[ShipmentEventIn, Depends(json_body(ShipmentEventIn))],
    session: WriteSession,
    now: Now,
) -> ShipmentOut:
    """Say what you know of a shipment, in any order; the same twice is once. No lease is needed.

    Once every parcel of all of a job's parts has arrived, the job is `delivered`.
    """
    desk = Desk(principal=caller, now=now)
    return shipment_out(moving.record_event(session, shipment_id=shipment_id, event=new_event(asked), desk=desk))


@router.post(
    "/shipments/{shipment_id}/loss",
    responses=docs.problems(
        access.UnknownShipment,
        production.NotTheOwner,
        access.ShipmentStateConflict,
        production.JobStateConflict,
        losing.PartsArrived,
        losing.PartsUnderWay,
        losing.NothingArrived,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(LossIn),
)
def decide_loss(
    shipment_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[LossIn, Depends(json_body(LossIn))],
    session: WriteSession,
    now: Now,
) -> ShipmentOut:
    """Decide about a lost shipment, as the part's owner or the operator: wait, have it made again, or accept the loss.

    With `accept_loss` the job is `delivered` with the parts that arrived, and the event and the timeline say how many.
    """
    desk = Desk(principal=caller, now=now)
    decided = losing.decide_loss(
        session, shipment_id=shipment_id, decision=asked.decision, reason=asked.reason, desk=desk
    )
    return shipment_out(decided)


@router.get(
    "/shipments/{shipment_id}/packing-slip.pdf",
    response_class=Response,
    responses=PAPER | docs.NOT_MODIFIED | docs.problems(*_PAPERS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_packing_slip(request: Request, shipment_id: Identifier, caller: JobsReader, session: ReadSession) -> Response:
    """Print the packing slip, A4, in the owner's brand: what is in the parcels, and each part's passport as a code.

    No price, and not who printed the parts.
    """
    slip = papers.packing_slip(
        session,
        principal=caller,
        shipment_id=shipment_id,
        public_url=get_resources(request).settings.public_url,
    )
    return paper(request, render_slip(slip, look_of(request, slip.brand)), file_name=f"packing-slip-{shipment_id}")


@router.get(
    "/shipments/{shipment_id}/label.pdf",
    response_class=Response,
    responses=PAPER | docs.NOT_MODIFIED | docs.problems(*_PAPERS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_parcel_labels(request: Request, shipment_id: Identifier, caller: JobsReader, session: ReadSession) -> Response:
    """Print the parcels' labels in the owner's brand, 100 × 150 mm, a page each, with a Code 128."""
    labels = papers.parcel_labels(session, principal=caller, shipment_id=shipment_id)
    content = render_labels(labels, look_of(request, labels[0].brand))
    return paper(request, content, file_name=f"label-{shipment_id}")
