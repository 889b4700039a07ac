"""Revisions: their picture and their model, and what an open page waits for."""

from typing import Annotated

from fastapi import Query, Request, Response

from fabroute.api.dependencies import (
    Identifier,
    InventoryReader,
    Now,
    OwnerReader,
    OwnerWriter,
    ReadSession,
    WriteSession,
)
from fabroute.api.print_files import preview
from fabroute.console.forms import FormIn
from fabroute.console.pages.order_a_part.finding import part_path
from fabroute.console.pages.part.page import news_stamp
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.inventory import service as inventory
from fabroute.routing.service.readiness import ask_readiness, asked_report

router = console_router()


@router.get("/revisions/{revision_id}/preview.png")
def show_picture(request: Request, revision_id: Identifier, caller: InventoryReader) -> Response:
    """Show what the print file of a revision prints."""
    return preview(request, caller=caller, revision_id=revision_id, kind="png")


@router.get("/revisions/{revision_id}/preview.glb")
def send_model(request: Request, revision_id: Identifier, caller: InventoryReader) -> Response:
    """Send the model that the page of a part turns."""
    return preview(request, caller=caller, revision_id=revision_id, kind="glb")


@router.get("/revisions/{revision_id}/news")
def tell_news(
    caller: OwnerReader,
    session: ReadSession,
    revision_id: Identifier,
    stamp: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Have an open page loaded anew once what it waits for is there: a validation, a readiness report."""
    owner = caller.organisation_id
    submission = inventory.latest_submission(session, organisation_id=owner, revision_id=revision_id)
    asked = asked_report(session, organisation_id=owner)
    is_same = news_stamp(submission, asked) == stamp
    return Response(status_code=204) if is_same else Response(headers={"HX-Refresh": "true"})


@router.get("/readiness")
def show_readiness(console: ForPeople) -> Response:
    """Lead to the parts, each with how ready the network is: a report is asked for on a part's page."""
    return console.redirect("/console/parts")


@router.post("/readiness")
def ask_for_readiness(
    console: ForPeople, caller: OwnerWriter, form: FormIn, session: WriteSession, now: Now
) -> Response:
    """Have the readiness of all the viewer's parts reckoned again; back on the page of the part that they look at."""
    part = inventory.get_part(session, organisation_id=caller.organisation_id, part_no=form.required("part", "Which?"))
    ask_readiness(session, organisation_id=caller.organisation_id, actor=caller.key_id, now=now)
    return console.redirect(f"{part_path(part.part_no)}#readiness", told="Readiness is being reckoned again.")
