"""What the tasks do: route, validate and screen what is due, look again at what had no place, extend the calendar."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import structlog
from sqlalchemy import Engine

from fabroute.advice.service.screening_work import ScreeningLimits, judge_screenings
from fabroute.database import unit_of_work
from fabroute.integrations.carriers import open_carriers
from fabroute.inventory.ports import PrintFileStore, PrintFileValidator
from fabroute.inventory.service import ValidationLimits, validate_submissions
from fabroute.kernel.time import utc_now
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.orders.rules import holds_suspects, whole_scope
from fabroute.production.service import (
    dispatch_planned,
    hold_unqualified,
    learn_calibrations,
    offer_jobs,
    take_back_held,
)
from fabroute.production.service.moving import MovableJobs, PlannedJobs
from fabroute.production.service.phases.watching import watch_leases
from fabroute.production.service.rerouting.outages import leave_down_nodes
from fabroute.production.service.rerouting.settling import settle_reroutes
from fabroute.production.service.shipping.carriers import sync_carrier
from fabroute.routing.ports import StandingJobs
from fabroute.routing.service.consolidation_moves import plan_builds
from fabroute.routing.service.improving import ImproveLimits, MovePlanner, improve_promised
from fabroute.routing.service.improving_moves import plan_moves
from fabroute.routing.service.readiness import ask_nightly
from fabroute.routing.service.readiness_work import ReadinessLimits, make_readiness
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.service.shadow_work import ShadowLimits, work_on_shadow_runs
from fabroute.settings import Settings
from fabroute_workers.isolated import apart_from, ended_if_hanging
from fabroute_workers.measuring import RUN_LINES, RUN_SECONDS, count

DRAIN_SECONDS = 20.0
"""Nothing new is begun after this long; the relay rings again if more is due."""
SCOPE_SECONDS = 4.0
"""No new run of a planning scope begins after this long: the lines of others wait for this worker too."""
LAST_SOLVE_ENDS_SECONDS = 34.0
"""A solve ends by then, which leaves time to commit before the soft time limit of a task."""
SUSPECTS_SECONDS = 6.0
"""No new run over suspects begins after this long, nor after one that broke: other lines wait for this worker."""

IMPROVE_SECONDS = 10.0
"""New orders wait in the same queue: an improve run is short, and comes again."""
IMPROVE_ENDS_SECONDS = 17.0
"""One that is not done by then is ended; two of them fit into a task."""

LAST_VALIDATION_ENDS_SECONDS = 37.0
"""A validation has ended by then, which leaves time to note its result before the soft time limit of a task."""

MOST_TOLD = 50
"""Orders of a run that its line in the log names; ``orders`` says how many there were."""

SHADOW_SECONDS = 10.0
"""No archived run is begun after this long; one takes 15 seconds at most."""

SCREENING_SECONDS = 10.0
"""Print files wait in the same worker: a long list lets them in between."""
READINESS_SECONDS = 10.0
"""As for screenings."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.work")


def drain(engine: Engine, settings: Settings, *, scope: str) -> int:
    """Route all lines of a planning scope that are due, run after run; return how many got an outcome.

    Nothing is done for a scope that another worker is deciding: that one sees all that comes meanwhile.
    """
    return _drain(engine, settings, scope=scope, started=time.monotonic())


def _drain(engine: Engine, settings: Settings, *, scope: str, started: float) -> int:
    decided, seconds = 0, SUSPECTS_SECONDS if holds_suspects(scope) else SCOPE_SECONDS
    while (elapsed := time.monotonic() - started) < seconds:
        report = _route(engine, settings, scope=scope, seconds_left=LAST_SOLVE_ENDS_SECONDS - elapsed)
        if report is None:
            break
        decided += report.routed + report.no_route
        _log_run(scope, report)
        if report.open and holds_suspects(scope):
            break
    return decided


def _route(engine: Engine, settings: Settings, *, scope: str, seconds_left: float) -> RunReport | None:
    """Do one run: suspects in processes that may break, all others in this one, which ends if it hangs."""
    limits, now = routing_limits(settings, seconds_left=seconds_left), utc_now()
    if holds_suspects(scope):
        isolation = apart_from(engine)
        return route_pending(engine, scope=scope, now=now, dispatch=offer_jobs, limits=limits, isolation=isolation)
    with ended_if_hanging(limits.wall_seconds + limits.grace_seconds):
        return route_pending(engine, scope=scope, now=now, dispatch=offer_jobs, limits=limits)


def improve(
    engine: Engine,
    settings: Settings,
    *,
    scope: str,
    ways: Sequence[tuple[StandingJobs, MovePlanner]] = ((MovableJobs(), plan_moves), (PlannedJobs(), plan_builds)),
) -> int:
    """Look once for better places for the promised lines of a planning scope; return how many moved.

    First line by line, then lines of planned jobs into builds that they share. Each way is gone in a process of its
    own: it may break, and all that is lost then is what it would have saved. In this one the broker would send the task
    again and again, and it would end one worker after the other.
    """
    limits = ImproveLimits(
        batch_lines=settings.routing_batch_lines,
        seed=settings.routing_seed,
        deterministic_seconds=settings.routing_deterministic_seconds,
        wall_seconds=min(settings.routing_wall_seconds, IMPROVE_SECONDS),
        horizon_days=settings.planning_horizon_days,
    )
    return sum(_improve(engine, scope=scope, limits=limits, jobs=jobs, plan=plan) for jobs, plan in ways)


def _improve(engine: Engine, *, scope: str, limits: ImproveLimits, jobs: StandingJobs, plan: MovePlanner) -> int:
    def work() -> bytes:
        report = improve_promised(
            engine, scope=scope, now=utc_now(), jobs=jobs, dispatch=offer_jobs, limits=limits, plan=plan
        )
        if report is None:
            return b"0"
        _log.info("routing.improved", scope=scope, **asdict(report))
        return str(report.moved).encode()

    ending = apart_from(engine)(work, seconds=IMPROVE_ENDS_SECONDS)
    if ending.answer is None:
        _log.error("routing.improve_broke", scope=scope, reason=ending.why)
        return 0
    return int(ending.answer)


def requeue(engine: Engine, settings: Settings, *, scope: str | None = None) -> int:
    """Make the lines without a route, of a planning scope or of all, pending again and route them, scope by scope.

    Returns how many got an outcome. The relay rings for the other scopes meanwhile, so that other workers take them.
    """
    started = time.monotonic()
    with unit_of_work(engine) as session:
        lines = orders.requeue_unroutable(session, scope=scope, now=utc_now())
        due = orders.scopes_with_due_lines(session) if lines else ()
    _log.info("routing.requeued", scope=scope, lines=lines)
    wanted = [name for name in due if scope in (None, whole_scope(name))]
    return sum(_drain(engine, settings, scope=name, started=started) for name in wanted)


def extend_capacity(engine: Engine, settings: Settings) -> int:
    """Add the machine days that the planning horizon has reached since the last time; return how many."""
    with unit_of_work(engine) as session:
        slots = network.extend_capacity(session, today=utc_now().date(), horizon_days=settings.planning_horizon_days)
    _log.info("network.capacity_extended", slots=slots)
    return slots


def validate(engine: Engine, settings: Settings, *, store: PrintFileStore, validator: PrintFileValidator) -> int:
    """Validate uploaded print files, one after the other; return how many.

    No file is begun that could last beyond the task's time; the relay rings again if more are due.
    """
    started, taken = time.monotonic(), 0
    limits = ValidationLimits(
        lease_seconds=settings.validation_lease_seconds, attempt_cap=settings.validation_attempt_cap
    )
    while time.monotonic() - started < LAST_VALIDATION_ENDS_SECONDS - settings.validation_wall_seconds:
        if not validate_submissions(
            engine,
            store=store,
            validator=validator,
            workspace_root=Path(tempfile.gettempdir()),
            limits=limits,
            now=utc_now(),
        ):
            break
        taken += 1
    return taken


def hold(engine: Engine) -> int:
    """Hold the jobs to which a gate has closed; return how many."""
    with unit_of_work(engine) as session:
        jobs = hold_unqualified(session, now=utc_now())
    _log.info("production.held", jobs=jobs)
    return jobs


def take_back(engine: Engine) -> int:
    """Take the held jobs that nobody has started from their nodes, batch by batch; return how many."""
    started, jobs = time.monotonic(), 0
    while time.monotonic() - started < DRAIN_SECONDS:
        with unit_of_work(engine) as session:
            taken = take_back_held(session, now=utc_now())
        if not taken:
            break
        jobs += taken
    _log.info("production.taken_back", jobs=jobs)
    return jobs


def follow_reroutes(engine: Engine) -> int:
    """Take jobs from what went down while they were decided, and settle re-routes; return how many of both."""
    started, followed = time.monotonic(), 0
    while time.monotonic() - started < DRAIN_SECONDS:
        with unit_of_work(engine) as session:
            left = leave_down_nodes(session, now=utc_now())
        with unit_of_work(engine) as session:
            settled = settle_reroutes(session, now=utc_now())
        if not left + settled:
            break
        followed += left + settled
    _log.info("production.reroutes_followed", jobs=followed)
    return followed


def dispatch(engine: Engine) -> int:
    """Offer the planned jobs whose wait is over, batch by batch; return how many left the plan."""
    started, jobs = time.monotonic(), 0
    while time.monotonic() - started < DRAIN_SECONDS:
        with unit_of_work(engine) as session:
            dispatched = dispatch_planned(session, now=utc_now())
        _log.info("production.dispatched", **asdict(dispatched))
        if not dispatched.jobs:
            break
        jobs += dispatched.jobs
    return jobs


def watch(engine: Engine) -> int:
    """Look after jobs whose nodes are silent, batch by batch; return how many changed."""
    started, jobs = time.monotonic(), 0
    while time.monotonic() - started < DRAIN_SECONDS:
        with unit_of_work(engine) as session:
            watched = watch_leases(session, now=utc_now())
        _log.info("production.watched", **asdict(watched))
        if not watched.jobs:
            break
        jobs += watched.jobs
    return jobs


def learn(engine: Engine, *, node_id: str | None) -> int:
    """Let the machines of a node, or of all nodes, learn from all evidence; return how many calibrations changed."""
    with unit_of_work(engine) as session:
        changed = learn_calibrations(session, node_id=node_id, now=utc_now())
    _log.info("production.learnt", node_id=node_id, calibrations=changed)
    return changed


def sync_carriers(engine: Engine, settings: Settings) -> int:
    """Exchange files with the carriers that have a folder; return how many messages and shipments passed."""
    passed = 0
    for carrier in open_carriers(settings.carrier_folder):
        done = sync_carrier(engine, carrier=carrier, now=utc_now())
        _log.info("carriers.synced", **asdict(done))
        passed += done.booked + done.taken
    return passed


def screen(engine: Engine) -> int:
    """Judge rows of the screenings that wait, for some seconds; return how many. What is left is rung for at once."""
    started, judged = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < SCREENING_SECONDS:
        limits = ScreeningLimits(seconds=SCREENING_SECONDS - elapsed)
        rows = judge_screenings(engine, limits=limits, now=utc_now())
        if rows is None:
            break
        judged += rows
    return judged


def shadow(engine: Engine) -> int:
    """Decide archived runs again for the shadow runs and replays that wait, for some seconds; return how many."""
    started, runs = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < SHADOW_SECONDS:
        limits = ShadowLimits(seconds=SHADOW_SECONDS - elapsed)
        done = work_on_shadow_runs(engine, limits=limits, now=utc_now())
        if done is None:
            break
        runs += done
    return runs


def ask_readiness(engine: Engine) -> int:
    """Ask for the readiness reports of the day, of every owner that has none yet; return how many."""
    with unit_of_work(engine) as session:
        asked = ask_nightly(session, now=utc_now())
    _log.info("readiness.asked", reports=asked)
    return asked


def report_readiness(engine: Engine, settings: Settings) -> int:
    """Go on with the readiness reports that wait, for some seconds; return how many entries they got."""
    started, made = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < READINESS_SECONDS:
        limits = ReadinessLimits(horizon_days=settings.planning_horizon_days, seconds=READINESS_SECONDS - elapsed)
        entries = make_readiness(engine, limits=limits, now=utc_now())
        if entries is None:
            break
        made += entries
    return made


def routing_limits(settings: Settings, *, seconds_left: float) -> RoutingLimits:
    """Return the limits of a run that has to be over in ``seconds_left``."""
    return RoutingLimits(
        batch_lines=settings.routing_batch_lines,
        seed=settings.routing_seed,
        deterministic_seconds=settings.routing_deterministic_seconds,
        wall_seconds=min(settings.routing_wall_seconds, seconds_left),
        lease_seconds=settings.routing_lease_seconds,
        attempt_cap=settings.routing_attempt_cap,
        horizon_days=settings.planning_horizon_days,
        scope_lease_seconds=settings.routing_scope_lease_seconds,
        scope_lines=settings.routing_scope_lines,
        grace_seconds=settings.routing_grace_seconds,
    )


def _log_run(scope: str, report: RunReport) -> None:
    _log.info(
        "routing.run",
        scope=scope,
        run_ids=list(report.run_ids),
        order_ids=list(report.order_ids[:MOST_TOLD]),
        orders=len(report.order_ids),
        routed=report.routed,
        no_route=report.no_route,
        open=report.open,
        wall_ms=report.wall_ms,
    )
    whole = whole_scope(scope)
    count(RUN_SECONDS, (whole,), report.wall_ms / 1000)
    for outcome, lines in (("routed", report.routed), ("no_route", report.no_route), ("open", report.open)):
        count(RUN_LINES, (whole, outcome), lines)
