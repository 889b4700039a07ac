"""How an organisation's lines are routed, as data: versions, and what each rule costs."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import BuyerReader, BuyerWriter, Now, PageQuery, ReadSession, WriteSession
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Instant, Listing
from fabroute.api.schemas.policies import PolicyCostsOut, PolicyIn, PolicyOut, costs_out, new_policy, policy_out
from fabroute.routing.service import policies, policy_costs

router = APIRouter(prefix="/v1/routing-policies", tags=["policies"], route_class=ContractRoute)

_COSTS_OF = timedelta(days=7)
_SAME: docs.Responses = {200: {"description": "The policy that already holds: nothing was changed."}}


@router.post(
    "",
    status_code=201,
    response_model=PolicyOut,
    responses=_SAME | docs.problems(errors.OwnersOnly, policies.ContradictoryPolicy, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(PolicyIn),
)
def state_routing_policy(
    response: Response,
    caller: BuyerWriter,
    told: Annotated[PolicyIn, Depends(json_body(PolicyIn))],
    session: WriteSession,
    now: Now,
) -> PolicyOut:
    """State how your lines are routed from now on: a new version, which holds for whatever is decided after it.

    It replaces the version before as a whole; `{}` is the usual way. The same again changes nothing and is answered
    with 200. Rules that contradict each other, or leave no place in the network, are refused at once. Lines without a
    route are looked at again.
    """
    policy = new_policy(caller.organisation_id, told)
    stated = policies.set_policy(session, policy=policy, actor=caller.key_id, now=now)
    response.status_code = 201 if stated.is_new else 200
    return policy_out(stated.version)


@router.get("", responses=docs.NEXT_PAGE | docs.problems(errors.OwnersOnly))
def list_routing_policies(
    request: Request, response: Response, caller: BuyerReader, session: ReadSession, page: PageQuery
) -> Listing[PolicyOut]:
    """List the versions of your policy, the newest first: that one holds. None: all is decided the usual way."""
    found = policies.list_policies(
        session, organisation_id=caller.organisation_id, cursor=page.cursor, limit=page.limit
    )
    return listing(request, response, found, policy_out)


@router.get("/costs", responses=docs.problems(errors.OwnersOnly, policy_costs.InvalidPeriod))
def read_policy_costs(
    caller: BuyerReader,
    session: ReadSession,
    now: Now,
    since: Annotated[Instant | None, Query(description="From here on; seven days ago if left out.")] = None,
    until: Annotated[Instant | None, Query(description="Up to here; now if left out.")] = None,
) -> PolicyCostsOut:
    """Read what each rule of your policy cost: every joint run decides your lines again without it and compares.

    Rules that could not bite are left out, and so are waiting and stability, which a single run can't price. Lines that
    were promised at once are decided one by one and not priced. The figures are those of the time of decision: a line
    that a later run moved stays counted.
    """
    end = until or now
    begin = since or end - _COSTS_OF
    policy_costs.require_past(since=begin, until=end, now=now)
    found = policy_costs.costs_of_rules(session, organisation_id=caller.organisation_id, since=begin, until=end)
    return costs_out(found, since=begin, until=end)
