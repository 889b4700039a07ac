"""The machine: rules that do something to the product and to the model, and compare the two after each."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy.exc import DBAPIError

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.network.service import LotState
from fabroute.production.service.leases import ReportedLate
from fabroute.production.service.phases.reconciling import keep_late
from fabroute.routing.service.scopes import ScopeLost
from fabroute_embedded import EmbeddedServers
from tests.factories.databases import in_transaction
from tests.factories.orders import given_orders, make_order
from tests.faults.machine import deeds, jobs, lines, runs
from tests.faults.machine.deeds import CLIENTS, WORKERS, Deed, Told
from tests.faults.machine.place import NODES, Template, a_place, a_world
from tests.faults.machine.runs import Paused
from tests.faults.machine.seeing import differences, expect, see
from tests.faults.machine.state import SCOPE, SUSPECTS, Held, Illegal, Job, PausedRun

_OF_OTHERS = frozenset({"the outbox is being emptied", "an audit entry is sealed within a minute"})
"""What relays and sealers see to, which don't run here."""
_LONGEST = timedelta(days=10)
_DRAIN_ROUNDS = 40

numbers = st.integers(0, 999)
nodes = st.sampled_from(NODES)
clients = st.sampled_from(CLIENTS)
scopes = st.sampled_from((SCOPE, SCOPE, SUSPECTS))
leases = st.sampled_from(("held", "held", "held", "held", "old", "none"))
crashes = st.sampled_from((False,) * 11 + (True,))


@dataclass(slots=True)
class Tally:
    """What was done in all runs."""

    runs: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By rule and code."""
    crashes: int = 0
    races: Counter[str] = field(default_factory=Counter)


class Product(RuleBasedStateMachine):
    """Orders come in, nodes work on them or don't, things are lost, and all of it is compared with the model."""

    servers: EmbeddedServers
    template: Template
    tally: Tally

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.place = self.stack.enter_context(a_place(self.servers, self.template))
        self.eye = self.stack.enter_context(self.place.admin.connect().execution_options(isolation_level="AUTOCOMMIT"))
        self.world = a_world()
        self.paused: list[tuple[Paused, PausedRun]] = []
        self.names = 0
        self.draining = False
        self.sound = True
        self.trace: list[str] = []
        self.tally.runs += 1

    # ------------------------------------------------------------------ orders and routing

    @initialize(quantities=st.lists(st.sampled_from((1, 1, 2)), min_size=2, max_size=4))
    def two_orders(self, quantities: list[int]) -> None:
        """Begin with orders, some of a licensed part."""
        self.compare()
        self._place(quantities, licensed=False)
        self._place(quantities[:2], licensed=True)
        self._route(SCOPE, 4)

    @rule(quantities=st.lists(st.sampled_from((1, 1, 2)), min_size=1, max_size=2), licensed=st.booleans())
    def place_order(self, quantities: list[int], licensed: bool) -> None:
        """Place an order."""
        self._place(quantities, licensed=licensed)

    @rule(most=st.integers(1, 3), scope=scopes)
    def route(self, most: int, scope: str) -> None:
        """Run routing with a small limit."""
        self._route(scope, most)

    @rule(most=st.integers(1, 3), scope=scopes)
    def route_slowly(self, most: int, scope: str) -> None:
        """Let a worker claim, read and decide, and stop there."""
        self._begin("begin run")
        run = runs.begin(self.place.engine, scope, most=most, now=self.world.now)
        claimed = lines.claim(self.world, scope, most)
        self._same("begin run", run and {it.line_id for it in run.lines}, claimed and set(claimed))
        if run is not None and claimed:
            fences = {line_id: self.world.lines[line_id].fence for line_id in claimed}
            known = PausedRun(scope, self.world.scopes[scope].fence, fences, self.world.now, run.plans, run.outbid)
            self.paused.append((run, known))
        self._told("begin run", jobs.OK if run else "nothing_due")
        self.compare()

    @precondition(lambda self: self.paused)
    @rule(number=numbers)
    def write_slow_run(self, number: int) -> None:
        """Let a worker that stopped write what it had decided, whatever has happened since."""
        run, known = self.paused.pop(number % len(self.paused))
        self._begin("finish run")
        made: Sequence[lines.NewJob] = ()
        code = jobs.OK
        try:
            made = runs.finish(self.place.engine, run)
        except ScopeLost as lost:
            code = lost.code
        self._same("finish run", code, lines.written(self.world, known, made))
        self._told("finish run", code)
        self.compare()

    # ------------------------------------------------------------------ bureaus

    @rule(number=numbers, node=nodes, named=st.booleans(), client=clients, crash=crashes)
    def claim(self, number: int, node: str, named: bool, client: deeds.Principal, crash: bool) -> None:
        """Claim a job, or whatever a node has."""
        job = self._job(number)
        key = self._name("key")
        if job is not None and named:
            self._do(deeds.claim_named(job.id, job.plan.node, client, key), crash=crash)
        else:
            self._do(deeds.claim_oldest(node, client, key), crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, how=leases, client=clients, crash=crashes, which=st.integers(0, 12))
    def work_at_a_node(self, number: int, how: str, client: deeds.Principal, crash: bool, which: int) -> None:
        """Do anything that a client may do with a job, under any lease."""
        job = self._job(number)
        if job is not None:
            self._do(self._deed_of_client(job, self._lease(job, how), client, which), crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, crash=crashes)
    def go_on(self, number: int, crash: bool) -> None:
        """Do with a job what its client would do next."""
        job = self._job(number)
        if job is not None:
            self._do(self._next_deed(job), crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, sequences=st.lists(st.integers(1, 6), min_size=1, max_size=4), how=leases, crash=crashes)
    def report(self, number: int, sequences: list[int], how: str, crash: bool) -> None:
        """Send numbered reports, in any order and twice."""
        job = self._job(number)
        if job is not None:
            self._do(deeds.report(job.id, self._lease(job, how), CLIENTS[0], sequences), crash=crash)

    # ------------------------------------------------------------------ losses and people

    @rule(node=nodes, which=st.integers(0, 7), state=st.sampled_from(("quarantined", "blocked")), crash=crashes)
    def lose_or_get_back(self, node: str, which: int, state: LotState, crash: bool) -> None:
        """Lose a certificate, a lot or a node, or get it back."""
        self._do(self._deed_of_network(node, which, state), crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, which=st.integers(0, 5), crash=crashes)
    def decide(self, number: int, which: int, crash: bool) -> None:
        """Let an owner or the operator decide about a job or its order."""
        job = self._job(number)
        if job is not None:
            self._do(self._deed_of_person(job, which), crash=crash)

    @precondition(lambda self: self.world.lines)
    @rule(number=numbers)
    def cancel_any_order(self, number: int) -> None:
        """Cancel an order, routed or not."""
        if number % 3 == 0:
            orders = sorted({line.order_id for line in self.world.lines.values()})
            self._do(deeds.cancel(self.place, orders[number % len(orders)]))

    # ------------------------------------------------------------------ time, workers, faults

    @rule(seconds=st.sampled_from((7, 65, 310, 460, 910, 4_000, 90_000)))
    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        if self.world.now - a_world().now < _LONGEST:
            self._begin("pass time")
            self.world.now += timedelta(seconds=seconds)
            self.place.set_clock(self.world.now)
            self._told("pass time", jobs.OK)
            self.sound = True

    @rule(which=st.integers(0, len(WORKERS) - 1), crash=crashes)
    def let_a_worker_look(self, which: int, crash: bool) -> None:
        """Let a worker do what is due by the clock."""
        self._do(WORKERS[which], crash=crash)

    @rule()
    def restart(self) -> None:
        """Cut all connections, as a restart of PostgreSQL or of the process does."""
        self._begin("restart")
        self.place.cut()
        self._told("restart", jobs.OK)
        self.compare()

    @precondition(lambda self: self.world.live_jobs())
    @rule(number=numbers, first=st.integers(0, 5), second=st.integers(0, 5))
    def race(self, number: int, first: int, second: int) -> None:
        """Do two things with a job at the same time: it must be as if one had come after the other."""
        live = self.world.live_jobs()
        job = live[number % len(live)]
        self._race(self._racer(job, first, 0), self._racer(job, second, 1))

    # ------------------------------------------------------------------ how

    def teardown(self) -> None:
        """Let everything come to an end, ask the doctor, and drop the database."""
        try:
            if self.sound:
                self._drain()
        finally:
            self.stack.close()

    def compare(self) -> None:
        """Require that the database and the model say the same."""
        found = differences(see(self.eye), expect(self.world))
        if found:
            raise Illegal("\n".join((*self.trace[-12:], *found[:12])))
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
            raise Illegal("\n".join((*self.trace[-12:], *map(str, broken))))

    def _place(self, quantities: Sequence[int], *, licensed: bool) -> None:
        self._begin("place order")
        owner = self.place.licensed if licensed else self.place.plain
        order = make_order(owner, quantities=tuple(quantities), placed_at=self.world.now)
        given_orders(self.place.engine, order)
        placed = {line.id: line.quantity for line in order.lines}
        self._told("place order", lines.place(self.world, order.id, placed, licensed=licensed))
        self.compare()

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

    def _do(self, deed: Deed, *, crash: bool = False) -> None:
        self._begin(deed.name)
        if crash:
            self._crash(deed)
        else:
            told = self._tell(deed)
            self._same(deed.name, told.code, deed.model(self.world, told))
            self._told(deed.name, told.code)
        self.compare()

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
                return
        raise Illegal("\n".join((*self.trace[-12:], f"neither order explains {told}", *self._differs()[:12])))

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
        return differences(see(self.eye), expect(self.world))

    def _begin(self, name: str) -> None:
        self.sound = False
        self.world.now += timedelta(seconds=1)
        self.place.set_clock(self.world.now)
        rule_name = "race" if name.startswith("race") else name
        self.tally.steps["come to an end" if self.draining else rule_name] += 1
        self.trace.append(f"{self.world.now:%d %H:%M:%S} {name}")

    def _told(self, name: str, code: str) -> None:
        self.tally.answers["come to an end" if self.draining else name, code] += 1
        self.trace[-1] += f": {code}"

    def _same(self, name: str, product: object, model: object) -> None:
        if product != model:
            raise Illegal("\n".join((*self.trace[-12:], f"{name}: the product says {product}, the model {model}")))

    def _name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}_{self.names}"

    def _job(self, number: int) -> Job | None:
        """Return a job: mostly one that is live, now and then one that is over."""
        live = self.world.live_jobs()
        known = list(self.world.jobs.values()) if number % 5 == 0 or not live else live
        return known[number // 5 % len(known)] if known else None

    def _lease(self, job: Job, how: str) -> Held | None:
        held = None if job.lease_id is None else (job.lease_id, job.epoch)
        if how == "none" or (how == "held" and (held is None or job.kind == "hand")):
            return None
        if how == "held":
            return held
        known = [lease for lease in self.world.leases.get(job.id, ()) if lease != held]
        return known[-1] if known else ("lse_unknown", job.epoch)

    def _next_deed(self, job: Job) -> Deed:
        client, lease = CLIENTS[0], self._lease(job, "held")
        if job.state == "offered" and job.lease_id is None:
            return deeds.claim_named(job.id, job.plan.node, client, self._name("key"))
        if job.state == "accepted" and not job.fetched:
            return deeds.fetch(job.id, lease, client)
        choices: dict[str, Callable[[], Deed]] = {
            "offered": lambda: deeds.accept(job.id, lease, client),
            "countered": lambda: deeds.answer_counter(self.place, job.id, yes=True),
            "accepted": lambda: deeds.start(job.id, lease, client),
            "in_production": lambda: deeds.complete(job.id, lease, client, result="good", number=None),
            "held": lambda: deeds.resume(self.place, job.id),
        }
        return choices.get(job.state, lambda: deeds.beat(job.id, lease, client))()

    def _deed_of_client(self, job: Job, lease: Held | None, client: deeds.Principal, which: int) -> Deed:
        reason = "capacity" if which % 2 else "machine_down"
        made = (
            lambda: deeds.beat(job.id, lease, client),
            lambda: deeds.beat(job.id, lease, client),
            lambda: deeds.accept(job.id, lease, client),
            lambda: deeds.accept(job.id, lease, client),
            lambda: deeds.decline(job.id, lease, client, reason),
            lambda: deeds.counter(job.id, lease, client, job.price + 500),
            lambda: deeds.fetch(job.id, lease, client),
            lambda: deeds.start(job.id, lease, client),
            lambda: deeds.complete(job.id, lease, client, result="good", number=None),
            lambda: deeds.complete(job.id, lease, client, result="good", number=1),
            lambda: deeds.complete(job.id, lease, client, result="failed", number=job.failed + job.good + 1),
            lambda: deeds.fail(job.id, lease, client),
            lambda: deeds.answer_stop(job.id, lease, client, agreed=job.good == 0),
        )
        return made[which]()

    def _deed_of_network(self, node: str, which: int, state: LotState) -> Deed:
        standing = self.world.certified.get(node)
        lot_id = sorted(name for name, lot in self.world.lots.items() if lot.node == node)[-1]
        lot = self.world.lots[lot_id]
        if which < 2:
            if standing is None:
                return deeds.certify(node, self._name("crt"))
            return deeds.revoke(node, standing)
        if which == 2 and lot.state == "blocked":
            return deeds.receive(node, f"lot_{node}_{self._name('more')}", 80)
        if which < 5:
            return deeds.set_lot(lot_id, state if lot.state == "available" else "available")
        return deeds.set_node(node, "down" if self.world.nodes[node] == "up" and which < 7 else "up")

    def _deed_of_person(self, job: Job, which: int) -> Deed:
        line = self.world.lines[job.line_id]
        position = 1 + [it.id for it in self.world.lines.values() if it.order_id == job.order_id].index(line.id)
        made = (
            lambda: deeds.resume(self.place, job.id),
            lambda: deeds.take_back(job.id),
            lambda: deeds.suspicion(self.place, job.id, reroute=job.good == 0),
            lambda: deeds.retry(self.place, line.id, line.order_id, position),
            lambda: deeds.answer_counter(self.place, job.id, yes=job.plan.node == "N101"),
            lambda: deeds.cancel(self.place, job.order_id),
        )
        if which == 4 and not job.counter:
            return deeds.suspicion(self.place, job.id, reroute=False)
        return made[which]()

    def _racer(self, job: Job, which: int, number: int) -> Deed:
        client = CLIENTS[number]
        lease = self._lease(job, "held")
        node = job.plan.node
        made = (
            lambda: deeds.claim_named(job.id, node, client, self._name("key")),
            lambda: deeds.accept(job.id, lease, client),
            lambda: deeds.decline(job.id, lease, client, "capacity"),
            lambda: deeds.cancel(self.place, job.order_id),
            lambda: deeds.take_back(job.id),
            lambda: deeds.complete(job.id, lease, client, result="good", number=None),
        )
        return made[which]()


def machine_in(servers: EmbeddedServers, template: Template, tally: Tally) -> type[Product]:
    """Return the machine on these servers, which counts what it does."""
    return type("Machine", (Product,), {"servers": servers, "template": template, "tally": tally})
