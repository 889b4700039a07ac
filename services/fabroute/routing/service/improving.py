"""Improve runs: lines that were promised move to better places before a node accepts their jobs.

A look at the network with no lock held, then one transaction: lines and jobs are locked as they were seen, old jobs end
with all that they hold, new decisions, reservations and jobs are written. A node that accepts a job in the same moment
wins: its line stays, and so do the moves that needed its place. Locks are taken in one order: lines, jobs, licences,
lots, slots, nodes, orders.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.inventory.service import lock_licences
from fabroute.kernel.ids import new_id
from fabroute.network.service import lock_stores
from fabroute.orders.service import lock_standing_lines, record_moves
from fabroute.routing.ports import JobDispatch, StandingJobs
from fabroute.routing.rules import HORIZON_DAYS
from fabroute.routing.service.commit import MovesContended, RunFacts, write_moves
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import Document, Verdict
from fabroute.routing.service.improving_moves import Move, Moves, plan_moves
from fabroute.routing.service.online_prices import read_prices
from fabroute.routing.service.sentences import day_name, euro
from fabroute.routing.service.standing import held_by, read_standing
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, Standing, read_snapshot
from fabroute.solver.limits import SolveLimits

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


class MovePlanner(Protocol):
    """Decides which lines move, on a snapshot of the network as it is."""

    def __call__(self, snapshot: RoutingSnapshot, standing: Sequence[Standing], limits: SolveLimits) -> Moves:
        """Return the moves that pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveLimits:
    """How many promised lines are looked at together, and how long that may take."""

    batch_lines: int = 200
    seed: int = 1
    deterministic_seconds: float = 5.0
    wall_seconds: float = 15.0
    horizon_days: int = HORIZON_DAYS
    rounds: int = 3
    """How often the network is looked at again after a race was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveReport:
    """What an improve run came to."""

    run_id: str | None
    """``None`` where nothing moved."""
    looked_at: int
    moved: int
    saved_minor: int
    """Landed cost of the moved lines before, less after."""
    contended: int
    """How often others changed in the same moment what was to move."""
    wall_ms: int


def improve_promised(
    engine: Engine,
    *,
    scope: str,
    now: datetime,
    jobs: StandingJobs,
    dispatch: JobDispatch,
    limits: ImproveLimits,
    plan: MovePlanner = plan_moves,
) -> ImproveReport | None:
    """Move promised lines of a planning scope to better places; ``None`` if there is no line that could move.

    ``plan`` decides which: ``plan_moves`` line by line, ``consolidation_moves.plan_builds`` into shared builds.

    Only lines whose jobs no node has accepted move, never to a later or dearer promise. Any number of workers may do
    this at once, beside runs over pending lines: who commits first has it, the others look again.
    """
    began, contended = time.monotonic(), 0
    improver = _Improver(engine, scope=scope, now=now, jobs=jobs, dispatch=dispatch, limits=limits, plan=plan)
    for _ in range(limits.rounds):
        moves = improver.look(wall_seconds=max(0.0, limits.wall_seconds - (time.monotonic() - began)))
        if moves is None:
            return None
        written = improver.write(moves, began)
        if written is not None:
            return replace(written, contended=contended)
        contended += 1
    _log.info("routing.improve_contended", scope=scope, rounds=contended)
    return _report(None, (), looked_at=0, began=began, contended=contended)


class _Improver:
    """One improve run on one planning scope."""

    def __init__(
        self,
        engine: Engine,
        *,
        scope: str,
        now: datetime,
        jobs: StandingJobs,
        dispatch: JobDispatch,
        limits: ImproveLimits,
        plan: MovePlanner,
    ) -> None:
        self._engine = engine
        self._scope = scope
        self._now = now
        self._jobs = jobs
        self._dispatch = dispatch
        self._limits = limits
        self._plan = plan

    def look(self, *, wall_seconds: float) -> Moves | None:
        """Return the moves that pay on the network as it is now, ``None`` if no line could move."""
        limits = self._limits
        with unit_of_work(self._engine, repeatable_read=True) as session:
            standing = read_standing(session, self._jobs, scope=self._scope, limit=limits.batch_lines, now=self._now)
            if not standing:
                return None
            lines = tuple(each.line for each in standing)
            snapshot = read_snapshot(session, lines=lines, now=self._now, horizon_days=limits.horizon_days)
            snapshot = replace(snapshot, prices=read_prices(session, scopes=frozenset({self._scope}), now=self._now))
        solve_limits = SolveLimits(
            seed=limits.seed,
            deterministic_seconds=limits.deterministic_seconds,
            wall_seconds=max(1.0, wall_seconds),
        )
        return self._plan(snapshot, standing, solve_limits)

    def write(self, moves: Moves, began: float) -> ImproveReport | None:
        """Write the moves that are still possible; ``None`` if others took what they needed."""
        if not moves.groups:
            return _report(None, (), looked_at=moves.looked_at, began=began)
        run_id = new_id("run")
        try:
            with unit_of_work(self._engine) as session:
                kept = self._lock(session, moves)
                self._move(
                    session,
                    moves,
                    kept,
                    RunFacts(
                        run_id=run_id,
                        scope=self._scope,
                        limits=asdict(self._limits) | {"standing_lines": moves.looked_at},
                        wall_ms=round((time.monotonic() - began) * 1000),
                        kind="improve",
                    ),
                )
        except MovesContended:
            return None
        return _report(run_id, kept, looked_at=moves.looked_at, began=began)

    def _lock(self, session: Session, moves: Moves) -> tuple[Move, ...]:
        """Lock lines and jobs; return the moves whose whole group is as it was seen."""
        wanted = [move for group in moves.groups for move in group]
        lines = lock_standing_lines(session, fences={move.line_id: move.standing.fence for move in wanted})
        versions = {move.standing.job.job_id: move.standing.job.version for move in wanted if move.line_id in lines}
        jobs = self._jobs.lock(session, versions=versions)
        kept = [group for group in moves.groups if all(move.standing.job.job_id in jobs for move in group)]
        if not kept:
            raise MovesContended(f"all of {len(wanted)} lines that were to move have changed")
        return tuple(move for group in kept for move in group)

    def _move(self, session: Session, moves: Moves, kept: Sequence[Move], facts: RunFacts) -> None:
        now = self._now
        _lock_stores(session, moves, kept, now=now)
        self._jobs.take_back(session, job_ids=[move.standing.job.job_id for move in kept], now=now)
        decided = _decided(moves, kept)
        decisions = write_moves(session, facts=facts, snapshot=moves.snapshot, decided=decided, dispatch=self._dispatch)
        record_moves(session, decisions=decisions, now=now)


def _lock_stores(session: Session, moves: Moves, kept: Sequence[Move], *, now: datetime) -> None:
    """Lock licences, lots and slots, of old places and new, in the order in which all lock them."""
    licensed = {move.standing.line.revision_id for move in kept if move.standing.licence_id is not None}
    licences = {licence.licence_id for revision in licensed for licence in moves.snapshot.licences.get(revision, ())}
    grams, minutes = held_by(move.standing for move in kept)
    slots = {
        (machine.machine_id, day)
        for move in kept
        for machine in moves.days[move.line_id]
        for day, _ in machine.minutes_by_day
    }
    lock_licences(session, licence_ids=licences, now=now)
    lock_stores(session, lot_ids={*grams, *(move.option.way.lot.lot_id for move in kept)}, slots={*minutes, *slots})


def _decided(moves: Moves, kept: Sequence[Move]) -> Decided:
    planned = {move.line_id: move.standing.job.dispatch_at for move in kept if move.standing.job.state == "planned"}
    waiting: Mapping[str, datetime | None] = planned if moves.dispatch_at is None else moves.dispatch_at
    verdicts = [Verdict(choices=move.choices, chosen=move.option, exclusions=move.choices.exclusions) for move in kept]
    return Decided(
        verdicts=moves.explainer.explained(verdicts),
        days={move.line_id: moves.days[move.line_id] for move in kept},
        dispatch_at={line_id: at for line_id, at in waiting.items() if at is not None},
        baseline={move.line_id: move.stay for move in kept},
        plan=moves.plan,
        options=moves.options,
        snapshot_sha256=moves.snapshot.sha256(),
        calendars=moves.calendars,
        notes={move.line_id: moved_from(move, moves.calendars) for move in kept},
        sentences={move.line_id: moved_sentence(move, moves.calendars) for move in kept},
        policies=moves.snapshot.policies,
    )


def moved_from(move: Move, calendars: Calendars) -> Document:
    """Return what a decision says about the place that its line left, and what that saves."""
    standing, option = move.standing, move.option
    arrives = calendars.instant(option.minutes)
    return {
        "moved_from": {
            "decision_id": standing.decision_id,
            "job_id": standing.job.job_id,
            "job_state": standing.job.state,
            "node_id": standing.job.node_id,
            "city": standing.city,
            "machine_id": standing.job.machine_id,
            "landed_minor": standing.landed_minor,
            "promised_at": standing.promised_at.isoformat(),
            "saves": {
                "landed_minor": standing.landed_minor - option.price.landed_minor,
                "hours": round((standing.promised_at - arrives).total_seconds() / 3600, 1),
                "co2e_g": standing.co2e_g - option.price.co2e_g,
                "cost_millis": move.stay.cost_millis - option.cost_millis,
            },
            "stability_millis": move.stability_millis,
        }
    }


def moved_sentence(move: Move, calendars: Calendars) -> str:
    """Return in one sentence where a line goes now, and what that changes for its customer."""
    arrives = calendars.instant(move.option.minutes)
    cheaper = move.standing.landed_minor - move.option.price.landed_minor
    sooner = (move.standing.promised_at - arrives).total_seconds() / 3600
    price = f"{euro(abs(cheaper))} EUR {'less' if cheaper > 0 else 'more'}" if cheaper else "the same price"
    when = f"{abs(sooner):g} h {'sooner' if sooner > 0 else 'later'}" if sooner else "at the same time"
    return (
        f"{move.option.way.node.city}: {euro(move.option.price.landed_minor)} EUR, arrives {day_name(arrives)}; "
        f"{_what_moved(move, is_later_or_sooner=bool(sooner))}: {price}, {when}, within what was promised"
    )


def _what_moved(move: Move, *, is_later_or_sooner: bool) -> str:
    """Return what became of a line: the place that it left, or what else there is of the same place."""
    standing, way = move.standing, move.option.way
    if way.node.node_id != standing.job.node_id:
        named = f" ({standing.job.node_id})" if way.node.city == standing.city else ""
        return f"moved from {standing.city}{named}"
    if way.offer.machine_id != standing.job.machine_id:
        return f"moved to machine {way.offer.machine_id}"
    return f"re-timed at {standing.city}" if is_later_or_sooner else f"planned anew at {standing.city}"


def _report(
    run_id: str | None, kept: Sequence[Move], *, looked_at: int, began: float, contended: int = 0
) -> ImproveReport:
    return ImproveReport(
        run_id=run_id,
        looked_at=looked_at,
        moved=len(kept),
        saved_minor=sum(move.standing.landed_minor - move.option.price.landed_minor for move in kept),
        contended=contended,
        wall_ms=round((time.monotonic() - began) * 1000),
    )
