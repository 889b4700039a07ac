"""The network today and as it is known to be in some weeks: what ends by then, and what is planned by then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fabroute.network.rules import NodeCalendar, daily_capacity_minutes
from fabroute.routing.rules.readiness import LOOKAHEAD_DAYS
from fabroute.routing.service.quoting import QuoteBook, read_book
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The network as it is, and as it will be ``LOOKAHEAD_DAYS`` later as far as that is known."""

    now: QuoteBook
    later: QuoteBook


def read_books(session: Session, *, now: datetime, horizon_days: int) -> Books:
    """Return both books of one instant; read them in a repeatable-read unit of work.

    The later one has the certificates, first articles, lots, tariffs and rates of that day, and what is planned and
    reserved of machines. Days after the planned ones are those of empty machines. What is down now is down then.
    """
    then = now + timedelta(days=LOOKAHEAD_DAYS)
    snapshot = read_snapshot(session, lines=(), now=then, horizon_days=horizon_days)
    planned_to = now.date() + timedelta(days=horizon_days - 1)
    return Books(
        now=read_book(session, now=now, horizon_days=horizon_days),
        later=QuoteBook(snapshot=with_unplanned_days(snapshot, planned_to=planned_to)).warm(),
    )


def with_unplanned_days(snapshot: RoutingSnapshot, *, planned_to: date) -> RoutingSnapshot:
    """Return a snapshot with all that machines will offer on the days after ``planned_to``, as no calendar says yet."""
    known = max(0, (planned_to - snapshot.network.first_day).days + 1)
    return replace(
        snapshot,
        network=replace(snapshot.network, capacity=_capacity(snapshot, known=min(known, snapshot.horizon_days))),
    )


def _capacity(snapshot: RoutingSnapshot, *, known: int) -> Mapping[str, tuple[int, ...]]:
    network, calendars = snapshot.network, Calendars(now=snapshot.now, horizon_days=snapshot.horizon_days)
    days = [network.first_day + timedelta(days=day) for day in range(known, snapshot.horizon_days)]
    offered: dict[tuple[NodeCalendar, float], tuple[int, ...]] = {}
    found = {}
    for machine_id, machine in network.machines.items():
        key = (calendars.clock(network.nodes[machine.node_id]).calendar, machine.utilisation)
        if key not in offered:
            offered[key] = tuple(daily_capacity_minutes(day, utilisation=key[1], calendar=key[0]) for day in days)
        found[machine_id] = (*network.capacity[machine_id][:known], *offered[key])
    return found
