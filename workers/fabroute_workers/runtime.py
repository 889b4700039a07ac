"""What every task runs in: a database engine of its own process, ids in its logs, an end before the time limit."""

import gc
import signal
import time

import structlog
from celery import signals

from fabroute.database import database_engine, unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.settings import Settings, get_settings
from fabroute_workers.lifeline import die_with_parent
from fabroute_workers.logs import configure_logging

DRAIN_SECONDS = 20.0
"""No new run begins after this long; the relay rings again if lines are still due."""
LAST_SOLVE_ENDS_SECONDS = 34.0
"""A solve ends by then, which leaves time to commit before the soft time limit."""
_GARBAGE_THRESHOLDS = (50_000, 50, 1_000)

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.runtime")


def drain(scope: str) -> int:
    """Route all lines of a planning scope that are due, run after run; return how many lines got an outcome."""
    settings, started, decided = get_settings(), time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < DRAIN_SECONDS:
        limits = _limits(settings, seconds_left=LAST_SOLVE_ENDS_SECONDS - elapsed)
        report = route_pending(database_engine(), scope=scope, now=utc_now(), dispatch=offer_jobs, limits=limits)
        if report is None:
            break
        decided += report.routed + report.no_route
        _log_run(scope, report)
    return decided


def requeue(scope: str) -> int:
    """Make all lines without a route pending again and route them; return how many got an outcome."""
    with unit_of_work(database_engine()) as session:
        lines = orders.requeue_unroutable(session, scope=scope, now=utc_now())
    _log.info("routing.requeued", scope=scope, lines=lines)
    return drain(scope) if lines else 0


def extend_capacity() -> int:
    """Add the machine days that the planning horizon has reached since the last time."""
    with unit_of_work(database_engine()) as session:
        slots = network.extend_capacity(
            session, today=utc_now().date(), horizon_days=get_settings().planning_horizon_days
        )
    _log.info("network.capacity_extended", slots=slots)
    return slots


def _limits(settings: Settings, *, seconds_left: float) -> RoutingLimits:
    return RoutingLimits(
        batch_lines=settings.routing_batch_lines,
        seed=settings.routing_seed,
        deterministic_seconds=settings.routing_deterministic_seconds,
        wall_seconds=min(settings.routing_wall_seconds, seconds_left),
        lease_seconds=settings.routing_lease_seconds,
        attempt_cap=settings.routing_attempt_cap,
        horizon_days=settings.planning_horizon_days,
    )


def _log_run(scope: str, report: RunReport) -> None:
    _log.info(
        "routing.run",
        scope=scope,
        run_ids=list(report.run_ids),
        routed=report.routed,
        no_route=report.no_route,
        open=report.open,
        wall_ms=report.wall_ms,
    )


@signals.setup_logging.connect
def _log_as_json(**_: object) -> None:
    configure_logging()


@signals.worker_process_init.connect
def _begin_child(**_: object) -> None:
    """A forked child must not share its parent's connections, nor live on without it.

    Collecting garbage less often, and never what was there at the start, takes a quarter off the time of a run.
    """
    die_with_parent(signal.SIGKILL)
    database_engine.cache_clear()
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)


@signals.task_prerun.connect
def _bind_task(task_id: str, task: object, **_: object) -> None:
    structlog.contextvars.bind_contextvars(task_id=task_id, task=getattr(task, "name", ""))


@signals.task_postrun.connect
def _unbind_task(**_: object) -> None:
    structlog.contextvars.clear_contextvars()
