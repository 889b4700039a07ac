"""Statements on orders: their states, derived from their lines, and reading them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, func, or_, text
from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.orders.models import Order, OrderLine
from fabroute.orders.states import ORDER_STATES, LineState, OrderState

_WRITE_STATES = text("""
UPDATE orders SET state = new.state, version = version + 1, updated_at = :now
FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[])) AS new (id, state) WHERE orders.id = new.id
""")

_COUNT_UP_TO = text("""
SELECT state.name, found.orders FROM unnest(CAST(:states AS text[])) AS state (name) CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM (
        SELECT FROM orders WHERE organisation_id = :organisation_id AND orders.state = state.name LIMIT :most
    ) first
) found
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders of an organisation are listed; ``None`` means any."""

    organisation_id: str
    state: OrderState | None = None
    batch: str | None = None
    reference: str | None = None
    text: str = ""
    """Somewhere in the reference or the batch, or the whole id; or the number or name of an ordered part."""
    part_ids: tuple[str, ...] = ()
    """The parts that ``text`` means."""


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """An order that no other transaction can change until this one ends."""

    id: str
    organisation_id: str
    state: str


def lock_orders(session: Session, order_ids: Collection[str]) -> list[LockedOrder]:
    """Lock orders by id. What their lines are is read after this: no other transaction can then derive a state."""
    statement = (
        select(Order.id, Order.organisation_id, Order.state)
        .where(is_one_of(col(Order.id), sorted(order_ids)))
        .order_by(Order.id)
        .with_for_update()
    )
    return [LockedOrder(*row) for row in session.exec(statement)]


def line_states(session: Session, order_ids: Collection[str]) -> Mapping[str, list[LineState]]:
    """Return the states of the lines of each order."""
    statement = select(OrderLine.order_id, OrderLine.state).where(is_one_of(col(OrderLine.order_id), sorted(order_ids)))
    found: dict[str, list[LineState]] = {}
    for order_id, state in session.exec(statement):
        found.setdefault(order_id, []).append(cast(LineState, state))
    return found


def write_states(session: Session, states: Mapping[str, OrderState], *, now: datetime) -> None:
    """Set the states of orders: each is a new version, even where the state is the same, because its lines changed."""
    parameters = {"ids": list(states), "states": list(states.values()), "now": now}
    session.connection().execute(_WRITE_STATES, parameters)


def find_order(session: Session, *, organisation_id: str | None, order_id: str) -> Order | None:
    """Return an order, as it is now: of an organisation, of any where ``organisation_id`` is ``None``."""
    statement = select(Order).where(col(Order.id) == order_id)
    if organisation_id is not None:
        statement = statement.where(col(Order.organisation_id) == organisation_id)
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def lines_of(session: Session, order_ids: Collection[str]) -> Sequence[OrderLine]:
    """Return the lines of orders, by order and position."""
    statement = (
        select(OrderLine)
        .where(is_one_of(col(OrderLine.order_id), order_ids))
        .order_by(col(OrderLine.order_id), col(OrderLine.position))
    )
    return session.exec(statement.execution_options(populate_existing=True)).all()


def list_orders(session: Session, wanted: OrderFilter, *, before: str | None, limit: int) -> Sequence[Order]:
    """Return up to ``limit`` orders, newest first, that are older than ``before``."""
    conditions = [col(Order.organisation_id) == wanted.organisation_id]
    conditions += [
        col(column) == value
        for column, value in (
            (Order.state, wanted.state),
            (Order.batch, wanted.batch),
            (Order.reference, wanted.reference),
        )
        if value is not None
    ]
    if wanted.text:
        conditions.append(_says(wanted))
    if before is not None:
        conditions.append(col(Order.id) < before)
    return session.exec(select(Order).where(*conditions).order_by(col(Order.id).desc()).limit(limit)).all()


def _says(wanted: OrderFilter) -> ColumnElement[bool]:
    """Return the condition that an order has a text somewhere. Read newest first by its owner's index, up to a page.

    An offset of nothing keeps PostgreSQL from reading all lines first to know which orders have one of the part.
    """
    ordered = select(OrderLine.id).where(
        col(OrderLine.order_id) == col(Order.id), is_one_of(col(OrderLine.part_id), wanted.part_ids)
    )
    return or_(
        col(Order.id) == wanted.text,
        col(Order.reference).icontains(wanted.text, autoescape=True),
        col(Order.batch).icontains(wanted.text, autoescape=True),
        *((ordered.offset(0).exists(),) if wanted.part_ids else ()),
    )


def count_by_state(session: Session, *, organisation_id: str, batch: str | None) -> Mapping[str, int]:
    """Return how many orders of an organisation (and batch) are in each state."""
    statement = select(Order.state, func.count()).where(col(Order.organisation_id) == organisation_id)
    if batch is not None:
        statement = statement.where(col(Order.batch) == batch)
    return dict(session.exec(statement.group_by(col(Order.state))).all())


def count_up_to(session: Session, *, organisation_id: str, most: int) -> Mapping[OrderState, int]:
    """Return how many orders of an organisation are in each state, counting no further than to ``most``."""
    values = {"states": list(ORDER_STATES), "organisation_id": organisation_id, "most": most}
    return {row.name: row.orders for row in session.connection().execute(_COUNT_UP_TO, values)}
