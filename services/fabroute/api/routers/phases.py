"""What a node does with a job on its way: decline, counter, start, give signs of life, report, answer."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.certifying import certify_if_inspected
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsWriter, Now, ReadSession, WriteSession
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.api.schemas.phases import (
    CancellationIn,
    CounteredOut,
    CounterOfferIn,
    DeclinedOut,
    DeclineIn,
    HeartbeatOut,
    OfflineIn,
    ReportsIn,
    ReportsOut,
    SuspicionIn,
    countered_out,
    declined_out,
    heartbeat_out,
    reports_out,
)
from fabroute.kernel.errors import DomainError
from fabroute.production import service as production
from fabroute.production.service.phases import beating, cancelling, countering, declining, starting, suspecting
from fabroute.production.service.phases.accepting import OfferLapsed
from fabroute.production.service.reports import inbox
from fabroute.production.service.reports.rules import NewReport, UnknownReport

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], route_class=ContractRoute)

_OF_NODE: tuple[type[DomainError], ...] = (
    production.UnknownJob,
    production.NotTheNode,
    production.JobStateConflict,
    *LEASE_PROBLEMS,
)


@router.post(
    "/decline",
    responses=docs.problems(declining.InvalidDecline, *_OF_NODE, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(DeclineIn),
)
def decline_job(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[DeclineIn, Depends(json_body(DeclineIn))],
    session: WriteSession,
    now: Now,
) -> DeclinedOut:
    """Decline a job that you were offered, countered or accepted: its line goes to another node at once."""
    decline = declining.Decline(reason=asked.reason, text=asked.text)
    done = declining.decline_job(session, principal=caller, job_id=job_id, decline=decline, lease=lease, now=now)
    return declined_out(done)


@router.post(
    "/counter-offers",
    responses=docs.problems(
        countering.InvalidCounterOffer, OfferLapsed, production.JobUnqualified, *_OF_NODE, *BODY_PROBLEMS
    ),
    openapi_extra=docs.request_body(CounterOfferIn),
)
def counter_job(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[CounterOfferIn, Depends(json_body(CounterOfferIn))],
    session: WriteSession,
    now: Now,
) -> CounteredOut:
    """Offer to make a job at another price or by another day.

    Inside the owner's band, and if the promise to the customer still holds, the job is yours at once: `accepted`, with
    your price and day. Else it is `countered` and waits for the owner, who has a day longer than you had.
    """
    wanted = countering.NewCounterOffer(
        price_minor=None if asked.price is None else asked.price.amount_minor,
        produce_by=asked.produce_by,
        reason=asked.reason,
    )
    done = countering.counter_job(session, principal=caller, job_id=job_id, wanted=wanted, lease=lease, now=now)
    return countered_out(done, to_holder=True)


@router.post("/start", responses=docs.problems(production.FileNotFetched, production.JobUnqualified, *_OF_NODE))
def start_job(job_id: Identifier, caller: JobsWriter, lease: LeaseHeader, session: WriteSession, now: Now) -> JobOut:
    """Say that you print an accepted job; the first print that you report says so, too. Again it changes nothing."""
    return job_out(starting.start_job(session, principal=caller, job_id=job_id, lease=lease, now=now))


@router.post("/heartbeat", responses=docs.problems(*_OF_NODE))
def heartbeat(
    job_id: Identifier, caller: JobsWriter, lease: LeaseHeader, session: ReadSession, now: Now
) -> HeartbeatOut:
    """Prolong your lease on a job, and hear whether you are asked to stop. A suspect job comes back."""
    return heartbeat_out(beating.heartbeat(session, principal=caller, job_id=job_id, lease=lease, now=now))


@router.post(
    "/offline-lease",
    responses=docs.problems(beating.OfflineNotAllowed, *_OF_NODE, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(OfflineIn),
)
def go_offline(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[OfflineIn, Depends(json_body(OfflineIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Hold a job for hours without a sign of life, at a node that may. Report under the same lease when you are back.

    If the job went to another node meanwhile, your reports are refused with `lease_lost`, and kept for a person.
    """
    done = beating.go_offline(session, principal=caller, job_id=job_id, lease=lease, hours=asked.hours, now=now)
    return job_out(done, to_holder=True)


@router.post(
    "/cancellation",
    responses=docs.problems(*_OF_NODE, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(CancellationIn),
)
def answer_cancellation(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[CancellationIn, Depends(json_body(CancellationIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Say whether you stop a job that you were asked to stop: agreed, it ends; refused, you go on."""
    answer = cancelling.CancellationAnswer(agreed=asked.agreed, reason=asked.reason)
    done = cancelling.answer_cancellation(session, principal=caller, job_id=job_id, answer=answer, lease=lease, now=now)
    return job_out(done)


@router.post(
    "/suspicion",
    responses=docs.problems(production.UnknownJob, production.NotTheOwner, production.JobStateConflict, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(SuspicionIn),
)
def decide_suspicion(
    job_id: Identifier,
    caller: JobsWriter,
    asked: Annotated[SuspicionIn, Depends(json_body(SuspicionIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Decide, as the owner or the operator, about a job whose node fell silent: wait on, or route its line again."""
    done = suspecting.decide_suspicion(
        session, principal=caller, job_id=job_id, decision=asked.decision, reason=asked.reason, now=now
    )
    return job_out(done)


@router.post(
    "/reports",
    responses=docs.problems(UnknownReport, *_OF_NODE, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ReportsIn),
)
def take_reports(
    request: Request,
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[ReportsIn, Depends(json_body(ReportsIn))],
    session: WriteSession,
    now: Now,
) -> ReportsOut:
    """Report what happened to a job, numbered from 1 under your lease: in any order, any of it as often as you like.

    Reports count in the order of their numbers, each once; one that came too early waits. Another content under a known
    number is `refused`, as is what can't count, such as a print too many: `reason` says why, and the next ones go on.
    Once every part is made and passed, the job is `inspected` and its certificate of conformity is made.
    """
    reports = tuple(
        NewReport(sequence=it.sequence, name=it.name, occurred_at=it.occurred_at, data=it.data) for it in asked.reports
    )
    done = inbox.take_reports(session, principal=caller, job_id=job_id, reports=reports, lease=lease, now=now)
    certify_if_inspected(request, session, job_id=job_id, now=now)
    return reports_out(done)
