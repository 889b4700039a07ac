"""What a process holds to be measured: its own counts, a watch over its database, and the pages that tell both."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

from fabroute.api.admission.turns import Turns
from fabroute.api.intake.queue import Intake
from fabroute.api.measuring.measures import ApiMeasures
from fabroute.database import most_connections
from fabroute.monitoring.exposing import DatabaseFigures
from fabroute.monitoring.watching import Watch
from fabroute.settings import Settings
from fabroute.telemetry.exposition import MetricsServer, Page, page_of, registry_of
from fabroute.telemetry.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """One for each process."""

    measures: ApiMeasures
    watch: Watch
    pages: Mapping[str, Page]
    """By path: all figures, those of the process, those of the database."""


def make_measuring(
    settings: Settings, measures: ApiMeasures, *, turns: Turns, intake: Intake, engine: Engine, tenants: Engine
) -> Measuring:
    """Return what measures, without connecting anywhere."""
    _watch_levels(measures, turns=turns, intake=intake, pools={"own": engine, "tenants": tenants})
    watch = Watch(engine, seconds=settings.metrics_seconds)
    of_process, of_database = (Version("api"), measures), DatabaseFigures(watch)
    pages = {
        "/metrics": page_of(registry_of(*of_process, of_database)),
        "/metrics/process": page_of(registry_of(*of_process)),
        "/metrics/database": page_of(registry_of(of_database, of_process=False)),
    }
    return Measuring(measures=measures, watch=watch, pages=pages)


def _watch_levels(measures: ApiMeasures, *, turns: Turns, intake: Intake, pools: Mapping[str, Engine]) -> None:
    """Have measures tell how full this process is."""
    measures.watch("fabroute_http_in_service", {"": lambda: turns.serving})
    measures.watch("fabroute_http_waiting", {"": lambda: turns.waiting_in_all})
    measures.watch("fabroute_intake_waiting_orders", {"": lambda: intake.waiting})
    of_pools = {name: _Used(engine) for name, engine in pools.items()}
    measures.watch("fabroute_database_pool_connections", dict(of_pools), label="pool")
    most = {name: _Most(engine) for name, engine in pools.items()}
    measures.watch("fabroute_database_pool_connections_most", dict(most), label="pool")


@dataclass(frozen=True, slots=True)
class _Used:
    engine: Engine

    def __call__(self) -> float:
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0


@dataclass(frozen=True, slots=True)
class _Most:
    engine: Engine

    def __call__(self) -> float:
        return most_connections(self.engine)


@contextmanager
def served_metrics(measuring: Measuring, settings: Settings) -> Iterator[MetricsServer | None]:
    """Serve ``/metrics`` on a port of its own while the block lasts, if there is to be one.

    Raises ``MetricsAddressTaken``.
    """
    if settings.metrics_port is None:
        yield None
        return
    server = MetricsServer(measuring.pages, host=settings.metrics_host, port=settings.metrics_port)
    server.start()
    try:
        yield server
    finally:
        server.close()
