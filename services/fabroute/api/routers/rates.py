"""What nodes ask for an hour or a kilogram, stated by themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    ManagedNode,
    NetworkReader,
    NetworkWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.rates import RateIn, RateOut, new_rate, rate_out
from fabroute.network import service as network
from fabroute.network.service import RateCode

router = APIRouter(prefix="/v1", tags=["nodes"], route_class=ContractRoute)


@router.post(
    "/nodes/{node_id}/rates",
    status_code=201,
    responses=docs.problems(
        network.UnknownNode,
        network.UnknownRateSubject,
        network.InvalidRate,
        errors.NodeNotYours,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(RateIn),
)
def state_rate(
    caller: NetworkWriter,
    node_id: ManagedNode,
    told: Annotated[RateIn, Depends(json_body(RateIn))],
    session: WriteSession,
    now: Now,
) -> RateOut:
    """State what your node asks from a day on: it replaces the assumption in every estimate, quote and route.

    The same again changes nothing; another amount for the same day takes the place of the first, the audit log keeps
    both. A day before today (UTC) is taken for the first price of its code and subject only. Lines without a route are
    looked at again.
    """
    return rate_out(network.state_rate(session, rate=new_rate(node_id, told), actor=caller.key_id, now=now))


@router.get(
    "/nodes/{node_id}/rates", responses=docs.NEXT_PAGE | docs.problems(network.UnknownNode, errors.NodeNotYours)
)
def list_rates(
    request: Request,
    response: Response,
    node_id: Identifier,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    code: Annotated[RateCode | None, Query(description="Only prices of this kind.")] = None,
) -> Listing[RateOut]:
    """List what your node states from which day on: of each kind and subject the oldest first.

    Of what was stated for the same day, the last one counts and stands here; the audit log keeps every statement.
    """
    node = network.find_node(session, node_id=node_id)
    if caller.kind != "operator" and node.organisation_id != caller.organisation_id:
        raise errors.NodeNotYours(f"what node {node_id} asks for is seen by its own organisation and the operator only")
    found = network.list_rates(session, node_id=node_id, code=code, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, rate_out)
