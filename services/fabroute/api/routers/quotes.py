"""Quotes: ask for price and date of a part in some quantities, and read what was offered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional
from fabroute.api.contract.attempts import answering, attempt_of, json_answer
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    Now,
    OrdersReader,
    OrdersWriter,
    PageQuery,
    ReadSession,
    get_resources,
    work_of,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.quotes import QuoteOut, QuoteRequest, QuoteSummaryOut, quote_out, quote_summary_out
from fabroute.logistics.rules import CurrencyWithoutRate, IncompleteFreightData
from fabroute.logistics.service import UnknownCountry, UnknownDestination
from fabroute.orders import service as orders

router = APIRouter(prefix="/v1", tags=["quotes"], route_class=ContractRoute)


@router.post(
    "/quotes",
    status_code=201,
    responses=docs.CREATED
    | docs.problems(
        *BODY_PROBLEMS,
        errors.QuantityOutOfRange,
        errors.UnsupportedCurrency,
        errors.NeedByOutOfRange,
        CurrencyWithoutRate,
        IncompleteFreightData,
        orders.PartNotInInventory,
        orders.RevisionNotInInventory,
        orders.RevisionNotReleased,
        orders.RevisionWithdrawn,
        UnknownCountry,
        UnknownDestination,
    ),
    openapi_extra=docs.request_body(QuoteRequest),
)
def make_quote(
    request: Request,
    response: Response,
    caller: OrdersWriter,
    asked: Annotated[QuoteRequest, Depends(json_body(QuoteRequest))],
    now: Now,
) -> QuoteOut:
    """Ask what a part costs and when it is there: up to three offers for each quantity, at once.

    Nothing is held for a quote. Accept it with `POST /v1/orders` and its `quote_id`: its price then stands and its date
    is promised, or the refusal says exactly why they can't be kept any more. A quote is made from a look at the network
    at `as_of`, which may be up to `quote_snapshot_seconds` old, a setting of this installation (10 by default).
    Carriers deliver on working days: P10, P50 and P90 are therefore often the same day.
    """
    if (attempt := attempt_of(request)) is not None:
        with work_of(request, caller) as session:
            attempt.look(session)  # what was quoted is quoted, even if its part is not orderable any more
    made = get_resources(request).quotes.make(
        asked=asked, principal=caller, now=now, answering=partial(_answering, request, now)
    )
    response.headers["Location"] = f"/v1/quotes/{made.id}"
    return quote_out(made, now=now)


@router.get("/quotes", responses=docs.NEXT_PAGE | docs.problems())
def list_quotes(
    request: Request, response: Response, caller: OrdersReader, session: ReadSession, page: PageQuery, now: Now
) -> Listing[QuoteSummaryOut]:
    """List your quotes, newest first, each with its cheapest price by quantity."""
    found = orders.list_quotes(session, organisation_id=caller.organisation_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, lambda quote: quote_summary_out(quote, now=now))


@router.get(
    "/quotes/{quote_id}",
    response_model=QuoteOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(orders.UnknownQuote),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_quote(request: Request, quote_id: Identifier, caller: OrdersReader, session: ReadSession, now: Now) -> Response:
    """Read a quote as it was made, and whether it stands, was accepted, or has expired."""
    found = orders.get_quote(session, organisation_id=caller.organisation_id, quote_id=quote_id)
    return conditional(request, quote_out(found, now=now))


@contextmanager
def _answering(request: Request, now: datetime, session: Session) -> Iterator[Callable[[orders.QuoteView], None]]:
    """Keep the answer under the request's ``Idempotency-Key``, if it has one, in the quote's transaction."""
    with answering(request, session) as attempt:
        yield (
            lambda made: (
                None
                if attempt is None
                else attempt.note(json_answer(quote_out(made, now=now), status=201, location=f"/v1/quotes/{made.id}"))
            )
        )
