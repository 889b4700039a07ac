"""Advice: printed or conventional, which pathway, ready for mass production, viable at all. Nothing is stored."""

from typing import Annotated

from fastapi import APIRouter, Depends

from fabroute.advice import service as advice
from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import InventoryReader, Now, ReadSession, require_no_bureau
from fabroute.api.errors import OwnersOnly
from fabroute.api.schemas.advice import MethodIn, MethodOut, method_out, method_question
from fabroute.api.schemas.batch_advice import (
    MassProductionIn,
    MassProductionOut,
    PathwaysIn,
    PathwaysOut,
    ViabilityIn,
    ViabilityOut,
    mass_production_out,
    pathways_out,
    transition_question,
    viability_out,
)
from fabroute.estimation.facts import InvalidFact
from fabroute.identity.rules import Principal
from fabroute.logistics.service import CurrencyWithoutRate
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory

router = APIRouter(prefix="/v1/advice", tags=["advice"], route_class=ContractRoute)


@router.post(
    "/method",
    responses=docs.problems(
        OwnersOnly,
        advice.AdviceIncomplete,
        PartNotInInventory,
        RevisionNotInInventory,
        CurrencyWithoutRate,
        InvalidFact,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(MethodIn),
)
def advise_method(
    caller: InventoryReader, asked: Annotated[MethodIn, Depends(json_body(MethodIn))], session: ReadSession, now: Now
) -> MethodOut:
    """Compare printing with the conventional way: crossover, zone, totals of both, and what is advised and why.

    Stated figures go before what a named part's record knows. What nobody knows is named in `missing`.
    """
    _require_owner_of(asked.part, caller)
    question = method_question(caller.organisation_id, asked)
    return method_out(asked, advice.ask_method(session, question=question, today=now.date()))


@router.post("/pathways", responses=docs.problems(*BODY_PROBLEMS), openapi_extra=docs.request_body(PathwaysIn))
def advise_pathways(
    caller: InventoryReader, asked: Annotated[PathwaysIn, Depends(json_body(PathwaysIn))]
) -> PathwaysOut:
    """Rank the five ways to have a small batch made: in-house, hub, network, workshop, factory.

    Those that take the quantity go first, then those that serve the needs, are surely in time and cost least.
    """
    case = advice.PathwayCase(
        quantity=asked.quantity, needed_within_days=asked.needed_within_days, needs=frozenset(asked.needs)
    )
    return pathways_out(asked, advice.advise_pathway(case))


@router.post(
    "/mass-production",
    responses=docs.problems(OwnersOnly, PartNotInInventory, CurrencyWithoutRate, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(MassProductionIn),
)
def advise_mass_production(
    caller: InventoryReader,
    asked: Annotated[MassProductionIn, Depends(json_body(MassProductionIn))],
    session: ReadSession,
    now: Now,
) -> MassProductionOut:
    """Judge the eight signals for mass production: move only if all hold, else the missing ones are named.

    For a named part its record tells what it can: revisions, a year of orders, the last lots, tool and saving.
    """
    _require_owner_of(asked.part, caller)
    question = transition_question(caller.organisation_id, asked)
    return mass_production_out(advice.ask_transition(session, question=question, today=now.date()))


@router.post("/viability", responses=docs.problems(*BODY_PROBLEMS), openapi_extra=docs.request_body(ViabilityIn))
def screen_viability(
    caller: InventoryReader, asked: Annotated[ViabilityIn, Depends(json_body(ViabilityIn))]
) -> ViabilityOut:
    """Screen whether printing near the point of use is worth a closer look: nine questions, two preconditions.

    Compliance is asked always. What was not answered is named.
    """
    return viability_out(advice.screen_viability(dict(asked)))


def _require_owner_of(part: str | None, caller: Principal) -> None:
    """Raise ``OwnersOnly`` where a bureau names a part: its printed price would be the cheapest of its rivals."""
    if part is not None:
        require_no_bureau(caller)
