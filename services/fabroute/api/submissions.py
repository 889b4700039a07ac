"""Reads a request to place an order, without FastAPI's dependencies: resolving them costs more than all the rest."""

import hashlib

from fastapi import Request

from fabroute.api.bodies import read_json
from fabroute.api.dependencies import get_idempotency_key, get_principal
from fabroute.api.intake.desk import Submission
from fabroute.api.schemas.orders import OrderRequest
from fabroute.identity.rules import require_scope
from fabroute.kernel.time import utc_now


async def read_submission(request: Request) -> Submission:
    """Return the order that ``request`` asks for; the same order written differently is the same request.

    Raises what is wrong with the API key, its scopes, the ``Idempotency-Key`` and the body, in this order.
    """
    principal = await get_principal(request)
    require_scope(principal, "orders:write")
    key = get_idempotency_key(request)
    asked = await read_json(request, OrderRequest)
    digest = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
    return Submission(
        principal=principal, idempotency_key=key, request_sha256=digest, asked=asked, received_at=utc_now()
    )
