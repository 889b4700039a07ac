"""``/metrics`` of workers and relay: ``python -m fabroute_workers.measures``, which the supervisor runs beside them."""

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from fabroute.kernel.errors import DomainError
from fabroute.settings import get_settings
from fabroute.telemetry.exposition import MetricsServer, page_of, registry_of
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.measures import Counts, Distributions, Measure, measured
from fabroute.telemetry.version import Version
from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.measuring import WORKER_MEASURES, counted

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.measures")


class WorkerMeasures(Collector):
    """What all processes of the supervisor counted since this one began."""

    def __init__(self) -> None:
        self._kept: Mapping[str, Counts | Distributions] = {
            name: measured(measure) for name, measure in WORKER_MEASURES.items()
        }

    def take(self, found: Iterable[tuple[Measure, tuple[str, ...], float]]) -> None:
        """Add what is counted, as it comes."""
        for measure, labels, value in found:
            self._kept[measure.name].add(labels, value)

    def collect(self) -> Iterator[Metric]:
        """Yield all of it for Prometheus."""
        for kept in self._kept.values():
            yield from kept.collect()


def main() -> int:
    """Read and serve until SIGTERM or SIGINT; return the exit code."""
    configure_logging()
    settings, measures, stop = get_settings(), WorkerMeasures(), threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda _sign, _frame: stop.set())
    pages = {"/metrics": page_of(registry_of(Version("workers"), measures))}
    try:
        server = MetricsServer(pages, host=settings.metrics_host, port=settings.worker_metrics_port or 0)
    except DomainError as error:
        _log.critical("metrics.refused", code=error.code, reason=error.message)
        return EXIT_MISCONFIGURED
    threading.Thread(target=measures.take, args=(counted(),), name="counting", daemon=True).start()
    server.start()
    _log.info("metrics.served", host=settings.metrics_host, port=server.port)
    stop.wait()
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
