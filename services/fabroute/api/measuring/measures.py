"""The measures of one API process. All that is counted here is counted by the event loop's thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fabroute.telemetry.measures import QUICK_SECONDS, SIZES, Counts, Distributions, Measure

REQUESTS = Measure(
    name="fabroute_http_requests",
    help="Requests answered, by route and status.",
    labels=("method", "route", "status"),
)
SECONDS = Measure(
    name="fabroute_http_request_seconds",
    help="Time until the answer was sent, but for requests that waited for something to happen.",
    labels=("method", "route"),
    bounds=QUICK_SECONDS,
)
REFUSED = Measure(name="fabroute_http_refused", help="Requests refused at the gate, by code.", labels=("code",))
BATCHES = Measure(name="fabroute_intake_batch_orders", help="Orders that were written by one statement.", bounds=SIZES)
BATCH_SECONDS = Measure(
    name="fabroute_intake_batch_seconds", help="How long a batch of orders took to write.", bounds=QUICK_SECONDS
)
LAG = Measure(
    name="fabroute_event_loop_lag_seconds",
    help="How much later than asked for the event loop came round.",
    bounds=QUICK_SECONDS,
)
API_MEASURES: tuple[Measure, ...] = (REQUESTS, SECONDS, REFUSED, BATCHES, BATCH_SECONDS, LAG)

Level = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Something that is looked at when somebody asks: its name, what it says, its levels by one label."""

    name: str
    help: str
    label: str | None
    levels: dict[str, Level]


API_GAUGES: dict[str, str] = {
    "fabroute_http_in_service": "Requests that have their turn just now.",
    "fabroute_http_waiting": "Requests that wait for their turn.",
    "fabroute_intake_waiting_orders": "Orders that wait for a writer.",
    "fabroute_database_pool_connections": "Connections in use, by pool.",
    "fabroute_database_pool_connections_most": "Connections that a pool may hold.",
}


@dataclass(slots=True, eq=False)
class ApiMeasures(Collector):
    """What is counted; one for each process. Without ``kw_only``: it takes nothing."""

    requests: Counts = field(default_factory=lambda: Counts(REQUESTS))
    seconds: Distributions = field(default_factory=lambda: Distributions(SECONDS))
    refused: Counts = field(default_factory=lambda: Counts(REFUSED))
    batches: Distributions = field(default_factory=lambda: Distributions(BATCHES))
    batch_seconds: Distributions = field(default_factory=lambda: Distributions(BATCH_SECONDS))
    lag: Distributions = field(default_factory=lambda: Distributions(LAG))
    gauges: list[Gauge] = field(default_factory=list)

    def note_batch(self, orders: int, seconds: float) -> None:
        """Count a batch of orders that was written."""
        self.batches.add((), orders)
        self.batch_seconds.add((), seconds)

    def watch(self, name: str, levels: dict[str, Level], *, label: str | None = None) -> None:
        """Tell these levels whenever somebody asks."""
        self.gauges.append(Gauge(name=name, help=API_GAUGES[name], label=label, levels=levels))

    def collect(self) -> Iterator[Metric]:
        """Yield all of it for Prometheus."""
        for counted in (self.requests, self.seconds, self.refused, self.batches, self.batch_seconds, self.lag):
            yield from counted.collect()
        for gauge in self.gauges:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=() if gauge.label is None else (gauge.label,))
            for key, level in gauge.levels.items():
                family.add_metric(() if gauge.label is None else (key,), level())
            yield family
