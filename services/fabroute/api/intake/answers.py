"""The answer to who placed an order."""

from fastapi import Response

from fabroute.orders.service import Placed, Replayed


def created(placed: Placed | Replayed) -> Response:
    """Return the answer that is kept with the order, which says so where it was given before."""
    headers = {"Location": placed.location}
    if isinstance(placed, Placed):
        return Response(placed.answer, status_code=201, headers=headers, media_type="application/json")
    headers["Idempotency-Replayed"] = "true"
    return Response(placed.answer, status_code=placed.status, headers=headers, media_type="application/json")
