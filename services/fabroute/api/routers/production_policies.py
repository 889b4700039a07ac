"""What an owner lets happen in production without being asked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import BuyerReader, BuyerWriter, Now, ReadSession, WriteSession
from fabroute.api.schemas.phases import ProductionPolicyIn, ProductionPolicyOut, production_policy_out
from fabroute.production.service.phases import policies

router = APIRouter(prefix="/v1/production-policy", tags=["policies"], route_class=ContractRoute)


@router.get(
    "",
    response_model=ProductionPolicyOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(errors.OwnersOnly),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_production_policy(request: Request, caller: BuyerReader, session: ReadSession) -> Response:
    """Read what you let happen without being asked. Its ETag is what a change has to send in If-Match."""
    found = policies.policy_of(session, organisation_id=caller.organisation_id)
    return conditional(request, production_policy_out(found), version=found.version)


@router.put(
    "",
    response_model=ProductionPolicyOut,
    responses=docs.TAGGED
    | docs.problems(
        errors.OwnersOnly,
        errors.PreconditionRequired,
        errors.UnknownTag,
        policies.PolicyChanged,
        policies.InvalidProductionPolicy,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(ProductionPolicyIn),
)
def state_production_policy(
    request: Request,
    caller: BuyerWriter,
    version: Annotated[int | None, Depends(require_match)],
    told: Annotated[ProductionPolicyIn, Depends(json_body(ProductionPolicyIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """State what you let happen without being asked; what is left out stays as it is. It holds from now on."""
    change = policies.BandChange(**told.model_dump())
    stated = policies.state_policy(
        session,
        organisation_id=caller.organisation_id,
        change=change,
        expected_version=version,
        actor=caller.key_id,
        now=now,
    )
    return conditional(request, production_policy_out(stated), version=stated.version)
