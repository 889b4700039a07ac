"""How long the builds of a job took: what estimates learn from."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.build_times import (
    BuildTimeIn,
    BuildTimeOut,
    BuildWithdrawalIn,
    build_report,
    build_time_out,
)
from fabroute.production import service as production

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)


@router.post(
    "/jobs/{job_id}/build-times",
    status_code=201,
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.JobStateConflict,
        production.FileNotFetched,
        production.NoPartsLeft,
        production.InvalidBuildTime,
        production.BuildTimeImplausible,
        production.BuildTimeConflict,
        production.BuildsOverlap,
        production.OfferGone,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(BuildTimeIn),
)
def report_build_time(
    job_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildTimeIn, Depends(json_body(BuildTimeIn))],
    session: WriteSession,
    now: Now,
) -> BuildTimeOut:
    """Report how long a build of your job really took: the machine's estimates learn from it within seconds.

    `number` makes it safe to repeat: the same report again counts once, another one under that number is refused.
    Times under a tenth or over ten times of the estimate are refused, and so are those that can't have been. A build
    counts as no more than three times its estimate, or a third. The operator may report on behalf of the node.
    """
    found = production.report_build(session, principal=caller, job_id=job_id, report=build_report(told), now=now)
    return build_time_out(found)


@router.get("/jobs/{job_id}/build-times", responses=docs.NEXT_PAGE | docs.problems(production.UnknownJob))
def list_build_times(
    request: Request, response: Response, job_id: Identifier, caller: JobsReader, session: ReadSession, page: PageQuery
) -> Listing[BuildTimeOut]:
    """List the builds of a job, the first one first, each with its real and its estimated time."""
    found = production.list_builds(session, principal=caller, job_id=job_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, build_time_out)


@router.post(
    "/jobs/{job_id}/build-times/{number}/withdrawal",
    responses=docs.problems(production.UnknownJob, production.NotTheNode, production.UnknownBuild, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(BuildWithdrawalIn),
)
def withdraw_build_time(
    job_id: Identifier,
    number: Annotated[int, Path(ge=1, le=1_000_000, description="Of the build.")],
    caller: JobsWriter,
    told: Annotated[BuildWithdrawalIn, Depends(json_body(BuildWithdrawalIn))],
    session: WriteSession,
    now: Now,
) -> BuildTimeOut:
    """Withdraw a build of your job that was reported wrongly: the machine's estimates learn without it within seconds.

    It stays in the list with the reason, and its number is not given again: report the right one under the next. What
    was withdrawn before is answered as it is. The operator may do this on behalf of the node.
    """
    withdrawal = production.BuildWithdrawal(number=number, reason=told.reason)
    found = production.withdraw_build(session, principal=caller, job_id=job_id, withdrawal=withdrawal, now=now)
    return build_time_out(found)
