"""Three nodes that can make a part, an owner, and ways to lose what was promised and to route it again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.production.rules import RerouteCause
from fabroute.production.service import accept_job, issue_ticket, offer_jobs, redeem_ticket
from fabroute.production.service.rerouting.reroute import EndState, Leaving, lock_for_reroute, reroute
from fabroute.production.service.rerouting.settling import settle_reroutes
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from tests.factories.databases import Result, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, key_of
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0)
NODES = ("N101", "N102", "N103")
_OF_LATER = frozenset({"the outbox is being emptied", "a planned job is dispatched when its wait is over"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """Nodes ``N101`` (the cheapest), ``N102`` and ``N103`` of one bureau, and an owner."""

    engine: Engine
    owner: Owner

    @property
    def buyer(self) -> Principal:
        """The owner's key."""
        return key_of(self.owner)

    def ordered(self, *quantities: int, count: int = 1) -> list[str]:
        """Place ``count`` orders of these lines, route them, and return the ids of all live jobs."""
        for _ in range(count):
            given_orders(self.engine, make_order(self.owner, quantities=quantities or (1,)))
        self.route()
        return self.jobs()

    def route(self, *, now: datetime = NOW, limits: RoutingLimits = LIMITS) -> RunReport | None:
        """Route what is pending, and settle what was routed again."""
        report = route_pending(self.engine, scope="global", now=now, dispatch=offer_jobs, limits=limits)
        self.do(lambda session: settle_reroutes(session, now=now))
        return report

    def accepted(self, job_id: str, *, fetched: bool = False) -> None:
        """Have the bureau accept a job, and fetch its file."""
        self.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=job_id, now=NOW))
        if fetched:
            ticket = self.do(lambda session: issue_ticket(session, principal=BUREAU_KEY, job_id=job_id, now=NOW))
            self.do(lambda session: redeem_ticket(session, principal=BUREAU_KEY, token=ticket.token, now=NOW))

    def lost(self, job_id: str, leaving: Leaving) -> None:
        """Take a job from its node."""
        self.do(lambda session: reroute(session, [each.id for each in lock_for_reroute(session, [job_id])], leaving))

    def jobs(self, state: str = "offered") -> list[str]:
        """Return the jobs in a state, oldest first."""
        found = self.table("SELECT id FROM jobs WHERE state = :it ORDER BY id", it=state)
        return [str(job_id) for (job_id,) in found]

    def where(self) -> list[object]:
        """Return the nodes of the offered jobs."""
        return [node for (node,) in self.table("SELECT node_id FROM jobs WHERE state = 'offered' ORDER BY node_id")]

    def reroutes(self, columns: str = "cause, node_id, outcome") -> list[tuple[object, ...]]:
        """Return columns of the re-routes, oldest first."""
        return self.table(f"SELECT {columns} FROM reroutes ORDER BY id")

    def told(self, name: str) -> list[dict[str, object]]:
        """Return the data of the events of a name, oldest first."""
        found = self.table("SELECT data FROM outbox_events WHERE name = :it ORDER BY id", it=name)
        return [data for (data,) in found if isinstance(data, dict)]

    def do(self, work: Callable[[Session], Result]) -> Result:
        """Do something in a unit of work of its own."""
        return in_transaction(self.engine, work)

    def table(self, sql: str, **values: object) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return in_transaction(self.engine, lambda session: rows(session, sql, **values))

    def broken(self) -> set[str]:
        """Return the invariants that don't hold, but for what runs and relays see to later."""
        return {finding.invariant.name for finding in check_invariants(self.engine) if finding.broken} - _OF_LATER


def given_works(engine: Engine, *, labour: tuple[int, ...] = (4_600, 6_000, 8_000), lot_grams: int = 10_000) -> Works:
    """Save the three nodes: the first has the cheapest minimum order, the others ask more."""
    nodes = tuple(
        a_node(node_id=name, minimum_order_minor=minimum, labour_minor_per_hour=wage)
        for name, minimum, wage in zip(NODES, (5_000, 6_000, 7_000), labour, strict=True)
    )
    given_routable_network(engine, nodes=nodes, lot_grams=lot_grams)
    with unit_of_work(engine):
        return Works(engine=engine, owner=given_owner(engine))


def a_leaving(
    cause: RerouteCause = "declined", *, exclude: bool = True, state: EndState = "declined", later: int = 0
) -> Leaving:
    """Return that a node declines, so many minutes later."""
    return Leaving(
        cause=cause, reason="no capacity", actor="key_bureau", now=NOW + timedelta(minutes=later), state=state,
        exclude=exclude,
    )  # fmt: skip
