"""Lines that are routed again: why, what became of their promises, and nodes that don't get one again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    BuyerReader,
    BuyerWriter,
    Filter,
    Identifier,
    JobsWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.errors import OwnersOnly
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.order_answers import read_order
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.api.schemas.orders import OrderOut
from fabroute.api.schemas.rerouting import (
    JobFailureIn,
    LineAttentionOut,
    ObjectiveIn,
    RerouteOut,
    RetryIn,
    TimelineEntryOut,
    attention_out,
    job_failure,
    reroute_out,
    timeline_entry_out,
)
from fabroute.orders.service import UnknownOrder
from fabroute.orders.service.attention import UnknownLine
from fabroute.production import service as production
from fabroute.production.rules import RerouteCause
from fabroute.production.service.rerouting import attention, failing, objectives, settling, timeline

router = APIRouter(prefix="/v1", tags=["rerouting"], route_class=ContractRoute)

Position = Annotated[int, Path(ge=1, le=10_000, description="The line's place in its order, from 1.")]


@router.get("/reroutes", responses=docs.NEXT_PAGE | docs.problems(OwnersOnly))
def list_reroutes(
    request: Request,
    response: Response,
    caller: BuyerReader,
    session: ReadSession,
    page: PageQuery,
    cause: RerouteCause | None = None,
    order_id: Filter = None,
    node_id: Filter = None,
    settled: Annotated[bool | None, Query(description="Only those that were decided again, or only open ones.")] = None,
) -> Listing[RerouteOut]:
    """List the jobs of yours that left their nodes, newest first, with the cause and what became of the promise.

    The operator sees those of all owners.
    """
    wanted = settling.RerouteFilter(
        organisation_id=None if caller.kind == "operator" else caller.organisation_id,
        order_id=order_id,
        node_id=node_id,
        cause=cause,
        settled=settled,
    )
    found = settling.list_reroutes(session, wanted=wanted, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, reroute_out)


@router.get(
    "/orders/{order_id}/timeline",
    responses=docs.NEXT_PAGE | docs.problems(UnknownOrder, OwnersOnly, timeline.MalformedCursor),
)
def get_timeline(
    request: Request,
    response: Response,
    order_id: Identifier,
    caller: BuyerReader,
    session: ReadSession,
    page: PageQuery,
) -> Listing[TimelineEntryOut]:
    """Read what happened to an order, oldest first: decided, offered, declined, re-routed and why, made, delivered."""
    found = timeline.order_timeline(session, principal=caller, order_id=order_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, timeline_entry_out)


@router.get("/orders/{order_id}/lines/{position}/exclusions", responses=docs.problems(UnknownLine, OwnersOnly))
def get_exclusions(
    order_id: Identifier, position: Position, caller: BuyerReader, session: ReadSession
) -> LineAttentionOut:
    """Read which nodes don't get a line again: they declined it, didn't answer, or could not make it."""
    return attention_out(attention.get_attention(session, principal=caller, order_id=order_id, position=position))


@router.delete(
    "/orders/{order_id}/lines/{position}/exclusions/{node_id}",
    responses=docs.problems(UnknownLine, OwnersOnly, attention.UnknownExclusion),
)
def lift_exclusion(
    order_id: Identifier,
    position: Position,
    node_id: Identifier,
    caller: BuyerWriter,
    session: WriteSession,
    now: Now,
) -> LineAttentionOut:
    """Let a node have a line again; one that waits for attention, or has no route, is routed again."""
    found = attention.lift_exclusion(
        session, principal=caller, order_id=order_id, position=position, node_id=node_id, now=now
    )
    return attention_out(found)


@router.post(
    "/orders/{order_id}/lines/{position}/retry",
    responses=docs.problems(UnknownLine, OwnersOnly, attention.InvalidRetry, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RetryIn),
)
def retry_line(
    order_id: Identifier,
    position: Position,
    caller: BuyerWriter,
    asked: Annotated[RetryIn, Depends(json_body(RetryIn))],
    session: WriteSession,
    now: Now,
) -> LineAttentionOut:
    """Send a line that waits for attention, or has no route, on its way again: no node is ruled out any more.

    But for those in `still_excluded`. Of a line that is routed or pending only the exclusions are lifted, so this can
    be repeated.
    """
    found = attention.retry_line(
        session,
        principal=caller,
        order_id=order_id,
        position=position,
        still_excluded=asked.still_excluded,
        now=now,
    )
    return attention_out(found)


@router.post(
    "/orders/{order_id}/objective",
    responses=docs.problems(
        UnknownOrder, OwnersOnly, objectives.ObjectiveFixed, objectives.OrderBeingRouted, *BODY_PROBLEMS
    ),
    openapi_extra=docs.request_body(ObjectiveIn),
)
def change_objective(
    order_id: Identifier,
    caller: BuyerWriter,
    asked: Annotated[ObjectiveIn, Depends(json_body(ObjectiveIn))],
    session: WriteSession,
    now: Now,
) -> OrderOut:
    """Route an order by another objective: what nobody has started leaves its node, and all lines are decided again.

    The alternatives of the decision tell what that is likely to cost. Lines that wait for attention or have no route
    are tried again, too; nodes that are ruled out for a line stay so. The same objective again changes nothing.
    """
    objectives.change_objective(session, principal=caller, order_id=order_id, objective=asked.objective, now=now)
    whose = None if caller.kind == "operator" else caller.organisation_id
    return read_order(session, organisation_id=whose, order_id=order_id)


@router.post(
    "/jobs/{job_id}/failure",
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.JobStateConflict,
        production.JobFinished,
        *LEASE_PROBLEMS,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(JobFailureIn),
)
def report_failure(
    job_id: Identifier,
    caller: JobsWriter,
    lease: LeaseHeader,
    asked: Annotated[JobFailureIn, Depends(json_body(JobFailureIn))],
    session: WriteSession,
    now: Now,
) -> JobOut:
    """Say that you can't finish a job: it ends, and its line goes to another node, at once and not to yours again."""
    done = failing.report_failure(
        session, principal=caller, job_id=job_id, failure=job_failure(asked), lease=lease, now=now
    )
    return job_out(done)
