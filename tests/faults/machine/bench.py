"""What the rules of the machine stand on: a database and a model, done to alike and compared after each step."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from threading import Thread

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.exc import DBAPIError

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.orders.service import KeyReused, NewOrder, Replayed
from fabroute.production.service.leases import ReportedLate
from fabroute.production.service.phases.reconciling import keep_late
from fabroute_embedded import EmbeddedServers
from tests.factories.databases import in_transaction
from tests.factories.orders import given_orders, intake_connection, make_order, place_orders
from tests.faults.machine import jobs, lines, runs
from tests.faults.machine.deeds import WORKERS, Deed, Told
from tests.faults.machine.guards import drop
from tests.faults.machine.place import Template, a_place, a_world
from tests.faults.machine.runs import Paused
from tests.faults.machine.seeing import differences, expect, see
from tests.faults.machine.state import SCOPE, SUSPECTS, Illegal, Job, PausedRun

_OF_OTHERS = frozenset({"the outbox is being emptied", "an audit entry is sealed within a minute"})
"""What relays and sealers see to, which don't run here."""
AT_THE_END = "come to an end"
_DRAIN_ROUNDS = 40
_SHOWN = 12
"""So many of the last steps are told with a failure."""


@dataclass(slots=True)
class Tally:
    """What was done in all runs."""

    runs: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By rule and code."""
    crashes: int = 0
    races: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """How many steps rules made, without those by which runs came to their end."""
        return self.steps.total() - self.steps[AT_THE_END]

    def add(self, other: "Tally") -> None:
        """Count what another process did."""
        self.runs += other.runs
        self.crashes += other.crashes
        self.steps += other.steps
        self.answers += other.answers
        self.races += other.races


class Bench(RuleBasedStateMachine):
    """A machine without rules."""

    servers: EmbeddedServers
    template: Template
    tally: Tally
    removed: str = ""
    """The guard that was taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.place = self.stack.enter_context(a_place(self.servers, self.template))
        drop(self.place.admin, self.removed)
        self.world = a_world()
        self.paused: list[tuple[Paused, PausedRun]] = []
        self.names = 0
        self.draining = False
        self.sound = True
        self.trace: list[str] = []
        self.asked: list[Callable[[], None]] = []
        """Requests with a key that were answered before."""
        self.tally.runs += 1

    def teardown(self) -> None:
        """Let everything come to an end, ask the doctor, and drop the database."""
        try:
            if self.sound:
                self._drain()
        finally:
            self.stack.close()

    def compare(self) -> None:
        """Require that the database and the model say the same."""
        found = differences(see(self.place.eye), expect(self.world))
        if found:
            raise Illegal("\n".join((*self.trace[-_SHOWN:], *found[:_SHOWN])))
        self.sound = True

    def _drain(self) -> None:
        self.paused.clear()
        self.draining = True
        for number in range(_DRAIN_ROUNDS):
            self.world.now += timedelta(seconds=10)
            self.place.set_clock(self.world.now)
            for worker in WORKERS if number == 0 else WORKERS[:-1]:  # what has no route would be tried for ever
                self._do(worker)
            routed = [self._route(scope, 50) for scope in (SCOPE, SUSPECTS)]
            if not any(routed):
                break
        broken = [(it.invariant.name, it.examples) for it in check_invariants(self.place.engine) if it.broken]
        broken = [(name, examples) for name, examples in broken if name not in _OF_OTHERS]
        if broken:
            raise Illegal("\n".join((*self.trace[-_SHOWN:], *map(str, broken))))

    def _place(self, quantities: Sequence[int], *, licensed: bool) -> None:
        self._begin("place order")
        owner = self.place.licensed if licensed else self.place.plain
        order = self._named(make_order(owner, quantities=tuple(quantities), placed_at=self.world.now))
        given_orders(self.place.engine, order)
        placed = {line.id: line.quantity for line in order.lines}
        self._told("place order", lines.place(self.world, order.id, placed, licensed=licensed))
        self.asked.append(partial(self._order_again, order))
        self.compare()

    def _named(self, order: NewOrder) -> NewOrder:
        """Return an order with ids that are the same whenever this seed is run."""
        self.names += 1
        name = f"ord_{self.names:06}"
        named = tuple(replace(line, id=f"line_{self.names:06}_{at}") for at, line in enumerate(order.lines))
        return replace(order, id=name, idempotency_key=name, lines=named, location=f"/v1/orders/{name}")

    def _route(self, scope: str, most: int) -> bool:
        """Return whether there was something to route."""
        self._begin("route")
        report, made = runs.route(self.place.engine, scope, most=most, now=self.world.now)
        claimed = lines.claim(self.world, scope, most)
        self._same("route", report and report.claimed, claimed and len(claimed))
        if claimed:
            lines.decided(self.world, scope, claimed, made)
        self._told("route", jobs.OK if report else "nothing_due")
        self.compare()
        return report is not None

    def _do(self, deed: Deed, *, crash: bool = False) -> Told:
        """Do something to both, and return what the product answered; nothing where the connection is lost."""
        self._begin(deed.name)
        if crash:
            self._crash(deed)
            self.compare()
            return Told(code="crashed")
        told = self._tell(deed)
        self._same(deed.name, told.code, deed.model(self.world, told))
        self._told(deed.name, told.code)
        self.compare()
        return told

    def _claim_again(self, deed: Deed, before: Told) -> None:
        self._begin("repeat claim")
        told = self._tell(deed)
        self._same("repeat claim", told, before)
        self._told("repeat claim", told.code)

    def _order_again(self, order: NewOrder) -> None:
        self._begin("repeat order")
        again = replace(order, id=new_id("ord"))
        another = replace(again, request_sha256="another")
        with intake_connection(self.place.engine) as connection:
            told = [place_orders(connection, orders=(each,))[0] for each in (again, another)]
        expected = [Replayed(status=201, answer=order.answer, location=order.location), KeyReused()]
        self._same("repeat order", told, expected)
        self._told("repeat order", jobs.OK)

    def _tell(self, deed: Deed) -> Told:
        """Do something as an endpoint would: refusals are codes, and what came late is kept."""
        engine, now = self.place.engine, self.world.now
        try:
            return in_transaction(engine, lambda session: deed.work(session, now))
        except ReportedLate as refusal:
            late = refusal.late
            in_transaction(engine, lambda session: keep_late(session, late=late))
            return Told(code=refusal.code)
        except DomainError as refusal:
            return Told(code=refusal.code)

    def _crash(self, deed: Deed) -> None:
        """Do something and lose the connection before it is committed: as if it had never been begun."""
        try:
            with unit_of_work(self.place.engine) as session:
                deed.work(session, self.world.now)
                self.place.cut()
        except (DBAPIError, DomainError):
            self.tally.crashes += 1
            self._told(deed.name, "crashed")
            return
        raise Illegal(f"{deed.name} was committed over a connection that was cut")

    def _race(self, first: Deed, second: Deed) -> None:
        self._begin(f"race {first.name} with {second.name}")
        told = self._both((first, second))
        before = self.world
        for order in ((0, 1), (1, 0)):
            self.world = deepcopy(before)
            codes = {it: (first, second)[it].model(self.world, told[it]) for it in order}
            if all(codes[it] == told[it].code for it in order) and not self._differs():
                self.tally.races[f"{first.name}, {second.name}"] += 1
                self._told("race", f"{told[0].code}, {told[1].code}")
                self.sound = True
                return
        raise Illegal("\n".join((*self.trace[-_SHOWN:], f"neither order explains {told}", *self._differs()[:_SHOWN])))

    def _both(self, both: tuple[Deed, Deed]) -> list[Told]:
        told = [Told(code="none"), Told(code="none")]

        def do(number: int) -> None:
            told[number] = self._tell(both[number])

        threads = [Thread(target=do, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        return told

    def _differs(self) -> list[str]:
        return differences(see(self.place.eye), expect(self.world))

    def _begin(self, name: str) -> None:
        self.sound = False
        self.world.now += timedelta(seconds=1)
        self.place.set_clock(self.world.now)
        rule_name = "race" if name.startswith("race") else name
        self.tally.steps[AT_THE_END if self.draining else rule_name] += 1
        self.trace.append(f"{self.world.now:%d %H:%M:%S} {name}")

    def _told(self, name: str, code: str) -> None:
        self.tally.answers[AT_THE_END if self.draining else name, code] += 1
        self.trace[-1] += f": {code}"

    def _same(self, name: str, product: object, model: object) -> None:
        if product != model:
            raise Illegal("\n".join((*self.trace[-_SHOWN:], f"{name}: the product says {product}, the model {model}")))

    def _name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}_{self.names}"

    def _job(self, number: int) -> Job | None:
        """Return a job: mostly one that is live, now and then one that is over."""
        live = self.world.live_jobs()
        known = list(self.world.jobs.values()) if number % 5 == 0 or not live else live
        return known[number // 5 % len(known)] if known else None
