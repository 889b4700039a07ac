"""A few orders that really went their way, over HTTP and by the services: what thousands are copied from.

Twelve nodes of six bureaus, three owners (``tests.faults.chaos.network``). Each order is placed, decided, told of; some
are claimed and made and delivered, some only offered, accepted, or without a route.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.identity.service.sealing import seal_audit_log
from fabroute.kernel.ids import new_id
from fabroute.kernel.time import utc_now
from fabroute.orders.service import scopes_with_due_lines
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute.webhooks.service.sequencing import sequence_events
from tests.faults.chaos.making import Held, Maker
from tests.faults.chaos.network import ChaosNetwork, ChaosPart
from tests.faults.chaos.tally import ClaimTold, Tally
from tests.faults.chaos.temper import Temper
from tests.faults.chaos.wire import UNIX, Wire

Fate = Literal["delivered", "offered", "accepted", "no_route"]
_PUBLISHED = text("UPDATE outbox_events SET published_at = occurred_at WHERE published_at IS NULL")
PATIENT: dict[str, object] = {
    "offer_seconds": 86_400,
    "lease_seconds": 86_400,
    "rate_limit_default": 0,
    "rate_limit_polling": 0,
}
"""Settings of an API at which nothing lapses and nobody is limited."""
_PLENTY = (
    "UPDATE nodes SET offer_seconds = 86400",
    "UPDATE capacity_slots SET initial_minutes = 2000000000, remaining_minutes = 2000000000",
    "UPDATE material_lots SET initial_grams = 2000000000, remaining_grams = 2000000000",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedOrders:
    """Ids of the orders, by what became of them."""

    orders: Mapping[Fate, Sequence[str]]


@dataclass(slots=True, kw_only=True)
class Life:
    """Lets orders live at an API on a Unix socket, with the workers' part done here."""

    engine: Engine
    network: ChaosNetwork
    socket: str
    tally: Tally = field(default_factory=Tally)

    def live(self, *, ended: int = 8) -> LivedOrders:
        """Have so many orders of each owner delivered, and one of each open kind decided; return them."""
        orders: dict[Fate, Sequence[str]] = {}
        orders["delivered"] = [self._place(owner, number) for number in range(ended) for owner in range(3)]
        self.decide()
        self._work(whole=True)
        orders["accepted"] = [self._place(owner, owner) for owner in range(3)]
        self.decide()
        self._work(whole=False)
        orders["offered"] = [self._place(owner, owner + 1) for owner in range(3)]
        orders["no_route"] = [self._place(owner, owner, capped=True) for owner in range(3)]
        self.decide()
        self.settle()
        return LivedOrders(orders=orders)

    def decide(self) -> None:
        """Route all that is due."""
        for _ in range(10):
            with unit_of_work(self.engine) as session:
                scopes = scopes_with_due_lines(session)
            for scope in scopes:
                route_pending(
                    self.engine, scope=scope, now=utc_now(), dispatch=offer_jobs, limits=RoutingLimits(wall_seconds=20)
                )
            if not scopes:
                return
        raise RuntimeError("lines stay undecided")

    def settle(self) -> None:
        """Put all events into their feeds, have them published, and seal the audit log."""
        while sequence_events(self.engine, now=utc_now()).more:
            pass
        with unit_of_work(self.engine) as session:
            session.connection().execute(_PUBLISHED)
        for _ in range(3):
            seal_audit_log(self.engine, seconds=20)

    def _place(self, owner_number: int, number: int, *, capped: bool = False) -> str:
        owner = self.network.owners[owner_number]
        possible = [part for part in owner.parts if part.feasible]
        body = order_body(possible[number % len(possible)], *_ship_to(self.network, number), quantity=1 + number % 3)
        body |= {"max_price": {"amount_minor": 1, "currency": "EUR"}} if capped else {}
        wire = Wire((f"{UNIX}:{self.socket}",), owner.token)
        answer = wire.insist("POST", "/v1/orders", body, headers={"Idempotency-Key": new_id("idem")})
        wire.close()
        return str(answer.json()["id"])

    def _work(self, *, whole: bool) -> None:
        """Have all offered jobs claimed; make them from claim to delivery, or accept them only."""
        for bureau in self.network.bureaus:
            for node_id in bureau.node_ids:
                wire = Wire((f"{UNIX}:{self.socket}",), bureau.token)
                maker = Maker(wire=wire, tally=self.tally)
                for job in _claimed(wire, node_id):
                    steps = maker.make(job) if whole else maker.write(job, "acceptance")
                    for _ in steps:
                        pass
                wire.close()


def with_plenty(engine: Engine) -> None:
    """Give every machine and every lot more than any bench takes, and every node a day to answer."""
    with unit_of_work(engine) as session:
        for statement in _PLENTY:
            session.connection().execute(text(statement))


def order_body(part: ChaosPart, city: str, country: str, *, quantity: int = 1) -> dict[str, object]:
    """Return an order of one part as it is sent."""
    return {
        "reference": f"growth-{part.part_no}",
        "objective": "cheapest",
        "ship_to": {"city": city, "country": country},
        "lines": [{"part": part.part_no, "quantity": quantity}],
    }


def _ship_to(network: ChaosNetwork, number: int) -> tuple[str, str]:
    places = [(city, country) for country in sorted(network.cities) for city in network.cities[country]]
    return places[number * 5 % len(places)]


def _claimed(wire: Wire, node_id: str) -> Iterator[Held]:
    while True:
        answer = wire.insist(
            "POST", f"/v1/nodes/{node_id}/claims", {"max": 1}, headers={"Idempotency-Key": new_id("idem")}
        )
        if answer.status == 204:
            return
        for packet in answer.json()["data"]:
            job, lease = packet["job"], packet["lease"]
            claim = ClaimTold(
                job_id=job["id"],
                order_id=job["order_id"],
                order_line_id=job["order_line_id"],
                share_no=job["share_no"],
                quantity=job["quantity"],
                node_id=node_id,
                lease_id=lease["lease_id"],
                epoch=lease["epoch"],
                client="growth",
                sent=answer.sent,
                answered=answer.answered,
            )
            yield Held(claim=claim, temper=Temper(), inspects=packet["inspection"]["level"] != "none")
