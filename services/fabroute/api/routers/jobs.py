"""Jobs: what a node and an owner do with a job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, ReadSession, WriteSession
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.schemas.jobs import JobOut, TakeBackIn, job_out
from fabroute.production import service as production
from fabroute.production.service.phases.accepting import OfferLapsed

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)


@router.get(
    "/jobs/{job_id}",
    response_model=JobOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(production.UnknownJob),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_job(request: Request, job_id: Identifier, caller: JobsReader, session: ReadSession) -> Response:
    """Read a job: for its node, the part's owner and the operator."""
    return conditional(request, job_out(production.get_job(session, principal=caller, job_id=job_id)))


@router.post(
    "/jobs/{job_id}/acceptance",
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.JobStateConflict,
        production.JobUnqualified,
        OfferLapsed,
        *LEASE_PROBLEMS,
    ),
)
def accept_job(job_id: Identifier, caller: JobsWriter, lease: LeaseHeader, session: WriteSession, now: Now) -> JobOut:
    """Accept an offered job for your node; every gate is asked again. Of two keys that accept at once, one gets 409.

    Under your claim's lease you keep that, and prolong it by heartbeats. By hand, without a claim, you get one until
    the day after the last day of production. The same key's acceptance again is answered with the job as it is.
    """
    done = production.accept_job(session, principal=caller, job_id=job_id, lease=lease, now=now)
    return job_out(done, to_holder=True)


@router.post(
    "/jobs/{job_id}/resumption",
    responses=docs.problems(production.UnknownJob, production.JobStateConflict, production.JobUnqualified),
)
def resume_job(job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now) -> JobOut:
    """Put a held job back to where it was held, once every gate is open again. Older file tickets stay void."""
    return job_out(production.resume_job(session, principal=caller, job_id=job_id, now=now))


@router.post(
    "/jobs/{job_id}/take-back",
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheOwner,
        production.JobStateConflict,
        production.JobFinished,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(TakeBackIn),
)
def take_back_job(
    job_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[TakeBackIn, Depends(json_body(TakeBackIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Take a held job from its node; its line is routed again. The operator may take an accepted one, too."""
    taken = production.take_back_job(session, principal=caller, job_id=job_id, reason=asked.reason, now=now)
    return job_out(taken)
