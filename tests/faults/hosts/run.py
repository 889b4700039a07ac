"""One run: hosts, a network, bureaus and owners at work while one host after the other is struck; then the judge."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sqlalchemy import text

from fabroute.kernel.time import utc_now
from tests.factories.processes import wait_until
from tests.faults.chaos.bureaus import simulated_bureaus
from tests.faults.chaos.judge import Verdict, judge
from tests.faults.chaos.network import given_network
from tests.faults.chaos.tally import KeyTold, Tally
from tests.faults.hosts.hosts import Hosts, running_hosts
from tests.faults.hosts.ordering import owners_ordering
from tests.faults.hosts.outages import Outage, Seen, suffer

Tell = Callable[[str], None]
LONGEST_DECISION_SECONDS = 60.0
"""An order that is placed while anything but the database is out of reach is decided within this time."""
_BEFORE_SECONDS = 2.0
"""Orders that were placed so long before an outage may be in the hands of the host that is struck."""
_READY_SECONDS = 120.0
_DECIDED = text(
    "SELECT placed.id, extract(epoch FROM placed.placed_at),"
    " extract(epoch FROM max(decided.at) - placed.placed_at) FROM orders placed JOIN order_lines line"
    " ON line.order_id = placed.id LEFT JOIN LATERAL (SELECT min(greatest(decision.decided_at, run.finished_at)) AS at"
    " FROM routing_decisions decision JOIN routing_runs run ON run.id = decision.run_id"
    " WHERE decision.order_line_id = line.id) decided ON true GROUP BY placed.id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsSize:
    """How much of what."""

    outages: Sequence[Outage]
    rate: float = 4.0
    """Orders a second."""
    seed: int = 7
    rest_seconds: float = 10.0
    cancelled: float = 0.8
    """The share of orders that is cancelled before long: what is left to make then costs much less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageReport:
    """What became of orders while a host was out of reach."""

    seen: Seen
    taken: int
    """Orders that were answered 201 meanwhile."""
    longest_without_seconds: float
    """The longest time without one."""
    longest_decision_seconds: float
    """Of an order that was placed meanwhile, or shortly before, from its placing to its first decision."""
    undecided: int
    """Of them, those that were never decided: cancelled before, or lost (the judge knows)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsReport:
    """What a run came to."""

    size: HostsSize
    calm: OutageReport
    """The same figures before anything was struck."""
    outages: tuple[OutageReport, ...]
    verdict: Verdict
    counts: Mapping[str, int]
    """What clients counted: answers by status, requests that went to the other host."""
    ready: bool
    """Whether every host worked in the end."""

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, in words."""
        late = [
            f"{it.seen.outage.host} {it.seen.outage.how}: an order waited {it.longest_decision_seconds:.0f} s"
            for it in self.outages
            if it.longest_decision_seconds > LONGEST_DECISION_SECONDS
        ]
        gone = [
            f"{it.seen.outage.host} {it.seen.outage.how}: it did not work again"
            for it in self.outages
            if it.seen.back_after is None
        ]
        kept = [
            f"{it.seen.outage.host} {it.seen.outage.how}: nobody took {holding.scope} over"
            for it in self.outages
            for holding in it.seen.held
            if holding.scope not in it.seen.taken_over
        ]
        silent = ["an API said 503 and not for how long"] if "answered 503 without Retry-After" in self.counts else []
        ready = [] if self.ready else ["not every host works again"]
        return (*self.verdict.problems, *late, *gone, *kept, *silent, *ready)


def run_hosts(size: HostsSize, *, folder: Path, tell: Tell) -> HostsReport:
    """Run orders through the loss of hosts and return what was seen; ``tell`` is told of the progress.

    Raises ``LanRefused`` where no network of namespaces can be made.
    """
    with running_hosts(folder) as hosts:
        storage_url = hosts.environment["FABROUTE_STORAGE_URL"]
        expected = round(size.rate * sum(it.seconds + size.rest_seconds + 10 for it in size.outages))
        network = given_network(hosts.engine, utc_now(), storage_url=storage_url, orders=expected + 200)
        tally, told = Tally(), tell
        ordering = owners_ordering(
            hosts.api_urls, network, tally=tally, rate=size.rate, seed=size.seed, cancelled=size.cancelled
        )
        with simulated_bureaus(hosts, network, size.seed, tally):
            with ordering:
                time.sleep(size.rest_seconds)
                began = time.time()
                time.sleep(size.rest_seconds)
                ended = time.time()
                calm = Seen(outage=Outage(host="none", how="cut off", seconds=0), began=began, ended=ended)
                seen = [_suffered(hosts, outage, size, tally, told) for outage in size.outages]
            ready = wait_until(hosts.is_ready, seconds=_READY_SECONDS)
            tell("no more orders: waiting for their ends")
            verdict = judge(hosts, tally)
        decided = _decisions(hosts)
        return HostsReport(
            size=size,
            calm=_report(calm, tally.keys, decided),
            outages=tuple(_report(it, tally.keys, decided) for it in seen),
            verdict=verdict,
            counts=tally.counts,
            ready=ready,
        )


def _suffered(hosts: Hosts, outage: Outage, size: HostsSize, tally: Tally, tell: Tell) -> Seen:
    tell(f"{tally.acknowledged:,} orders; next: {outage.host} {outage.how} for {outage.seconds:.0f} s")
    return suffer(hosts, outage, rest_seconds=size.rest_seconds)


def _decisions(hosts: Hosts) -> Mapping[str, tuple[float, float | None]]:
    """Return when each order was placed, and after how many seconds all its lines had a first decision."""
    with hosts.engine.connect() as connection:
        rows = connection.execute(_DECIDED).all()
    return {name: (float(placed), None if took is None else float(took)) for name, placed, took in rows}


def _report(seen: Seen, keys: Sequence[KeyTold], decided: Mapping[str, tuple[float, float | None]]) -> OutageReport:
    taken = sorted(it.acknowledged for it in keys if it.acknowledged is not None)
    placed = [took for at, took in decided.values() if seen.began - _BEFORE_SECONDS <= at <= seen.ended]
    return OutageReport(
        seen=seen,
        taken=sum(seen.began <= at <= seen.ended for at in taken),
        longest_without_seconds=longest_without(taken, seen.began, seen.ended),
        longest_decision_seconds=max((took for took in placed if took is not None), default=0.0),
        undecided=sum(took is None for took in placed),
    )


def longest_without(times: Sequence[float], began: float, ended: float) -> float:
    """Return the longest time without any of ``times``, which are in order, that began in a span.

    It may have begun before the span, and ends with the first one after it.
    """
    gaps = [later - earlier for earlier, later in pairwise(times) if later >= began and earlier <= ended]
    return max(gaps, default=ended - began)
