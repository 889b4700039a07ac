"""Planning scopes: for the operator, because the lines of all owners are decided in them."""

from fastapi import APIRouter, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import Operator, PageQuery, ReadSession
from fabroute.api.pages import listing, window
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.planning_scopes import PlanningScopeOut, planning_scope_out
from fabroute.routing.service.scopes import list_scopes

router = APIRouter(prefix="/v1", tags=["runs"], route_class=ContractRoute)


@router.get("/planning-scopes", responses=docs.NEXT_PAGE | docs.problems(errors.OperatorOnly))
def list_planning_scopes(
    request: Request, response: Response, caller: Operator, session: ReadSession, page: PageQuery
) -> Listing[PlanningScopeOut]:
    """List the planning scopes by name: what waits in each, who decides it now, and what its last run came to."""
    found = window(list_scopes(session), page, key=lambda scope: scope.name)
    return listing(request, response, found, planning_scope_out)
