"""Parked orders: an owner's, and to the operator those of all owners."""

from fastapi import Response

from fabroute.api.dependencies import BuyerReader, Now, ReadSession
from fabroute.console.pages.parked import parked_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.orders.service.waiting import list_parked

router = console_router()

_ROWS = 100
"""Those that are needed soonest: one after the other leaves the list."""


@router.get("/parked")
def show_parked(console: ForPeople, caller: BuyerReader, session: ReadSession, now: Now) -> Response:
    """Show the parked lines of the viewer's organisation; the operator those of all, each with whose it is."""
    found = list_parked(session, principal=caller, limit=_ROWS)
    sees_all = caller.kind == "operator"
    return console.page(
        "orders/parked.html", it=parked_page(found, console.viewer.formats, whole_network=sees_all, now=now)
    )
