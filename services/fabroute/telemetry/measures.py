"""Counts and durations of a process: kept in a fraction of a microsecond each, told as Prometheus reads them.

They take no locks: each belongs to one thread that counts; who reads them sees each number as it was at some instant.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

MOST_SERIES = 2_000
"""Of one measure. Names and codes are bounded by our code; should one not be, the rest is counted as one."""
OTHER = "other"
QUICK_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is measured: its name in Prometheus, what it says, and by which labels it is told apart."""

    name: str
    help: str
    labels: Labels = ()
    bounds: Sequence[float] | None = None
    """Upper bounds of a distribution; ``None``: it is a count."""


@dataclass(slots=True)
class _Distribution:
    counts: list[int]
    total: float = 0.0


@dataclass(slots=True, eq=False)
class Counts(Collector):
    """How often something happened, by labels."""

    measure: Measure
    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Count it once, or so often."""
        values = self.values
        if labels not in values:
            labels = _bounded(values, labels)
        values[labels] = values.get(labels, 0) + amount

    def collect(self) -> Iterator[Metric]:
        """Yield it for Prometheus."""
        family = CounterMetricFamily(self.measure.name, self.measure.help, labels=self.measure.labels)
        for labels, value in sorted(self.values.items()):
            family.add_metric(labels, value)
        yield family


@dataclass(slots=True, eq=False)
class Distributions(Collector):
    """How long something took, or how large it was, by labels."""

    measure: Measure
    values: dict[Labels, _Distribution] = field(default_factory=dict)

    def add(self, labels: Labels, value: float) -> None:
        """Count one of that value."""
        found = self.values.get(labels)
        if found is None:
            found = self._new(labels)
        found.counts[bisect_left(self.bounds, value)] += 1
        found.total += value

    @property
    def bounds(self) -> Sequence[float]:
        """The upper bounds; what is above the last stands behind them."""
        return self.measure.bounds or ()

    def collect(self) -> Iterator[Metric]:
        """Yield it for Prometheus."""
        family = HistogramMetricFamily(self.measure.name, self.measure.help, labels=self.measure.labels)
        for labels, found in sorted(self.values.items(), key=lambda item: item[0]):
            family.add_metric(labels, list(self._buckets(found)), found.total)
        yield family

    def _new(self, labels: Labels) -> _Distribution:
        return self.values.setdefault(_bounded(self.values, labels), _Distribution([0] * (len(self.bounds) + 1)))

    def _buckets(self, found: _Distribution) -> Iterator[tuple[str, float]]:
        below = 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], list(found.counts), strict=True):
            below += count
            yield bound, below


def measured(measure: Measure) -> Counts | Distributions:
    """Return what keeps a measure."""
    return Counts(measure) if measure.bounds is None else Distributions(measure)


def _bounded(values: Mapping[Labels, object], labels: Labels) -> Labels:
    return labels if len(values) < MOST_SERIES else (OTHER,) * len(labels)
