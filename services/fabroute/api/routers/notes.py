"""What waits for a person: counter-offers, notes of nodes, reports that came too late."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.phases import (
    CounterDecisionIn,
    CounteredOut,
    CounterOfferOut,
    CounterState,
    NoteOut,
    ReconciliationOut,
    RemarkState,
    ResolutionIn,
    counter_out,
    countered_out,
    note_out,
    reconciliation_out,
)
from fabroute.production import service as production
from fabroute.production.service.phases import countering, notes, reconciling

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

_RESOLUTION = Annotated[ResolutionIn, Depends(json_body(ResolutionIn))]
_STATE = Annotated[RemarkState | None, Query(description="Only those in this state.")]


@router.get("/counter-offers", responses=docs.NEXT_PAGE | docs.problems())
def list_counter_offers(
    request: Request,
    response: Response,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: Annotated[CounterState | None, Query(description="Only those in this state.")] = None,
) -> Listing[CounterOfferOut]:
    """List counter-offers, newest first: about your parts, or of your nodes."""
    found = countering.list_counter_offers(session, principal=caller, state=state, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, counter_out)


@router.post(
    "/counter-offers/{counter_id}/decision",
    responses=docs.problems(
        countering.UnknownCounterOffer,
        countering.CounterOfferDecided,
        production.NotTheOwner,
        production.JobStateConflict,
        production.JobUnqualified,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(CounterDecisionIn),
)
def decide_counter_offer(
    counter_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[CounterDecisionIn, Depends(json_body(CounterDecisionIn))],
    session: WriteSession,
    now: Now,
) -> CounteredOut:
    """Accept a counter-offer, or refuse it: the line is routed again without that node then."""
    done = countering.decide_counter(
        session,
        principal=caller,
        counter_id=counter_id,
        accept=asked.decision == "accept",
        reason=asked.reason,
        now=now,
    )
    return countered_out(done)


@router.get("/owner-notes", responses=docs.NEXT_PAGE | docs.problems())
def list_owner_notes(
    request: Request,
    response: Response,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: _STATE = None,
) -> Listing[NoteOut]:
    """List what nodes told the owners of parts, newest first: that one can't be manufactured, and why."""
    found = notes.list_notes(session, principal=caller, state=state, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, note_out)


@router.post(
    "/owner-notes/{note_id}/closing",
    responses=docs.problems(notes.UnknownNote, notes.NoteClosed, production.NotTheOwner, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ResolutionIn),
)
def close_owner_note(
    note_id: Identifier, caller: JobsWriter, asked: _RESOLUTION, session: WriteSession, now: Now
) -> NoteOut:
    """Close a note with what was done about it. A revision on hold stays there until you release it."""
    done = notes.close_note(session, principal=caller, note_id=note_id, resolution=asked.resolution, now=now)
    return note_out(done)


@router.get("/reconciliations", responses=docs.NEXT_PAGE | docs.problems())
def list_reconciliations(
    request: Request,
    response: Response,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: _STATE = None,
) -> Listing[ReconciliationOut]:
    """List what was reported under leases that were over, newest first: parts that may exist twice."""
    found = reconciling.list_reconciliations(
        session, principal=caller, state=state, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, reconciliation_out)


@router.post(
    "/reconciliations/{reconciliation_id}/closing",
    responses=docs.problems(
        reconciling.UnknownReconciliation, reconciling.ReconciliationClosed, production.NotTheOwner, *BODY_PROBLEMS
    ),
    openapi_extra=docs.request_body(ResolutionIn),
)
def close_reconciliation(
    reconciliation_id: Identifier, caller: JobsWriter, asked: _RESOLUTION, session: WriteSession, now: Now
) -> ReconciliationOut:
    """Say what became of parts that were reported too late: bought, scrapped, sent back."""
    done = reconciling.close_reconciliation(
        session, principal=caller, reconciliation_id=reconciliation_id, resolution=asked.resolution, now=now
    )
    return reconciliation_out(done)
