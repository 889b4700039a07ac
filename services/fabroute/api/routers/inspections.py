"""Proof of quality: inspections judged by the limits of the part, scrapped prints, first articles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.certifying import certify_if_inspected
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.pages import listing
from fabroute.api.passport_links import passport_urls
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.inspections import (
    FirstArticleDecisionIn,
    FirstArticleSubmissionIn,
    InspectionIn,
    InspectionOut,
    InspectionReportedOut,
    ScrapIn,
    first_article_decision,
    inspection_out,
    inspection_reported_out,
    new_inspection,
    scrap,
    submission,
)
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.api.schemas.prints import PrintOut, print_out
from fabroute.kernel.errors import DomainError
from fabroute.production import service as production
from fabroute.production.service import inspection as proofs

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

_AT_THE_NODE: tuple[type[DomainError], ...] = (
    production.UnknownJob,
    production.NotTheNode,
    production.JobStateConflict,
    production.UnknownEvidence,
    *LEASE_PROBLEMS,
)
PrintNumber = Annotated[int, Path(ge=1, le=1_000_000, description="Of the print, 1 for the first one of the job.")]


@router.post(
    "/jobs/{job_id}/inspections",
    status_code=201,
    responses=docs.problems(
        *_AT_THE_NODE,
        proofs.InvalidInspection,
        proofs.UnknownPrint,
        proofs.PrintMismatch,
        proofs.InspectionFailedBefore,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(InspectionIn),
)
def report_inspection(
    request: Request,
    job_id: Identifier,
    caller: JobsWriter,
    told: Annotated[InspectionIn, Depends(json_body(InspectionIn))],
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
) -> InspectionReportedOut:
    """Report an inspection of a print, or of the job as a whole. The part's limits decide whether it passed.

    The same again changes nothing. A failed one stops shipping until the print is scrapped or was put right. Once every
    part is made and passed, the job is `inspected` and its certificate of conformity is made.
    """
    done = proofs.report_inspection(
        session, principal=caller, job_id=job_id, inspection=new_inspection(told), now=now, lease=lease
    )
    certify_if_inspected(request, session, job_id=job_id, now=now)
    return inspection_reported_out(done)


@router.get("/jobs/{job_id}/inspections", responses=docs.NEXT_PAGE | docs.problems(production.UnknownJob))
def list_inspections(
    request: Request, response: Response, job_id: Identifier, caller: JobsReader, session: ReadSession, page: PageQuery
) -> Listing[InspectionOut]:
    """List the inspections of a job, oldest first."""
    found = proofs.list_inspections(session, principal=caller, job_id=job_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, inspection_out)


@router.post(
    "/jobs/{job_id}/prints/{number}/scrap",
    responses=docs.problems(
        *_AT_THE_NODE, proofs.InvalidScrap, proofs.UnknownPrint, proofs.PrintMismatch, *BODY_PROBLEMS
    ),
    openapi_extra=docs.request_body(ScrapIn),
)
def scrap_print(
    request: Request,
    job_id: Identifier,
    number: PrintNumber,
    caller: JobsWriter,
    asked: Annotated[ScrapIn, Depends(json_body(ScrapIn))],
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
) -> PrintOut:
    """Scrap a print that was reported good: it counts as failed, and the print licence gets it back.

    Certificates of the job are withdrawn. Ask for a reprint to make the part once more.
    """
    scrapped = proofs.scrap_print(
        session, principal=caller, job_id=job_id, number=number, scrap=scrap(asked), now=now, lease=lease
    )
    return print_out(scrapped, passport_urls(request, session, job_id=job_id))


@router.post(
    "/jobs/{job_id}/first-article",
    responses=docs.problems(*_AT_THE_NODE, proofs.InvalidFirstArticle, proofs.NoFirstArticle, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(FirstArticleSubmissionIn),
)
def submit_first_article(
    job_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[FirstArticleSubmissionIn, Depends(json_body(FirstArticleSubmissionIn))],
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
) -> JobOut:
    """Send a job's first article to the part's owner, with its evidence. Sent again, the later evidence counts.

    The job is held from its first good print on: nothing more is printed, and no file is given out, before the owner
    has approved.
    """
    sent = proofs.submit_first_article(
        session, principal=caller, job_id=job_id, submission=submission(asked), now=now, lease=lease
    )
    return job_out(sent)


@router.post(
    "/jobs/{job_id}/first-article/decision",
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheOwner,
        production.JobStateConflict,
        production.JobUnqualified,
        proofs.InvalidFirstArticle,
        proofs.NoFirstArticle,
        proofs.FirstArticleFailed,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(FirstArticleDecisionIn),
)
def decide_first_article(
    request: Request,
    job_id: Identifier,
    caller: JobsWriter,
    said: Annotated[FirstArticleDecisionIn, Depends(json_body(FirstArticleDecisionIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Approve a first article, and the rest may be made; or refuse it: for the part's owner alone.

    Approved, it counts for later orders too, on this machine with this material and parameter set. Refused, the print
    is scrapped; the node may make another one, or, with `again` false, the job goes to another node.
    """
    decided = proofs.decide_first_article(
        session, principal=caller, job_id=job_id, decision=first_article_decision(said), now=now
    )
    certify_if_inspected(request, session, job_id=job_id, now=now)
    return job_out(decided)
