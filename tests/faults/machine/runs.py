"""Routing as the product does it: a run at once, and a run that stops between reading and writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.orders.rules import holds_suspects
from fabroute.orders.service import ClaimedLine, claim_lines
from fabroute.orders.service.attention import count_returned
from fabroute.orders.service.suspects import suspect_left_behind
from fabroute.production.service import offer_jobs
from fabroute.routing.ports import JobOffer
from fabroute.routing.rules import HORIZON_DAYS
from fabroute.routing.service.commit import RunFacts, write_run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.service.scopes import ScopeLease, claim_scope, release_scope
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.limits import SolveLimits
from tests.factories.databases import in_transaction, rows
from tests.faults.machine.lines import RETURNED_LINES, NewJob
from tests.faults.machine.state import ATTEMPT_CAP, ROUTING_LEASE, SCOPE_LEASE, Plan

_SOLVE = SolveLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0)
_MINUTES = "SELECT job_id, day, minutes FROM capacity_allocations WHERE job_id = ANY(:ids)"


class _Dispatch:
    """Puts jobs into the queues as the product does, and remembers them."""

    def __init__(self) -> None:
        self.offers: list[JobOffer] = []

    def __call__(self, session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        """Offer jobs."""
        offer_jobs(session, offers=offers, now=now)
        self.offers += offers


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A run that has decided on what it read, and has not written it."""

    lease: ScopeLease
    lines: tuple[ClaimedLine, ...]
    snapshot: RoutingSnapshot
    decided: Decided

    @property
    def plans(self) -> dict[str, Plan | None]:
        """What it wants to write, by line; None where no node can make one."""
        return {verdict.choices.line.line_id: _plan(verdict, self.decided) for verdict in self.decided.verdicts}

    @property
    def outbid(self) -> frozenset[str]:
        """The lines without a place that had some, all of which went to others."""
        return frozenset(it.choices.line.line_id for it in self.decided.verdicts if it.was_outbid)


def route(engine: Engine, scope: str, *, most: int, now: datetime) -> tuple[RunReport | None, list[NewJob]]:
    """Route a small batch; return the product's report, and the jobs that came of it."""
    dispatch = _Dispatch()
    limits = RoutingLimits(
        batch_lines=most,
        seed=_SOLVE.seed,
        deterministic_seconds=1.0,
        wall_seconds=20.0,
        lease_seconds=ROUTING_LEASE.total_seconds(),
        attempt_cap=ATTEMPT_CAP,
        scope_lease_seconds=SCOPE_LEASE.total_seconds(),
    )
    report = route_pending(engine, scope=scope, now=now, dispatch=dispatch, limits=limits)
    return report, _jobs(engine, dispatch.offers)


def begin(engine: Engine, scope: str, *, most: int, now: datetime) -> Paused | None:
    """Claim lines, read a snapshot and decide; None where nothing is due or another has the scope."""
    with unit_of_work(engine) as session:
        lease = claim_scope(session, name=scope, lease_seconds=SCOPE_LEASE.total_seconds())
        if lease is None:
            return None
        if lease.taken_over and not holds_suspects(scope):
            suspect_left_behind(session, scope=scope, now=now)
        found = _claimed(session, scope, most)
        if not found:
            release_scope(session, lease)
            return None
    with unit_of_work(engine, repeatable_read=True) as session:
        snapshot = read_snapshot(session, lines=found, now=now, horizon_days=HORIZON_DAYS)
    return Paused(lease=lease, lines=found, snapshot=snapshot, decided=decide(snapshot, _SOLVE))


def finish(engine: Engine, run: Paused) -> list[NewJob]:
    """Write what was decided, as far as it holds, and give the scope back. Raises ``ScopeLost``."""
    dispatch = _Dispatch()
    facts = RunFacts(run_id=new_id("run"), scope=run.lease.name, limits={}, wall_ms=1, scope_lease=run.lease)
    try:
        with unit_of_work(engine) as session:
            write_run(session, facts=facts, snapshot=run.snapshot, decided=run.decided, dispatch=dispatch)
    finally:
        in_transaction(engine, lambda session: release_scope(session, run.lease))
    return _jobs(engine, dispatch.offers)


def _claimed(session: Session, scope: str, most: int) -> tuple[ClaimedLine, ...]:
    limit = max(most, min(count_returned(session, scope=scope), RETURNED_LINES))
    seconds = ROUTING_LEASE.total_seconds()
    return claim_lines(session, scope=scope, limit=limit, lease_seconds=seconds, attempt_cap=ATTEMPT_CAP, alone=True)


def _plan(verdict: Verdict, decided: Decided) -> Plan | None:
    if verdict.chosen is None:
        return None
    line = verdict.choices.line
    (share,) = verdict.chosen.parts(line.quantity)
    (days,) = decided.days[line.line_id]
    return Plan(
        line_id=line.line_id,
        node=share.way.node.node_id,
        lot=share.way.lot.lot_id,
        machine=share.way.offer.machine_id,
        grams=share.way.grams,
        minutes=dict(days.minutes_by_day),
    )


def _jobs(engine: Engine, offers: Sequence[JobOffer]) -> list[NewJob]:
    ids = [offer.job_id for offer in offers]
    found = in_transaction(engine, lambda session: rows(session, _MINUTES, ids=ids)) if ids else []
    minutes: dict[str, dict[date, int]] = {}
    for job_id, day, amount in found:
        assert isinstance(day, date)
        minutes.setdefault(str(job_id), {})[day] = int(str(amount))
    return [_job(offer, minutes[offer.job_id]) for offer in offers]


def _job(offer: JobOffer, minutes: dict[date, int]) -> NewJob:
    assert offer.lot_id is not None
    assert offer.dispatch_at is None, "parts this small wait for no others"
    assert offer.machine_minutes == sum(minutes.values())
    plan = Plan(
        line_id=offer.order_line_id,
        node=offer.node_id,
        lot=offer.lot_id,
        machine=offer.machine_id,
        grams=offer.grams,
        minutes=minutes,
    )
    return NewJob(
        job_id=offer.job_id,
        quantity=offer.quantity,
        price=offer.price_minor,
        produce_by=offer.produce_by,
        plan=plan,
    )
