"""Routing runs: for the operator, because a run decides the orders of all owners together."""

from fastapi import APIRouter, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Operator, PageQuery, ReadSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.runs import RunOut, run_out
from fabroute.routing import service as routing

router = APIRouter(prefix="/v1", tags=["runs"], route_class=ContractRoute)


@router.get("/routing-runs", responses=docs.NEXT_PAGE | docs.problems(errors.OperatorOnly))
def list_routing_runs(
    request: Request, response: Response, caller: Operator, session: ReadSession, page: PageQuery
) -> Listing[RunOut]:
    """List the joint runs, newest first: lines decided together, cost, proven bound, and the one-by-one baseline."""
    found = routing.list_runs(session, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, run_out)
