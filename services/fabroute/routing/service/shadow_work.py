"""Work on shadow runs and replays, run by run; what is done is kept every second, so that little is ever lost."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.network.service import list_nodes
from fabroute.outbox.service import record
from fabroute.routing.events import shadow_run_told
from fabroute.routing.repository import archives
from fabroute.routing.repository import shadow_runs as repository
from fabroute.routing.repository.policies import Placements, read_placements
from fabroute.routing.repository.shadow_runs import ClaimedShadowRun, Progress
from fabroute.routing.rules.policies import PlacedShares, PolicyView, added_shares, policy_of
from fabroute.routing.service.archive import ArchiveDamaged, ArchivedRun, load_archive
from fabroute.routing.service.replaying import Replayable, read_replayable, replayed
from fabroute.routing.service.shadow_lines import changed_lines, most_changed
from fabroute.routing.service.shadow_redecide import (
    NetworkChange,
    PlanFigures,
    Redecided,
    Supposition,
    figures_of,
    placements_of,
    redecide,
)
from fabroute.routing.service.shadow_report import ComparedRun, Placement, ShadowState, state_of
from fabroute.solver.plan import UNROUTED, PlanStatus

_ALL_NODES = 1_000_000
_INSTANT = timedelta(microseconds=1)

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing.shadow")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowLimits:
    """How long a claim holds, how long one run may be decided, and when a call gives its shadow run back.

    After ``attempt_cap`` claims that ended without a single run, the run at which they ended is skipped.
    """

    lease_seconds: float = 60.0
    run_seconds: float = 15.0
    seconds: float = 10.0
    keep_seconds: float = 1.0
    """How often what is done is kept: a worker that is killed loses so much work."""
    attempt_cap: int = 3


def work_on_shadow_runs(engine: Engine, *, limits: ShadowLimits, now: datetime) -> int | None:
    """Work on a shadow run or replay that waits, for ``limits.seconds``; return how many runs were decided again.

    ``None`` if none waits. What is left when the time is over waits for the next call.
    """
    with unit_of_work(engine) as session:
        claimed = repository.claim(session, lease_seconds=limits.lease_seconds)
    if claimed is None:
        return None
    shadow = _Shadow(engine, claimed, limits=limits, now=now)
    if "decision_id" in claimed.request:
        return shadow.replay()
    done = shadow.redecide_until(time.monotonic() + limits.seconds)
    _log.info("shadow.redecided", shadow_run_id=claimed.id, runs=done, attempt=claimed.attempts)
    return done


class _Shadow:
    """A claimed shadow run or replay, and what working on it takes."""

    def __init__(self, engine: Engine, claimed: ClaimedShadowRun, *, limits: ShadowLimits, now: datetime) -> None:
        self._engine = engine
        self._claimed = claimed
        self._limits = limits
        self._now = now
        self._total = claimed.runs_done

    def replay(self) -> int:
        """Replay one decision and keep what came of it."""
        with unit_of_work(self._engine) as session:
            found = read_replayable(session, decision_id=self._claimed.request["decision_id"])
        seconds = self._limits.run_seconds
        report = replayed(found, wall_seconds=seconds) if isinstance(found, Replayable) else found
        self._keep(Progress(state="done", report=report, runs_done=1, runs_total=1), told="done")
        return 1

    def redecide_until(self, deadline: float) -> int:
        """Decide run after run again until all are, the time is over, or the claim is lost; return how many."""
        state = self._without_the_stubborn(state_of(self._claimed.report or {}))
        total, done = self._claimed.runs_done + len(state.queue), 0
        kept_at = time.monotonic()
        while state.queue and (not done or time.monotonic() < deadline):
            state, done = self._next(state), done + 1
            if time.monotonic() - kept_at >= self._limits.keep_seconds:
                if not self._keep(self._progress(state, total, state_name="running")):
                    return done
                kept_at = time.monotonic()
        state_name = "waiting" if state.queue else "done"
        told = "paused" if state.queue else "done"
        self._keep(self._progress(state, total, state_name=state_name), told=told)
        return done

    def _without_the_stubborn(self, state: ShadowState) -> ShadowState:
        """Return the state without the run at which too many claims ended."""
        if not state.queue or self._claimed.attempts - state.attempt <= self._limits.attempt_cap:
            return state
        reason = f"deciding it again broke off {self._limits.attempt_cap} times"
        return replace(
            state, queue=state.queue[1:], skipped={**state.skipped, state.queue[0]: reason}, attempt=self._attempt
        )

    @property
    def _attempt(self) -> int:
        return self._claimed.attempts

    def _next(self, state: ShadowState) -> ShadowState:
        run_id, rest = state.queue[0], replace(state, queue=state.queue[1:], attempt=self._attempt)
        try:
            with unit_of_work(self._engine, repeatable_read=True) as session:
                run = load_archive(session, run_id=run_id)
                if run is None:
                    return _skipping(rest, run_id, "its archive is gone")
                decided = archives.decided_lines(session, run_id)
                supposed = self._supposed(session, run, rest, frozenset(decided))
        except ArchiveDamaged as damage:
            return _skipping(rest, run_id, damage.message)
        found = redecide(run, supposed, wall_seconds=self._limits.run_seconds)
        return self._with_run(rest, run_id, run, found, decided)

    def _supposed(self, session: Session, run: ArchivedRun, state: ShadowState, decided: frozenset[str]) -> Supposition:
        request = self._claimed.request
        policies = self._policies(run)
        return Supposition(
            policies=policies,
            used={owner: _used(session, run, policy, state, since=self._since) for owner, policy in policies.items()},
            kinds={node.node_id: node.kind for node in list_nodes(session, limit=_ALL_NODES).items},
            network=NetworkChange(
                without_nodes=frozenset(request["without_nodes"]), capacity_factor=request["capacity_factor"]
            ),
            carried=state.carried,
            decided=decided,
        )

    @property
    def _since(self) -> datetime:
        return datetime.fromisoformat(self._claimed.request["since"])

    def _policies(self, run: ArchivedRun) -> dict[str, PolicyView]:
        """Return the supposed policy for whom it is supposed, of the owners of a run's lines."""
        request = self._claimed.request
        if request["policy"] is None:
            return {}
        only = request["policy_owner"] or (None if request["whole"] else self._claimed.organisation_id)
        owners = sorted({line.organisation_id for line in run.lines})
        return {
            owner: policy_of(request["policy"], organisation_id=owner, version=request["policy_version"] or 0)
            for owner in owners
            if only in (None, owner)
        }

    def _with_run(
        self, state: ShadowState, run_id: str, run: ArchivedRun, found: Redecided, decided: Mapping[str, str]
    ) -> ShadowState:
        lines = [line for line, archived in enumerate(run.lines) if archived.line_id in decided]
        placed = placements_of(run, found.chosen, lines)
        by_id = {archived.line_id: archived for archived in run.lines}
        placements = {
            line_id: Placement(
                at=run.now,
                organisation_id=by_id[line_id].organisation_id,
                revision_id=by_id[line_id].revision_id,
                pieces=pieces,
            )
            for line_id, pieces in placed.items()
        }
        seen = [line for line in lines if self._may_see(run.lines[line].organisation_id)]
        nowhere = sum(self._may_see(owner) for line_id, owner in decided.items() if line_id not in by_id)
        return replace(
            state,
            runs=(*state.runs, _compared(run_id, run, found, lines=seen, without_options=nowhere)),
            lines=most_changed((*state.lines, *changed_lines(run, found.chosen, seen))),
            placed={**state.placed, **placements},
            carried=found.carried,
        )

    def _may_see(self, organisation_id: str) -> bool:
        return bool(self._claimed.request["whole"]) or organisation_id == self._claimed.organisation_id

    def _progress(self, state: ShadowState, total: int, *, state_name: str) -> Progress:
        return Progress(
            state=state_name,
            report=state.document(is_over=state_name == "done"),
            runs_done=len(state.runs) + len(state.skipped),
            runs_total=total,
        )

    def _keep(self, progress: Progress, *, told: str | None = None) -> bool:
        claimed = self._claimed
        with unit_of_work(self._engine) as session:
            kept = repository.keep(session, claimed, progress, lease_seconds=self._limits.lease_seconds)
            if kept and told is not None:
                event = shadow_run_told(
                    told, shadow_run_id=claimed.id, organisation_id=claimed.organisation_id, now=self._now
                )
                record(session, event)
        if not kept:
            _log.warning("shadow.lost", shadow_run_id=claimed.id, attempt=claimed.attempts)
        return kept


def _skipping(state: ShadowState, run_id: str, reason: str) -> ShadowState:
    return replace(state, skipped={**state.skipped, run_id: reason})


def _used(
    session: Session, run: ArchivedRun, policy: PolicyView, state: ShadowState, *, since: datetime
) -> dict[int, PlacedShares]:
    """Return what the shares of a policy are counted from: what was decided before, and would have been since then."""
    lines = {line.line_id for line in run.lines}
    return {
        days: added_shares(_placements(session, run, policy, state, since=since, days=days, lines=lines))
        for days in policy.windows
    }


def _placements(
    session: Session,
    run: ArchivedRun,
    policy: PolicyView,
    state: ShadowState,
    *,
    since: datetime,
    days: int,
    lines: set[str],
) -> Iterable[tuple[Mapping[str, int], int]]:
    owner, begin = policy.organisation_id, run.now - timedelta(days=days)
    if begin < since:
        before = Placements(
            organisation_id=owner, since=begin, until=since - _INSTANT, without_lines=lines | state.placed.keys()
        )
        yield from read_placements(session, before)
    for line_id, placement in state.placed.items():
        if placement.organisation_id == owner and placement.at >= begin and line_id not in lines and placement.pieces:
            yield placement.pieces, 1


def _compared(
    run_id: str, run: ArchivedRun, found: Redecided, *, lines: Sequence[int], without_options: int
) -> ComparedRun:
    nowhere = PlanFigures(without_options=without_options)
    both = frozenset(line for line in lines if UNROUTED not in (run.chosen[line], found.chosen[line]))
    return ComparedRun(
        run_id=run_id,
        at=run.now,
        as_was=figures_of(run, run.chosen, lines=lines, both=both) + nowhere,
        as_would_be=figures_of(run, found.chosen, lines=lines, both=both) + nowhere,
        moved=sum(not run.same_way(run.chosen[line], found.chosen[line]) for line in lines),
        proven=found.status is PlanStatus.OPTIMAL,
        nodes_as_was=_lines_by_node(run, run.chosen, lines),
        nodes_as_would_be=_lines_by_node(run, found.chosen, lines),
    )


def _lines_by_node(run: ArchivedRun, chosen: Sequence[int], lines: Sequence[int]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for pieces in placements_of(run, chosen, lines).values():
        counts.update(pieces.keys())
    return dict(sorted(counts.items()))
