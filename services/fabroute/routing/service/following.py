"""A routing run in the traces of the orders that it decides: what it made of each stands in that order's own trace."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.orders.service import ClaimedLine
from fabroute.orders.service.traces import traces_of
from fabroute.routing.ports import JobOffer
from fabroute.routing.service.commit import Written
from fabroute.telemetry.tracing import Attribute, Span, is_tracing, record, span

Done = Callable[[Written], None]


@contextmanager
def followed_run(engine: Engine, lines: Sequence[ClaimedLine], *, run_id: str, scope: str) -> Iterator[Done]:
    """Tell of a run in the block; say what was written, once that is committed.

    The run is a span of its own, with links to the orders; each order's trace gets a span for its route, with one for
    each job that was offered. Where no spans are sent nothing is read or done for it.
    """
    if not is_tracing():
        yield _unheard
        return
    with unit_of_work(engine) as session:
        traces = traces_of(session, order_ids={line.order_id for line in lines})
    began = utc_now()
    facts: dict[str, Attribute] = {"run_id": run_id, "scope": scope, "lines": len(lines)}
    with span("routing.run", links=tuple(traces.values()), facts=facts) as running:

        def done(written: Written) -> None:
            running.note(routed=written.routed, no_route=written.no_route, deferred=written.deferred)
            _tell_orders(traces, written, running, times=(began, utc_now()), run_id=run_id)

        yield done


def _tell_orders(
    traces: Mapping[str, str], written: Written, running: Span, *, times: tuple[datetime, datetime], run_id: str
) -> None:
    offers: dict[str, list[JobOffer]] = {}
    for offer in written.offers:
        offers.setdefault(offer.order_id, []).append(offer)
    for order_id, placed in traces.items():
        own = offers.get(order_id, [])
        facts: dict[str, Attribute] = {"order_id": order_id, "run_id": run_id, "jobs": len(own)}
        routed = record("route", parent=placed, links=(running.traceparent,), times=times, facts=facts)
        for offer in own:
            _tell_offer(offer, parent=routed or placed, at=times[1])


def _tell_offer(offer: JobOffer, *, parent: str, at: datetime) -> None:
    facts = {"order_id": offer.order_id, "job_id": offer.job_id, "node_id": offer.node_id}
    record(
        "offer" if offer.dispatch_at is None else "plan", kind="producer", parent=parent, times=(at, at), facts=facts
    )


def _unheard(written: Written) -> None:
    """Nobody follows."""
