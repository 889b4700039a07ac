"""Orders: the list that leads to each of them."""

from typing import Annotated

from fastapi import Query, Response

from fabroute.api.dependencies import OrdersReader, ReadSession, decode_cursor, encode_cursor
from fabroute.console.pages.orders import MOST_COUNTED, OrdersQuery, orders_page
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import OWNERS, console_router
from fabroute.orders import service as orders
from fabroute.orders.service import OrderFilter
from fabroute.orders.states import ORDER_STATES

router = console_router(dependencies=OWNERS)

_ROWS = 25
Text = Annotated[str, Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/orders")
def list_orders(
    console: ForPeople,
    caller: OrdersReader,
    session: ReadSession,
    text: Text = "",
    state: Text = "",
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """List the orders of the viewer's organisation, newest first, narrowed by state and text."""
    asked = OrdersQuery(
        text=text.strip(),
        state=next((it for it in ORDER_STATES if it == state), None),
        cursor=decode_cursor(cursor) if cursor else None,
    )
    wanted = OrderFilter(organisation_id=caller.organisation_id, state=asked.state, text=asked.text)
    found = orders.list_orders(session, wanted=wanted, cursor=asked.cursor, limit=_ROWS)
    counts = orders.count_orders_up_to(session, organisation_id=caller.organisation_id, most=MOST_COUNTED + 1)
    next_cursor = None if found.next_cursor is None else encode_cursor(found.next_cursor)
    return console.page(
        "orders/list.html", it=orders_page(found.items, counts=counts, asked=asked, next_cursor=next_cursor)
    )
