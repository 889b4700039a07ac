"""The list of orders, as its page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from fabroute.orders.service import OrderView
from fabroute.orders.states import ORDER_STATES, OrderState

PATH = "/console/orders"
MOST_COUNTED = 1_000
"""More orders of a state are shown as more than so many: to count them all takes the longer the more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order in the list."""

    path: str
    title: str
    """What is ordered: the part of the first line by its name."""
    more: int
    """How many lines more."""
    number: str
    """Number and revision of that part."""
    reference: str
    quantity: int
    destination: str
    state: str
    placed_at: datetime
    need_by: datetime | None
    promised_at: datetime | None
    promised_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChoice:
    """A state that the list may be narrowed to, with how many orders are in it."""

    state: str
    count: int
    """How many; ``MOST_COUNTED`` where there are more."""
    has_more: bool
    path: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersPage:
    """A page of the list, and how it is narrowed."""

    rows: tuple[OrderRow, ...]
    choices: tuple[StateChoice, ...]
    text: str
    state: str
    next_path: str
    first_path: str
    """Empty on the first page."""

    @property
    def is_narrowed(self) -> bool:
        """Tell whether orders may be left out."""
        return bool(self.text or self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersQuery:
    """What the list is asked for."""

    text: str = ""
    state: OrderState | None = None
    cursor: str | None = None

    def path(self, *, cursor: str | None = None) -> str:
        """Return where the same list is, from ``cursor`` on."""
        return path_of(text=self.text, state=self.state or "", cursor=cursor or "")


def path_of(**query: str) -> str:
    """Return the path of a list; what is empty is left out."""
    given = {name: value for name, value in query.items() if value}
    return PATH + (f"?{urlencode(given)}" if given else "")


def orders_page(
    found: Sequence[OrderView], *, counts: Mapping[OrderState, int], asked: OrdersQuery, next_cursor: str | None
) -> OrdersPage:
    """Return the page for a page of orders; ``next_cursor`` as it stands in a URL."""
    return OrdersPage(
        rows=tuple(_row(order) for order in found),
        choices=_choices(counts, asked),
        text=asked.text,
        state=asked.state or "",
        next_path="" if next_cursor is None else asked.path(cursor=next_cursor),
        first_path=asked.path() if asked.cursor else "",
    )


def _choices(counts: Mapping[OrderState, int], asked: OrdersQuery) -> tuple[StateChoice, ...]:
    every = _choice("", sum(counts.values()), asked)
    return (every, *(_choice(it, counts[it], asked) for it in ORDER_STATES if counts.get(it) or asked.state == it))


def _choice(state: OrderState | Literal[""], count: int, asked: OrdersQuery) -> StateChoice:
    return StateChoice(
        state=state,
        count=min(count, MOST_COUNTED),
        has_more=count > MOST_COUNTED,
        path=path_of(text=asked.text, state=state),
        is_chosen=(asked.state or "") == state,
    )


def _row(order: OrderView) -> OrderRow:
    promises = [line.promised_at for line in order.lines if line.promised_at is not None]
    prices = [line.promised_minor for line in order.lines]
    return OrderRow(
        path=f"{PATH}/{order.id}",
        title=order.lines[0].part_name or order.lines[0].part,
        more=len(order.lines) - 1,
        number=f"{order.lines[0].part} rev {order.lines[0].revision}",
        reference=order.reference or "",
        quantity=sum(line.quantity for line in order.lines),
        destination=f"{order.ship_to.city}, {order.ship_to.country}",
        state=order.state,
        placed_at=order.placed_at,
        need_by=order.need_by,
        promised_at=max(promises) if len(promises) == len(order.lines) else None,
        promised_minor=sum(it for it in prices if it is not None) if all(it is not None for it in prices) else None,
        currency=order.currency,
    )
