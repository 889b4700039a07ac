"""Sending the parts of a job: packed, with papers, handed to the carrier."""

from fastapi import Response

from fabroute.api.dependencies import Identifier, JobsWriter, Now, ReadSession, WriteSession
from fabroute.console.forms import FormIn
from fabroute.console.job_records import read_job_page
from fabroute.console.pages.jobs.queue import job_path
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.production.service.shipping import moving, preparing
from fabroute.production.service.shipping.access import Desk

router = console_router()


@router.get("/jobs/{job_id}/shipment")
def show_shipment(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for a parcel."""
    return console.page("jobs/shipment.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/shipment")
def pack_parts(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Put parts into a parcel; its papers can be printed then."""
    tracking = form.text("tracking_number")
    parcel = preparing.NewParcel(
        quantity=form.whole_number("quantity", least=1, most=100_000),
        weight_grams=form.whole_number("weight_grams", least=1, most=10_000_000),
        tracking_number=tracking,
    )
    shipment = preparing.NewShipment(
        carrier=form.required("carrier", "Name who takes the parcel."),
        service=form.text("service"),
        tracking_number=tracking,
        parcels=(parcel,),
    )
    desk = Desk(principal=caller, now=now)
    preparing.prepare_shipment(session, job_id=job_id, shipment=shipment, desk=desk)
    return console.redirect(job_path(job_id), told="Packed. Print the papers, then hand the parcel over.")


@router.post("/jobs/{job_id}/shipments/{shipment_id}/handover")
def hand_over(
    console: ForPeople, job_id: Identifier, shipment_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now
) -> Response:
    """Say that the carrier has a parcel."""
    moving.hand_over(session, shipment_id=shipment_id, desk=Desk(principal=caller, now=now))
    return console.redirect(job_path(job_id), told="It is on its way. Thank you.")


@router.post("/jobs/{job_id}/shipments/{shipment_id}/unpack")
def unpack(
    console: ForPeople, job_id: Identifier, shipment_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now
) -> Response:
    """Take back a parcel that no carrier has yet."""
    preparing.cancel_shipment(session, shipment_id=shipment_id, desk=Desk(principal=caller, now=now))
    return console.redirect(job_path(job_id), told="Taken back: the parts can be packed anew.")
