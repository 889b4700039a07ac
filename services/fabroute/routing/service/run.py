"""A routing run: claim what is due, read a snapshot, decide with no transaction open, write down what still holds.

A planning scope is decided by one worker at a time (``scopes``); what another scope's run, a quote or a person took
meanwhile is found at the end, and those lines are decided again at once on a fresh snapshot.

A run breaks that raises while it decides, or ends its worker. Its lines are suspects then: they are decided apart, in
small groups and processes of their own (``guards``), until the one that breaks them is alone, and parked.
"""

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from types import TracebackType

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import once_reachable, unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.orders.rules import holds_suspects
from fabroute.orders.service import (
    ClaimedLine,
    LineOutcome,
    claim_lines,
    lock_fenced_lines,
    record_outcomes,
    split_scope,
)
from fabroute.orders.service.attention import count_returned
from fabroute.orders.service.suspects import suspect_left_behind
from fabroute.routing.ports import Isolation, JobDispatch
from fabroute.routing.rules import HORIZON_DAYS
from fabroute.routing.service.commit import RunFacts, Written, write_run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.following import followed_run
from fabroute.routing.service.guards import Account, blame, decided_apart
from fabroute.routing.service.scopes import KeptScope, ScopeLease, ScopeLost, claim_scope, release_scope
from fabroute.routing.snapshot import read_snapshot
from fabroute.solver.limits import SolveLimits
from fabroute.telemetry.binding import bound

ATTEMPTS_TO_GROUP = ((5, 1), (3, 16))
"""From so many attempts on, lines are routed in groups of so many: one that breaks runs then breaks fewer others."""
PAUSE_SECONDS = 2.0
"""A line whose run failed waits so long, and twice as long each time."""
LONGEST_PAUSE_SECONDS = 300.0
SUSPECT_SECONDS = 10.0
"""A few suspects are decided in tenths of a second: what takes much longer won't end by itself."""
_WORTH_STARTING_SECONDS = 1.0
_LEAST_SOLVE_SECONDS = 0.1
"""Where reading took all of the time: the plan is what is found by then, rather than none."""
_GRACE_SECONDS = 15.0
"""For reading and writing, beside the time to decide: a run that takes longer hangs, and loses its scope."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.routing")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingLimits:
    """How many lines are decided together, and how long that may take."""

    batch_lines: int = 200
    seed: int = 1
    deterministic_seconds: float = 10.0
    wall_seconds: float = 30.0
    """For all that was claimed together; the plan that there is by then is used."""
    lease_seconds: float = 60.0
    attempt_cap: int = 8
    horizon_days: int = HORIZON_DAYS
    returned_lines: int = 1_000
    """So many lines that came back from their nodes are decided together, where that is more than ``batch_lines``."""
    scope_lease_seconds: float = 6.0
    """After so long without a sign of life another worker takes the scope over."""
    scope_lines: int = 2_000
    """A scope in which more lines wait is split."""
    conflict_rounds: int = 3
    """How often lines that lost what they were to get are decided again at once."""
    grace_seconds: float = 5.0
    """A process that decides longer than ``wall_seconds`` by this much is ended: it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of the lines that were claimed together."""

    run_ids: tuple[str, ...]
    claimed: int
    routed: int
    no_route: int
    wall_ms: int
    order_ids: tuple[str, ...] = ()
    """Whose lines these were."""

    @property
    def open(self) -> int:
        """Lines without an outcome: another run was quicker, theirs failed, time was up, or they were cancelled."""
        return self.claimed - self.routed - self.no_route


def route_pending(
    engine: Engine,
    *,
    scope: str,
    now: datetime,
    dispatch: JobDispatch,
    limits: RoutingLimits,
    isolation: Isolation | None = None,
) -> RunReport | None:
    """Decide a batch of a planning scope's due lines and write it down; ``None`` if there is nothing to do.

    That is so where no line is due, where another worker is deciding the scope, and where so many lines wait that the
    scope was split: its parts are told of by an event.

    Any number of workers may do this at once. Whatever ends it before it is written (a crash, a time limit, a lost
    connection) leaves nothing behind but lines that are suspects when the next worker takes over the scope. Suspects
    are decided with ``isolation``, if there is one.
    """
    started, suspects = time.monotonic(), holds_suspects(scope)
    if suspects:
        limits = replace(limits, wall_seconds=min(limits.wall_seconds, SUSPECT_SECONDS))
    with unit_of_work(engine) as session:
        claimed = _claim(session, scope=scope, limits=limits, now=now)
    if claimed is None:
        return None
    lease, lines = claimed
    seconds, most = limits.scope_lease_seconds, limits.wall_seconds + _GRACE_SECONDS
    with KeptScope(engine, lease, lease_seconds=seconds, most_seconds=most) as kept:
        run = _Runs(engine, scope=kept, now=now, dispatch=dispatch, limits=limits, started=started)
        for group in groups(lines):
            if suspects and isolation is not None:
                run.route_apart(group, isolation)
            else:
                run.route(group)
    account = run.account()
    return RunReport(
        run_ids=account.run_ids,
        claimed=len(lines),
        routed=account.routed,
        no_route=account.no_route,
        wall_ms=round((time.monotonic() - started) * 1000),
        order_ids=tuple(dict.fromkeys(line.order_id for line in lines)),
    )


def _claim(
    session: Session, *, scope: str, limits: RoutingLimits, now: datetime
) -> tuple[ScopeLease, tuple[ClaimedLine, ...]] | None:
    """Claim a scope and lines of it in one transaction: whoever had it before can't write them any more."""
    lease = claim_scope(session, name=scope, lease_seconds=limits.scope_lease_seconds)
    if lease is None:
        return None
    if lease.taken_over and not holds_suspects(scope):
        suspects = suspect_left_behind(session, scope=scope, now=now)
        _log.warning("routing.scope_taken_over", scope=scope, suspects=suspects)
    if split_scope(session, scope=scope, most=limits.scope_lines, now=now):
        release_scope(session, lease)
        return None
    lines = claim_lines(
        session,
        scope=scope,
        limit=_lines_at_once(session, scope=scope, limits=limits),
        lease_seconds=limits.lease_seconds,
        attempt_cap=limits.attempt_cap,
        alone=True,
    )
    if not lines:
        release_scope(session, lease)
        return None
    return lease, lines


def _lines_at_once(session: Session, *, scope: str, limits: RoutingLimits) -> int:
    """Return how many lines a run takes: those that a node lost together are decided together, up to a limit."""
    returned = count_returned(session, scope=scope)
    return max(limits.batch_lines, min(returned, limits.returned_lines))


def groups(lines: Sequence[ClaimedLine]) -> Iterator[tuple[ClaimedLine, ...]]:
    """Yield the lines to be decided together: all of those with few attempts, small groups of the others.

    The order of the small groups changes with every attempt, so that a line which ends the whole process is not always
    in front of the same others.
    """
    by_size: dict[int, list[ClaimedLine]] = {}
    for line in lines:
        size = next((size for attempts, size in ATTEMPTS_TO_GROUP if line.attempts >= attempts), len(lines))
        by_size.setdefault(size, []).append(line)
    for size in sorted(by_size, reverse=True):
        waiting = by_size[size] if size == len(lines) else sorted(by_size[size], key=_shuffled)
        for first in range(0, len(waiting), size):
            yield tuple(waiting[first : first + size])


def pause_after_failure(attempts: int) -> timedelta:
    """Return how long a line waits after its run failed for the ``attempts``-th time."""
    return timedelta(seconds=min(PAUSE_SECONDS * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS))


class _Runs:
    """The runs over lines that were claimed together."""

    def __init__(
        self,
        engine: Engine,
        *,
        scope: KeptScope,
        now: datetime,
        dispatch: JobDispatch,
        limits: RoutingLimits,
        started: float,
    ) -> None:
        self._engine = engine
        self._scope = scope
        self._now = now
        self._dispatch = dispatch
        self._limits = limits
        self._started = started
        self._accounts: list[Account] = []
        self._deciding = False

    @property
    def _seconds_left(self) -> float:
        return self._limits.wall_seconds - (time.monotonic() - self._started)

    def account(self, *, since: int = 0) -> Account:
        """Return what all runs up to now came to, or those after so many, and forget these."""
        these = self._accounts[since:]
        del self._accounts[since:]
        return Account(
            run_ids=tuple(run_id for account in these for run_id in account.run_ids),
            routed=sum(account.routed for account in these),
            no_route=sum(account.no_route for account in these),
        )

    def route_apart(self, lines: tuple[ClaimedLine, ...], isolation: Isolation) -> None:
        """Do what ``route`` does in a process of its own; if that does not get to an end, the lines are to blame."""

        before = len(self._accounts)

        def work() -> Account:
            self.route(lines)
            return self.account(since=before)

        seconds = self._limits.wall_seconds + self._limits.grace_seconds
        with _FailedRun(self, new_id("run"), lines):
            found = decided_apart(work, isolation=isolation, seconds=seconds)
            if isinstance(found, Account):
                self._accounts.append(found)
            elif found.starved:
                _log.warning("routing.run_starved", lines=len(lines), reason=found.why)
                self._send_back(lines, reason=f"{found.why}: routed again later", paused=True)
            else:
                self._blame(lines, why=found.why)

    def route(self, lines: tuple[ClaimedLine, ...]) -> None:
        """Decide lines and write them down, those that lost a race again; if that fails, or time is up, send them back.

        Nothing is done, not even that, once another worker has the scope.
        """
        for rounds_left in range(self._limits.conflict_rounds, -1, -1):
            if not lines or self._scope.lost:
                return
            if self._seconds_left < _WORTH_STARTING_SECONDS:
                untried = rounds_left == self._limits.conflict_rounds
                self._send_back(lines, reason="time was up: routed with the next run", paused=False, untried=untried)
                return
            lines = self._round(lines, may_repeat=rounds_left > 0)

    def _round(self, lines: tuple[ClaimedLine, ...], *, may_repeat: bool) -> tuple[ClaimedLine, ...]:
        """Decide lines and write them down; return those to be decided again at once."""
        run_id, again = new_id("run"), frozenset[str]()
        followed = followed_run(self._engine, lines, run_id=run_id, scope=self._scope.lease.name)
        with bound(run_id=run_id), _FailedRun(self, run_id, lines), followed as done:
            written = self._decide_and_write(run_id, lines, may_repeat=may_repeat)
            done(written)
            account = Account(run_ids=(run_id,), routed=written.routed, no_route=written.no_route)
            self._accounts.append(account)
            again = written.again
        return tuple(line for line in lines if line.line_id in again)

    def failed(self, run_id: str, lines: tuple[ClaimedLine, ...], error: Exception) -> None:
        """Log a run that raised, and send its lines back; those of a lost scope are somebody else's already.

        To decide takes nothing but the lines and the network: what raises there will raise again with the same lines.
        """
        if isinstance(error, ScopeLost):
            _log.warning("routing.scope_lost", run_id=run_id, lines=len(lines), reason=error.message)
            return
        trace = "".join(traceback.format_exception(error))
        _log.error("routing.run_failed", run_id=run_id, lines=len(lines), error=str(error), trace=trace)
        if self._deciding:
            self._deciding = False
            self._blame(lines, why=f"it raised {type(error).__name__}")
            return
        self._send_back(lines, reason=f"a run failed ({type(error).__name__}): routed again later", paused=True)

    def _decide_and_write(self, run_id: str, lines: tuple[ClaimedLine, ...], *, may_repeat: bool) -> Written:
        began, limits = time.monotonic(), self._limits
        with unit_of_work(self._engine, repeatable_read=True) as session:
            snapshot = read_snapshot(session, lines=lines, now=self._now, horizon_days=limits.horizon_days)
        solve_limits = SolveLimits(
            seed=limits.seed,
            deterministic_seconds=limits.deterministic_seconds,
            wall_seconds=max(self._seconds_left, _LEAST_SOLVE_SECONDS),
        )
        self._deciding = True
        decided = decide(snapshot, solve_limits)
        self._deciding = False
        facts = RunFacts(
            run_id=run_id,
            scope=self._scope.lease.name,
            limits=asdict(limits),
            wall_ms=round((time.monotonic() - began) * 1000),
            scope_lease=self._scope.lease,
            may_repeat=may_repeat,
        )
        with unit_of_work(self._engine) as session:
            return write_run(session, facts=facts, snapshot=snapshot, decided=decided, dispatch=self._dispatch)

    def _blame(self, lines: Sequence[ClaimedLine], *, why: str) -> None:
        blame(self._engine, scope=self._scope.lease.name, lines=lines, why=why, now=self._now)

    def _send_back(self, lines: Sequence[ClaimedLine], *, reason: str, paused: bool, untried: bool = False) -> None:
        """Let lines wait for another run; a database that is away is waited for as long as nobody takes the scope."""
        once_reachable(
            lambda: self._write_back(lines, reason=reason, paused=paused, untried=untried),
            seconds=self._limits.scope_lease_seconds,
        )

    def _write_back(self, lines: Sequence[ClaimedLine], *, reason: str, paused: bool, untried: bool) -> None:
        with unit_of_work(self._engine) as session:
            held = lock_fenced_lines(session, fences={line.line_id: line.fence for line in lines})
            outcomes = tuple(
                LineOutcome(
                    line_id=line.line_id,
                    state="pending",
                    reason=reason,
                    next_attempt_at=self._now + pause_after_failure(line.attempts) if paused else self._now,
                    untried=untried,
                )
                for line in lines
                if line.line_id in held
            )
            record_outcomes(session, outcomes=outcomes, now=self._now)


class _FailedRun:
    """The boundary at which the failure of one run ends: its lines go back, the other runs go on."""

    def __init__(self, runs: _Runs, run_id: str, lines: tuple[ClaimedLine, ...]) -> None:
        self._runs = runs
        self._run_id = run_id
        self._lines = lines

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Take in what a run raised, but let through what ends the process."""
        if not isinstance(error, Exception):
            return False
        self._runs.failed(self._run_id, self._lines, error)
        return True


def _shuffled(line: ClaimedLine) -> str:
    return sha256(f"{line.line_id} {line.attempts}".encode()).hexdigest()
