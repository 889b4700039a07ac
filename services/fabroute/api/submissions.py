"""Reads a request to place an order, without FastAPI's dependencies: resolving them costs more than all the rest."""

import hashlib
from datetime import datetime
from typing import Any

from fastapi import Request

from fabroute.api.bodies import read_json
from fabroute.api.dependencies import get_idempotency_key, get_principal
from fabroute.api.intake.desk import Submission
from fabroute.api.schemas.orders import OrderRequest
from fabroute.identity.rules import Principal, require_scope
from fabroute.kernel.time import utc_now

_OF_A_QUOTE = {"quote_id", "quote_offer"}
_LATER = ("split", "cost_of_waiting_per_hour", "promise")
"""Fields that orders didn't have at first: one without them has the digest of before."""
_OF_AN_ADDRESS = ("street", "postal_code")
_COMPARED = {"packaging", "need_by_hard"}
"""Fields that a quote is compared with only where they are given."""


async def read_submission(request: Request) -> Submission:
    """Return the order that ``request`` asks for; the same order written differently is the same request.

    Raises what is wrong with the API key, its scopes, the ``Idempotency-Key`` and the body, in this order.
    """
    principal = await get_principal(request)
    require_scope(principal, "orders:write")
    key = get_idempotency_key(request)
    asked = await read_json(request, OrderRequest)
    return submission_of(principal, asked, idempotency_key=key, now=utc_now())


def submission_of(principal: Principal, asked: OrderRequest, *, idempotency_key: str, now: datetime) -> Submission:
    """Return an order as the desks take it, whoever has read it."""
    return Submission(
        principal=principal,
        idempotency_key=idempotency_key,
        request_sha256=_digest(asked),
        asked=asked,
        received_at=now,
    )


def _digest(asked: OrderRequest) -> str:
    """Return what tells one order from another, however it was written.

    An order without a quote has the digest that it had before there were quotes, so that its key still finds it. Where
    a quote is accepted, saying ``plain`` is more than saying nothing: it must then be as quoted.
    """
    if asked.quote_id is None:
        later = {name: True for name in _LATER if getattr(asked, name) is None}
        content = asked.model_dump_json(exclude=dict.fromkeys(_OF_A_QUOTE, True) | later | _unsaid(asked))
    else:
        left_out = dict.fromkeys(_LATER, True) | _unsaid(asked)
        content = asked.model_dump_json(exclude=left_out) + ",".join(sorted(asked.model_fields_set & _COMPARED))
    return hashlib.sha256(content.encode()).hexdigest()


def _unsaid(asked: OrderRequest) -> dict[str, Any]:
    """Return what orders could not say once, where it isn't said: their digests stay what they were."""
    place = asked.ship_to
    address = {name: True for name in _OF_AN_ADDRESS if getattr(place, name) is None}
    unsaid: dict[str, Any] = {} if asked.first_article else {"first_article": True}
    return unsaid | ({"ship_to": address} if address else {})
