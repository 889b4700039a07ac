"""What it would take to print a part, and every constant behind that."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import InventoryReader, Now, PageQuery, ReadSession
from fabroute.api.pages import listing, window
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.estimates import EstimateIn, EstimatesOut, estimate_asked, estimates_out
from fabroute.api.schemas.figures import FigureOut, figure_out
from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.sources import Mark, SourcedFigure
from fabroute.inventory.service import RevisionNotMeasured
from fabroute.network.service import UnknownNode
from fabroute.orders.service import PartNotInInventory, RevisionNotInInventory
from fabroute.production import service as production

router = APIRouter(prefix="/v1", tags=["estimates"], route_class=ContractRoute)

_MARKS = tuple(Mark)


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


@router.get("/constants", responses=docs.NEXT_PAGE | docs.problems(InvalidFact))
def list_constants(
    request: Request,
    response: Response,
    caller: InventoryReader,
    session: ReadSession,
    page: PageQuery,
    mark: Annotated[Mark | None, Query(description="Only those known this far.")] = None,
) -> Listing[FigureOut]:
    """List every constant of the estimates with its value, unit, mark and source, the best known first.

    What is `measured` or `stated` belongs to one machine or node: it comes with the estimates there.
    """
    found = sorted(production.list_constants(session, mark=mark), key=_place_of)
    return listing(request, response, window(found, page, key=_place_of), figure_out)


def _place_of(figure: SourcedFigure) -> str:
    """Return where a constant stands in the list, as a cursor."""
    return f"{_MARKS.index(figure.mark)}|{figure.subject}|{figure.code}"
