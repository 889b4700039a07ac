"""What a node printed of a job, and the wish to print once more, which the part's owner decides."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.certifying import certify_if_inspected
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.pages import listing
from fabroute.api.passport_links import passport_urls
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.prints import (
    PrintIn,
    PrintOut,
    ReprintDecisionIn,
    ReprintRequestIn,
    ReprintRequestOut,
    new_reprint,
    print_out,
    print_report,
    reprint_decision,
    reprint_request_out,
)
from fabroute.inventory.service import LicenceExhausted, LicenceFrozen
from fabroute.kernel.errors import DomainError
from fabroute.production import service as production
from fabroute.production.rules import ReprintState
from fabroute.production.service.inspection.serials import SerialTaken
from fabroute.production.service.prints import NotInThatBuild

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

_AT_THE_NODE: tuple[type[DomainError], ...] = (
    production.UnknownJob,
    production.NotTheNode,
    production.JobStateConflict,
    production.UnknownEvidence,
    *LEASE_PROBLEMS,
)


@router.post(
    "/jobs/{job_id}/prints",
    status_code=201,
    responses=docs.problems(
        *_AT_THE_NODE,
        production.FileNotFetched,
        production.InvalidPrint,
        production.PrintConflict,
        SerialTaken,
        NotInThatBuild,
        production.NoPrintsLeft,
        production.JobUnqualified,
        LicenceExhausted,
        LicenceFrozen,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(PrintIn),
)
def report_print(
    request: Request,
    job_id: Identifier,
    caller: JobsWriter,
    told: Annotated[PrintIn, Depends(json_body(PrintIn))],
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
) -> PrintOut:
    """Report how a print came out. A good one takes one from the print licence; every gate is asked again.

    The first print starts the job. A good first article holds it until the owner has approved; the last good print of a
    part that needs no inspection finishes it. Without a serial of yours, a good print gets one.

    `number` makes it safe to repeat: the same report again counts once, another one under that number is refused.
    """
    report = print_report(told)
    found = production.report_print(session, principal=caller, job_id=job_id, report=report, now=now, lease=lease)
    certify_if_inspected(request, session, job_id=job_id, now=now)
    return print_out(found, passport_urls(request, session, job_id=job_id))


@router.get("/jobs/{job_id}/prints", responses=docs.NEXT_PAGE | docs.problems(production.UnknownJob))
def list_prints(
    request: Request, response: Response, job_id: Identifier, caller: JobsReader, session: ReadSession, page: PageQuery
) -> Listing[PrintOut]:
    """List the prints of a job, the first one first, each good one with its passport."""
    found = production.list_prints(session, principal=caller, job_id=job_id, cursor=page.cursor, limit=page.limit)
    passports = passport_urls(request, session, job_id=job_id)
    return listing(request, response, found, lambda record: print_out(record, passports))


@router.post(
    "/jobs/{job_id}/reprint-requests",
    status_code=201,
    responses=docs.problems(*_AT_THE_NODE, production.InvalidReprint, production.ReprintConflict, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ReprintRequestIn),
)
def request_reprint(
    job_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[ReprintRequestIn, Depends(json_body(ReprintRequestIn))],
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
) -> ReprintRequestOut:
    """Ask the part's owner for one more print after one that failed or was scrapped. The same again changes nothing."""
    found = production.request_reprint(
        session, principal=caller, job_id=job_id, request=new_reprint(asked), now=now, lease=lease
    )
    return reprint_request_out(found)


@router.get("/reprint-requests", responses=docs.NEXT_PAGE | docs.problems())
def list_reprint_requests(
    request: Request,
    response: Response,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: Annotated[ReprintState | None, Query(description="Only requests in this state.")] = None,
) -> Listing[ReprintRequestOut]:
    """List reprint requests, oldest first: for your parts, by your nodes, or all of them for the operator."""
    found = production.list_reprints(session, principal=caller, state=state, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, reprint_request_out)


@router.get("/reprint-requests/{request_id}", responses=docs.problems(production.UnknownReprint))
def get_reprint_request(request_id: Identifier, caller: JobsReader, session: ReadSession) -> ReprintRequestOut:
    """Read a reprint request."""
    return reprint_request_out(production.get_reprint(session, principal=caller, request_id=request_id))


@router.post(
    "/reprint-requests/{request_id}/decision",
    responses=docs.problems(
        production.UnknownReprint,
        production.NotTheOwner,
        production.InvalidReprint,
        production.ReprintConflict,
        production.JobStateConflict,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(ReprintDecisionIn),
)
def decide_reprint(
    request_id: Identifier,
    caller: JobsWriter,
    said: Annotated[ReprintDecisionIn, Depends(json_body(ReprintDecisionIn))],
    session: WriteSession,
    now: Now,
) -> ReprintRequestOut:
    """Grant or refuse a reprint: for the part's owner alone. The same again changes nothing."""
    decision = reprint_decision(said)
    found = production.decide_reprint(session, principal=caller, request_id=request_id, decision=decision, now=now)
    return reprint_request_out(found)
