"""Orders as they are answered: with what was decided for their lines, and the jobs that came of it."""

from sqlmodel import Session

from fabroute.api.schemas.decisions import routings_out
from fabroute.api.schemas.orders import OrderOut, order_out
from fabroute.database.pages import Page
from fabroute.orders import service as orders
from fabroute.orders.service import OrderView
from fabroute.production import service as production
from fabroute.routing import service as routing


def read_order(session: Session, *, organisation_id: str, order_id: str) -> OrderOut:
    """Return an order of an organisation as it is now; ``UnknownOrder`` if it has none."""
    order = orders.get_order(session, organisation_id=organisation_id, order_id=order_id)
    return with_routings(session, Page(items=(order,))).items[0]


def with_routings(session: Session, page: Page[OrderView]) -> Page[OrderOut]:
    """Return a page of orders with their decisions in short and their jobs, by two queries for all of them."""
    decided = {line.id: line.decision_id for order in page.items for line in order.lines if line.decision_id}
    jobs = production.jobs_of_lines(session, line_ids=decided.keys())
    summaries = routing.read_summaries(session, decision_ids=set(decided.values()))
    routings = routings_out(decided, summaries, jobs)
    return Page(items=tuple(order_out(order, routings) for order in page.items), next_cursor=page.next_cursor)
