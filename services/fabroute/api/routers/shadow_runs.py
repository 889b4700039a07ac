"""Shadow runs: what another policy or network had made of a past time. A worker decides; nothing is done."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import BuyerReader, BuyerWriter, Identifier, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.errors import OperatorOnly
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.shadow_runs import (
    ShadowRunDetailOut,
    ShadowRunIn,
    ShadowRunOut,
    shadow_question,
    shadow_run_detail_out,
    shadow_run_out,
)
from fabroute.identity.rules import Principal
from fabroute.routing.service import shadow_runs
from fabroute.routing.service.policies import ContradictoryPolicy, UnknownPolicy
from fabroute.routing.service.shadow_runs import InvalidShadowRun, NothingArchived, UnknownShadowRun

router = APIRouter(prefix="/v1/shadow-runs", tags=["policies"], route_class=ContractRoute)

_ACCEPTED: docs.Responses = {
    202: {
        "description": "It is stored and will be decided, whatever happens to this process.",
        "headers": {"Location": {"description": "Where to follow it.", "schema": {"type": "string"}}},
    }
}


@router.post(
    "",
    status_code=202,
    responses=_ACCEPTED
    | docs.problems(
        errors.OwnersOnly,
        OperatorOnly,
        InvalidShadowRun,
        NothingArchived,
        ContradictoryPolicy,
        UnknownPolicy,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(ShadowRunIn),
)
def ask_for_shadow_run(
    response: Response,
    caller: BuyerWriter,
    told: Annotated[ShadowRunIn, Depends(json_body(ShadowRunIn))],
    session: WriteSession,
    now: Now,
) -> ShadowRunOut:
    """Have a past time decided again under another policy or, as the operator, on another network. Nothing is done.

    Each joint run of the time is decided again from its archive, with what the runs before it would have left. You see
    the figures of your own lines, the operator those of all. Follow the Location until `state` is `done`.
    """
    _require_allowed(caller, told)
    question = shadow_question(caller, told, now=now)
    asked = shadow_runs.ask_shadow_run(session, question=question, actor=caller.key_id, now=now)
    response.headers["Location"] = f"{router.prefix}/{asked.id}"
    return shadow_run_out(asked)


@router.get("", responses=docs.NEXT_PAGE | docs.problems(errors.OwnersOnly))
def list_shadow_runs(
    request: Request, response: Response, caller: BuyerReader, session: ReadSession, page: PageQuery
) -> Listing[ShadowRunOut]:
    """List your shadow runs, the newest first, in total; the joint runs of one are read with it."""
    found = shadow_runs.list_shadow_runs(
        session, organisation_id=caller.organisation_id, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, shadow_run_out)


@router.get("/{shadow_run_id}", responses=docs.problems(errors.OwnersOnly, UnknownShadowRun))
def read_shadow_run(shadow_run_id: Identifier, caller: BuyerReader, session: ReadSession) -> ShadowRunDetailOut:
    """Read how far a shadow run is, and what has come of it so far: in total, by node, by run."""
    found = shadow_runs.get_shadow_run(session, organisation_id=caller.organisation_id, shadow_run_id=shadow_run_id)
    return shadow_run_detail_out(found)


def _require_allowed(caller: Principal, told: ShadowRunIn) -> None:
    """Raise ``OperatorOnly`` where an owner supposes another network, or a policy of somebody else."""
    if caller.kind == "operator":
        return
    if told.network is not None:
        raise OperatorOnly("the network is the same for all owners: only the operator supposes another one")
    if told.organisation_id not in (None, caller.organisation_id):
        raise OperatorOnly("a policy is supposed for your own lines: leave organisation_id out")
