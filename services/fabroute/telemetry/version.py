"""Which program of which version a page of figures is of."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fabroute.telemetry.installed import installed_version

NAME = "fabroute_build_info"


class Version(Collector):
    """The version of what runs, as a label."""

    def __init__(self, program: str) -> None:
        self._labels = (program, installed_version())

    def collect(self) -> Iterator[Metric]:
        """Yield it for Prometheus."""
        family = GaugeMetricFamily(NAME, "Program and version of this process.", labels=("program", "version"))
        family.add_metric(self._labels, 1)
        yield family
