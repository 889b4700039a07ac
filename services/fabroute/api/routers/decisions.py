"""Decisions by their ids: the whole record of why a line went where it went."""

from fastapi import APIRouter, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.caching import conditional
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Identifier, OrdersReader, ReadSession, require_no_bureau
from fabroute.api.schemas.decisions import DecisionRecordOut, decision_record_out
from fabroute.routing import service as routing

router = APIRouter(prefix="/v1", tags=["decisions"], route_class=ContractRoute)


@router.get(
    "/decisions/{decision_id}",
    response_model=DecisionRecordOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(routing.UnknownDecision, errors.OwnersOnly),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_whole_decision(
    request: Request, decision_id: Identifier, caller: OrdersReader, session: ReadSession
) -> Response:
    """Read one decision whole: what each rule costs, what would change it, and why there is no way where there is none.

    For the owner of the order and for the operator. A bureau must not learn what other nodes charge.
    """
    require_no_bureau(caller)
    organisation_id = None if caller.kind == "operator" else caller.organisation_id
    found = routing.get_decision(session, organisation_id=organisation_id, decision_id=decision_id)
    return conditional(request, decision_record_out(found))
