"""Orders as they are answered: with what was decided for their lines, and the jobs that came of it."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from fabroute.advice.service import quote_advice
from fabroute.api.schemas.advice import ShortAdviceOut, short_advice_out
from fabroute.api.schemas.decisions import routings_out
from fabroute.api.schemas.orders import OrderOut, order_out
from fabroute.database.pages import Page
from fabroute.inventory import service as inventory
from fabroute.inventory.service import ConventionalMethod
from fabroute.orders import service as orders
from fabroute.orders.service import LineView, OrderView
from fabroute.production import service as production
from fabroute.routing import service as routing
from fabroute.routing.service import DecisionSummary


def read_order(session: Session, *, organisation_id: str | None, order_id: str) -> OrderOut:
    """Return an order as it is now, anybody's where ``organisation_id`` is ``None``; ``UnknownOrder`` without one."""
    order = orders.get_order(session, organisation_id=organisation_id, order_id=order_id)
    return with_routings(session, Page(items=(order,))).items[0]


def with_routings(session: Session, page: Page[OrderView]) -> Page[OrderOut]:
    """Return a page of orders with decisions in short, jobs, and advice, by three queries for all of them."""
    decided = {line.id: line.decision_id for order in page.items for line in order.lines if line.decision_id}
    jobs = production.jobs_of_lines(session, line_ids=decided.keys())
    summaries = routing.read_summaries(session, decision_ids=set(decided.values()))
    routings = routings_out(decided, summaries, jobs)
    advice = _advice(session, page.items, summaries)
    return Page(items=tuple(order_out(order, routings, advice) for order in page.items), next_cursor=page.next_cursor)


def _advice(
    session: Session, orders: Sequence[OrderView], summaries: Mapping[str, DecisionSummary]
) -> dict[str, ShortAdviceOut]:
    """Return by line what the conventional way would cost, of routed lines whose part knows it."""
    routed = {
        line: summary.production_minor
        for order in orders
        for line in order.lines
        if line.decision_id and (summary := summaries.get(line.decision_id)) and summary.production_minor is not None
    }
    if not routed:
        return {}
    owner = orders[0].organisation_id  # nobody sees orders of two owners at once
    known = inventory.read_conventional(session, organisation_id=owner, part_nos={line.part for line in routed})
    return {
        line.id: advice
        for line, printed in routed.items()
        if line.part in known and (advice := _advice_on(line, printed, known[line.part])) is not None
    }


def _advice_on(line: LineView, printed_minor: int, conventional: ConventionalMethod) -> ShortAdviceOut | None:
    found = quote_advice(quantity=line.quantity, printed_minor=printed_minor, conventional=conventional)
    return short_advice_out(found)
