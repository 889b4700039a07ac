"""Builds of a node: the plan, and those that it opens, starts and closes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.builds import (
    BuildAbortIn,
    BuildCancellationIn,
    BuildClosingIn,
    BuildIn,
    BuildOut,
    BuildPlanOut,
    BuildStartIn,
    BuildState,
    build_closing,
    build_out,
    build_plan_out,
    build_wish,
    leases_of,
)
from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.rotations import PartDoesNotFit
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.network.service import LotShort, UnknownLot, UnknownNode
from fabroute.production import service as jobs
from fabroute.production.service import builds as production
from fabroute.production.service.leases import LeaseLost, LeaseRequired

router = APIRouter(prefix="/v1", tags=["builds"], route_class=ContractRoute)

_PLANNING_PROBLEMS: tuple[type[DomainError], ...] = (
    jobs.NotTheNode,
    jobs.UnknownJob,
    jobs.JobStateConflict,
    jobs.OfferGone,
    production.EmptyBuild,
    production.JobNamedTwice,
    jobs.InvalidBuildTime,
    production.TooManyParts,
    production.BuildMixed,
    production.PartsKeptApart,
    production.BuildOverfull,
    InvalidFact,
    PartDoesNotFit,
    *BODY_PROBLEMS,
)


@router.get(
    "/nodes/{node_id}/build-plan",
    responses=docs.problems(UnknownNode, jobs.NotTheNode),
)
def get_build_plan(node_id: Identifier, caller: JobsReader, session: ReadSession, now: Now) -> BuildPlanOut:
    """Propose the builds in which your node could make what is left of its accepted jobs, those due first in front.

    Jobs of several owners share builds of one machine, material, parameter set and lot; medical, critical and
    controlled parts, first articles, and parts of owners who don't share stay apart. Jobs that were routed as one build
    stay together. A job that waits for its first article gets one print. Nothing is kept: open what you like.
    """
    return build_plan_out(production.build_plan(session, principal=caller, node_id=node_id, now=now))


@router.get("/nodes/{node_id}/builds", responses=docs.NEXT_PAGE | docs.problems(UnknownNode))
def list_builds(
    request: Request,
    response: Response,
    node_id: Identifier,
    caller: JobsReader,
    session: ReadSession,
    page: PageQuery,
    state: Annotated[BuildState | None, Query(description="Only builds in this state.")] = None,
) -> Listing[BuildOut]:
    """List a node's builds, oldest first. An owner of parts sees those with its own parts, and only these parts."""
    found = production.list_node_builds(
        session, principal=caller, node_id=node_id, state=state, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, build_out)


@router.post(
    "/nodes/{node_id}/builds",
    status_code=201,
    responses=docs.CREATED | docs.problems(UnknownNode, *_PLANNING_PROBLEMS),
    openapi_extra=docs.request_body(BuildIn),
)
def open_build(
    response: Response,
    node_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildIn, Depends(json_body(BuildIn))],
    session: WriteSession,
    now: Now,
) -> BuildOut:
    """Open a build of your node: with the jobs of a proposal, or with those that you like, and how many parts of each.

    What it holds can't be in another build. It is planned until you start it. The operator may do this on behalf of the
    node.
    """
    found = production.open_build(session, principal=caller, node_id=node_id, wish=build_wish(told), now=now)
    response.headers["Location"] = f"/v1/builds/{found.build_id}"
    return build_out(found)


@router.get(
    "/builds/{build_id}",
    response_model=BuildOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(production.UnknownBuildOfNode),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_build(request: Request, build_id: Identifier, caller: JobsReader, session: ReadSession) -> Response:
    """Read a build: whole for its node and the operator; an owner sees its own parts and their share."""
    return _build(request, session, caller, build_id)


@router.patch(
    "/builds/{build_id}",
    response_model=BuildOut,
    responses=docs.TAGGED
    | docs.problems(
        production.UnknownBuildOfNode,
        production.BuildStateConflict,
        production.BuildChanged,
        errors.PreconditionRequired,
        errors.UnknownTag,
        *_PLANNING_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(BuildIn),
)
def change_build(
    request: Request,
    build_id: Identifier,
    caller: JobsWriter,
    version: Annotated[int | None, Depends(require_match)],
    told: Annotated[BuildIn, Depends(json_body(BuildIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Plan a build anew that you have not started: its jobs, and how many parts of each, are what you send."""
    production.change_build(
        session, principal=caller, build_id=build_id, wish=build_wish(told), expected_version=version, now=now
    )
    return _build(request, session, caller, build_id)


@router.post(
    "/builds/{build_id}/cancellation",
    responses=docs.problems(
        production.UnknownBuildOfNode, production.BuildStateConflict, jobs.NotTheNode, *BODY_PROBLEMS
    ),
    openapi_extra=docs.request_body(BuildCancellationIn),
)
def cancel_build(
    build_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildCancellationIn, Depends(json_body(BuildCancellationIn))],
    session: WriteSession,
    now: Now,
) -> BuildOut:
    """Give up a build that you have not started: its parts can go into others. Again, it is answered as it is."""
    found = production.cancel_build(session, principal=caller, build_id=build_id, reason=told.reason, now=now)
    return build_out(found)


@router.post(
    "/builds/{build_id}/start",
    responses=docs.problems(
        production.UnknownBuildOfNode,
        production.BuildStateConflict,
        production.MachineBusy,
        jobs.NotTheNode,
        jobs.JobStateConflict,
        jobs.FileNotFetched,
        jobs.JobUnqualified,
        jobs.InvalidBuildTime,
        LeaseRequired,
        LeaseLost,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(BuildStartIn),
)
def start_build(
    build_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildStartIn, Depends(json_body(BuildStartIn))],
    session: WriteSession,
    now: Now,
) -> BuildOut:
    """Say that a build runs: its accepted jobs are in production from then on. One build runs on a machine at a time.

    The file of each job was fetched before. Again, it is answered as it is.
    """
    found = production.start_build(
        session,
        principal=caller,
        build_id=build_id,
        leases=leases_of(told),
        started_at=told.started_at,
        now=now,
    )
    return build_out(found)


@router.post(
    "/builds/{build_id}/closing",
    responses=docs.problems(
        production.UnknownBuildOfNode,
        production.BuildStateConflict,
        production.BuildClosedOtherwise,
        production.InvalidResult,
        jobs.NotTheNode,
        jobs.InvalidBuildTime,
        jobs.BuildTimeImplausible,
        jobs.BuildsOverlap,
        jobs.OfferGone,
        LotShort,
        UnknownLot,
        InvalidFact,
        PartDoesNotFit,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(BuildClosingIn),
)
def close_build(
    build_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildClosingIn, Depends(json_body(BuildClosingIn))],
    session: WriteSession,
    now: Now,
) -> BuildOut:
    """Close a build with what it really took. The same closing again is answered as it is; another one is refused.

    Its cost is shared by what the prints occupy, exact to the cent; the prices of the jobs stay as they are. What left
    the lot is booked against the jobs' reservations, and the machine's estimates learn from it within seconds.
    """
    found = production.close_build(session, principal=caller, build_id=build_id, closing=build_closing(told), now=now)
    return build_out(found)


@router.post(
    "/builds/{build_id}/abort",
    responses=docs.problems(
        production.UnknownBuildOfNode,
        production.BuildStateConflict,
        jobs.NotTheNode,
        jobs.InvalidBuildTime,
        LotShort,
        UnknownLot,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(BuildAbortIn),
)
def abort_build(
    build_id: Identifier,
    caller: JobsWriter,
    told: Annotated[BuildAbortIn, Depends(json_body(BuildAbortIn))],
    session: WriteSession,
    now: Now,
) -> BuildOut:
    """End a running build that broke off or was started by mistake: it is `cancelled`, with what it used booked.

    Its machine is free, its parts can go into other builds, and no estimate learns from it. A print of it that came out
    well is reported as any other. Again, it is answered as it is.
    """
    abort = production.BuildAbort(**told.model_dump())
    found = production.abort_build(session, principal=caller, build_id=build_id, abort=abort, now=now)
    return build_out(found)


def _build(request: Request, session: Session, caller: Principal, build_id: str) -> Response:
    found = production.get_build(session, principal=caller, build_id=build_id)
    return conditional(request, build_out(found), version=found.version)
