"""Which program of which version a page of figures is of."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

NAME = "fabroute_build_info"


class Version(Collector):
    """The version of what runs, as a label."""

    def __init__(self, program: str) -> None:
        self._labels = (program, _version())

    def collect(self) -> Iterator[Metric]:
        """Yield it for Prometheus."""
        family = GaugeMetricFamily(NAME, "Program and version of this process.", labels=("program", "version"))
        family.add_metric(self._labels, 1)
        yield family


def _version() -> str:
    try:
        return version("fabroute")
    except PackageNotFoundError:  # it runs from its sources
        return "unknown"
