"""One run: an installation, a network, bureaus, orders and faults at once; then the judge."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread

from fabroute.kernel.time import utc_now
from fabroute_workers.broker import BrokerKind
from tests.faults.chaos.bureaus import simulated_bureaus
from tests.faults.chaos.faults import FAULTS
from tests.faults.chaos.incidents import INCIDENTS
from tests.faults.chaos.installation import Installation, running_installation
from tests.faults.chaos.judge import Limits, Verdict, judge
from tests.faults.chaos.network import ChaosNetwork, given_network
from tests.faults.chaos.orders import CANCELLED, place_orders
from tests.faults.chaos.schedule import Planned, Struck, schedule, striking
from tests.faults.chaos.tally import Tally

Tell = Callable[[str], None]
TELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosSize:
    """How much of what."""

    orders: int
    faults: int
    seed: int
    rate: float = 50.0
    """Orders a second at most; fewer where the installation does not keep up."""
    cancelled: float = CANCELLED
    """The share of orders that is cancelled before long: what is left to make then costs much less."""
    limits: Limits | None = None
    """How long orders may take to their route: on a machine that has nothing else to do."""
    settings: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    broker: BrokerKind = "redis"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport:
    """What a run came to."""

    size: ChaosSize
    struck: tuple[Struck, ...]
    verdict: Verdict
    starts: Mapping[str, int]
    """How often each program was started."""
    calm: bool
    """Whether everything ran again after the faults."""
    phases: Mapping[str, float]
    """Seconds by what was done in them."""


def run_chaos(size: ChaosSize, *, folder: Path, tell: Tell) -> ChaosReport:
    """Run orders through faults and return what the judge found; ``tell`` is told of the progress."""
    watch = _Watch()
    with running_installation(
        folder=folder, seed=size.seed, settings=size.settings, without=size.without, broker=size.broker
    ) as installation:
        storage_url = installation.environment["FABROUTE_STORAGE_URL"]
        network = given_network(installation.engine, utc_now(), storage_url=storage_url, orders=size.orders)
        tally = Tally()
        watch.lap("start")
        with simulated_bureaus(installation, network, size.seed, tally):
            struck = _orders_through_faults(size, installation, network, tally, tell)
            watch.lap("orders and faults")
            calm = installation.settle()
            watch.lap("everything runs again")
            tell("all orders are placed: waiting for their ends")
            verdict = judge(installation, tally, limits=size.limits)
            watch.lap("orders end, verdict")
        return ChaosReport(
            size=size,
            struck=tuple(struck),
            verdict=verdict,
            starts=installation.watchdog.starts(),
            calm=calm,
            phases=watch.laps,
        )


def plan_of(size: ChaosSize) -> tuple[Planned, ...]:
    """Return what strikes when."""
    return schedule(seed=size.seed, kinds=(*FAULTS, *INCIDENTS), count=size.faults, orders=size.orders)


def _orders_through_faults(
    size: ChaosSize, installation: Installation, network: ChaosNetwork, tally: Tally, tell: Tell
) -> Sequence[Struck]:
    faults = {fault.name: fault for fault in FAULTS}
    incidents = {incident.name: incident for incident in INCIDENTS}

    def strike(planned: Planned) -> str:
        chance = Random(planned.seed)
        if planned.name in faults:
            return faults[planned.name].strike(installation, chance)
        return incidents[planned.name].strike(installation, network, tally, chance)

    plan = plan_of(size)
    with (
        striking(plan, acknowledged=lambda: tally.acknowledged, strike=strike) as struck,
        _telling(
            tell, lambda: f"{tally.acknowledged:,} of {size.orders:,} orders, {len(struck)} of {len(plan)} faults"
        ),
    ):
        place_orders(
            installation,
            network,
            count=size.orders,
            rate=size.rate,
            seed=size.seed,
            tally=tally,
            cancelled=size.cancelled,
        )
    return struck


@contextmanager
def _telling(tell: Tell, state: Callable[[], str]) -> Iterator[None]:
    """Tell every few seconds how far it is."""
    over, began = Event(), time.monotonic()

    def work() -> None:
        while not over.wait(TELL_SECONDS):
            tell(f"{time.monotonic() - began:5.0f} s: {state()}")

    thread = Thread(target=work, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        tell(f"{time.monotonic() - began:5.0f} s: {state()}")


class _Watch:
    """A stopwatch with laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._at = time.monotonic()

    def lap(self, name: str) -> None:
        """Note how long it was since the last lap."""
        now = time.monotonic()
        self.laps[name], self._at = now - self._at, now
