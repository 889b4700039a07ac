"""The machine: rules that do something to the product and to the model, and compare the two after each."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from fabroute.identity.rules import Principal
from fabroute.network.service import LotState
from fabroute.routing.service.scopes import ScopeLost
from fabroute_embedded import EmbeddedServers
from tests.faults.machine import deeds, jobs, lines, runs
from tests.faults.machine.bench import Bench, Tally
from tests.faults.machine.choosing import (
    deed_of_client,
    deed_of_network,
    deed_of_person,
    lease_of,
    next_deed,
    racer,
)
from tests.faults.machine.deeds import CLIENTS, WORKERS
from tests.faults.machine.place import NODES, Template, a_world
from tests.faults.machine.state import SCOPE, SUSPECTS, PausedRun

_LONGEST = timedelta(days=10)

numbers = st.integers(0, 999)
nodes = st.sampled_from(NODES)
clients = st.sampled_from(CLIENTS)
scopes = st.sampled_from((SCOPE, SCOPE, SUSPECTS))
leases = st.sampled_from(("held", "held", "held", "held", "old", "none"))
crashes = st.sampled_from((False,) * 11 + (True,))


class Product(Bench):
    """Orders come in, nodes work on them or don't, things are lost, and all of it is compared with the model."""

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
    def claim(self, number: int, node: str, named: bool, client: Principal, crash: bool) -> None:
        """Claim a job, or whatever a node has."""
        job = self._job(number)
        key = self._name("key")
        deed = deeds.claim_oldest(node, client, key)
        if job is not None and named:
            deed = deeds.claim_named(job.id, job.plan.node, client, key)
        told = self._do(deed, crash=crash)
        if told.body:
            self.asked.append(partial(self._claim_again, deed, told))

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, how=leases, client=clients, crash=crashes, which=st.integers(0, 64))
    def work_at_a_node(self, number: int, how: str, client: Principal, crash: bool, which: int) -> None:
        """Do anything that a client may do with a job, mostly what makes sense, under any lease."""
        job = self._job(number)
        if job is not None:
            self._do(deed_of_client(job, lease_of(self.world, job, how), client, which), crash=crash)

    @precondition(lambda self: self.asked)
    @rule(number=numbers)
    def repeat(self, number: int) -> None:
        """Send a request once more, as a client does that has not heard the answer: it gets the same one."""
        self.asked[number % len(self.asked)]()
        self.compare()

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, times=st.integers(1, 3), crash=crashes)
    def go_on(self, number: int, times: int, crash: bool) -> None:
        """Do with a job what its client would do next, once or more often."""
        self._go_on(number, times, crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, crash=crashes)
    def go_on_to_the_end(self, number: int, crash: bool) -> None:
        """Do with a job what its client would do, until it is made."""
        self._go_on(number, 6, crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, sequences=st.lists(st.integers(1, 6), min_size=1, max_size=4), how=leases, crash=crashes)
    def report(self, number: int, sequences: list[int], how: str, crash: bool) -> None:
        """Send numbered reports, in any order and twice."""
        job = self._job(number)
        if job is not None:
            self._do(deeds.report(job.id, lease_of(self.world, job, how), CLIENTS[0], sequences), crash=crash)

    # ------------------------------------------------------------------ losses and people

    @rule(node=nodes, which=st.integers(0, 7), state=st.sampled_from(("quarantined", "blocked")), crash=crashes)
    def lose_or_get_back(self, node: str, which: int, state: LotState, crash: bool) -> None:
        """Lose a certificate, a lot or a node, or get it back."""
        self._do(deed_of_network(self.world, node, which, state, self._name("new")), crash=crash)

    @precondition(lambda self: self.world.jobs)
    @rule(number=numbers, which=st.integers(0, 5), crash=crashes)
    def decide(self, number: int, which: int, crash: bool) -> None:
        """Let an owner or the operator decide about a job or its order."""
        job = self._job(number)
        if job is not None:
            self._do(deed_of_person(self.place, self.world, job, which), crash=crash)

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

    @rule(number=numbers)
    def restart(self, number: int) -> None:
        """Cut all connections, as a restart of PostgreSQL or of the process does."""
        if number % 4 == 3:
            self._begin("restart")
            self.place.cut()
            self._told("restart", jobs.OK)
            self.compare()

    @precondition(lambda self: self.world.live_jobs())
    @rule(number=numbers, first=st.integers(0, 7), second=st.integers(0, 7))
    def race(self, number: int, first: int, second: int) -> None:
        """Do two things with a job at the same time: it must be as if one had come after the other."""
        live = self.world.live_jobs()
        job = live[number % len(live)]
        racers = [racer(self.place, self.world, job, which, self._name("key")) for which in (first, second)]
        self._race(racers[0](CLIENTS[0]), racers[1](CLIENTS[1]))

    def _go_on(self, number: int, times: int, *, crash: bool) -> None:
        job = self._job(number)
        for _ in range(0 if job is None else times):
            if job is not None and job.live and not job.made:
                self._do(next_deed(self.place, self.world, job, self._name("key")), crash=crash)


def machine_in(servers: EmbeddedServers, template: Template, *, removed: str = "") -> type[Product]:
    """Return the machine on these servers, which counts what it does."""
    known = {"servers": servers, "template": template, "tally": Tally(), "removed": removed}
    return type("Machine", (Product,), known)
