"""What it would take to print a part, and every constant behind that."""

from typing import Annotated

from fastapi import APIRouter, Depends

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.dependencies import InventoryReader, Now, ReadSession
from fabroute.api.schemas.estimates import EstimateIn, EstimatesOut, estimate_asked, estimates_out
from fabroute.inventory.service import RevisionNotMeasured
from fabroute.network.service import UnknownNode
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory
from fabroute.production import service as production

router = APIRouter(prefix="/v1", tags=["estimates"])


@router.post(
    "/estimates",
    responses=docs.problems(
        PartNotInInventory,
        RevisionNotInInventory,
        RevisionNotMeasured,
        UnknownNode,
        production.UnknownMachine,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.request_body(EstimateIn),
)
def estimate_part(
    caller: InventoryReader,
    asked: Annotated[EstimateIn, Depends(json_body(EstimateIn))],
    session: ReadSession,
    now: Now,
) -> EstimatesOut:
    """Estimate what it takes to print a part: on each machine that could, with its times, price rows and constants.

    Nothing is reserved or promised, and stores, calendars and proofs are not asked: ask for a quote. Times are given
    with P50 and P90, learnt from the machine's own builds as they are reported.
    """
    found = production.estimate_part(session, principal=caller, asked=estimate_asked(asked), now=now)
    return estimates_out(found, limit=asked.limit)
