"""A promise at once: order, decisions, reservations and jobs in one transaction, decided line by line.

Each line takes, of what is left, its option of least cost at the prices of the last joint plans. A line for which
nothing is left is written as in any other order: runs decide it together with others. So is every line of an order that
may be split: shares are found by the exact search, which requests don't wait for. What was free at the look and is gone
at the commit is looked for again.

No solver is loaded here: what is computed is bounded by lines, nodes and days. An order with which it breaks all the
same is placed without a promise; runs have processes to break.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.orders import service as orders
from fabroute.orders.service import KeyReused, NewOrder, Placed, Replayed
from fabroute.routing.ports import JobDispatch
from fabroute.routing.service.accepting import AnswerWriter
from fabroute.routing.service.asked_once import answered_elsewhere, earlier_answer, placed_line
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.commit import RunFacts, write_run
from fabroute.routing.service.concentration import Lost, lost_to_rules, with_lost
from fabroute.routing.service.decided import Decided, verified
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.explained import Explainer
from fabroute.routing.service.guards import Breaking
from fabroute.routing.service.online_prices import prices_of, read_prices
from fabroute.routing.service.options import LineChoices, Option
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.service.quotas import share_facts
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.online import OnlineChoice, Residual, ScarceRow, Shortfall, choose_online
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, ScarcityPrices, plan_cost
from fabroute.solver.problem import RoutingProblem

ENGINE = "online"
ROUNDS = 4
"""How often what was taken meanwhile is looked for again, before the order is left to a run."""
_CONTENDED = "others took what this line was to get, again and again: decided together with them within seconds"
_BROKE = "it can't be decided at once ({error}): decided within seconds, by itself if need be"
_MAY_BE_SPLIT = "lines that may be split are decided together within seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineDecision:
    """What can be decided of an order at once, and why the rest can't."""

    snapshot: RoutingSnapshot
    """Of the lines that are decided."""
    decided: Decided | None
    """``None`` where no line is."""
    undecided: Mapping[str, str]
    """By line, why it waits for a run."""


class _TakenMeanwhile(RuntimeError):
    """What was found free was taken between the look and the transaction."""


class OnlinePromiser:
    """Promises orders at once on one database. One for all requests of a process."""

    def __init__(
        self,
        engine: Engine,
        *,
        dispatch: JobDispatch,
        horizon_days: int,
        rounds: int = ROUNDS,
        decide: Callable[[RoutingSnapshot], OnlineDecision] | None = None,
    ) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._horizon_days = horizon_days
        self._rounds = rounds
        self._decide_online = decide or decide_online

    def place(self, order: NewOrder, *, answer: AnswerWriter, now: datetime) -> Placed | Replayed | KeyReused:
        """Place an order with its promise, once for all repetitions of the request.

        The order is placed in any case: lines for which nothing is left are pending, with the reason. Of a request that
        was answered once, the answer stands.
        """
        for _ in range(self._rounds):
            began = time.monotonic()
            with unit_of_work(self._engine, repeatable_read=True) as session:
                earlier = earlier_answer(session, order)
                if earlier is not None:
                    return earlier
                snapshot = self._look(session, order, now=now)
            decision = self._decide(snapshot)
            try:
                with unit_of_work(self._engine) as session:
                    return self._write(session, order, decision, answer, began)
            except _TakenMeanwhile:
                continue
        with unit_of_work(self._engine) as session:
            undecided = {line.id: _CONTENDED for line in order.lines}
            decision = OnlineDecision(snapshot=snapshot, decided=None, undecided=undecided)
            return self._write(session, order, decision, answer, began)

    def _decide(self, snapshot: RoutingSnapshot) -> OnlineDecision:
        with Breaking() as breaking:
            return self._decide_online(snapshot)
        undecided = {line.line_id: _BROKE.format(error=breaking.why) for line in snapshot.lines}
        return OnlineDecision(snapshot=snapshot, decided=None, undecided=undecided)

    def _look(self, session: Session, order: NewOrder, *, now: datetime) -> RoutingSnapshot:
        lines = tuple(placed_line(order, position) for position in range(len(order.lines)))
        scopes = frozenset(line.planning_scope or order.planning_scope for line in order.lines)
        snapshot = read_snapshot(session, lines=lines, now=now, horizon_days=self._horizon_days)
        return replace(snapshot, prices=read_prices(session, scopes=scopes, now=now))

    def _write(
        self, session: Session, order: NewOrder, decision: OnlineDecision, answer: AnswerWriter, began: float
    ) -> Placed | Replayed | KeyReused:
        if not orders.claim_key(session, order=order):
            return answered_elsewhere(session, order)
        orders.place_promised_order(session, order=order, undecided=decision.undecided, now=decision.snapshot.now)
        if decision.decided is not None:
            self._write_decided(session, order, decision, decision.decided, began)
        body = answer(session, order.id)
        orders.finish_quoted_order(session, order=order, answer=body)
        return Placed(answer=body, location=order.location)

    def _write_decided(
        self, session: Session, order: NewOrder, decision: OnlineDecision, decided: Decided, began: float
    ) -> None:
        facts = RunFacts(
            run_id=new_id("run"),
            scope=order.planning_scope,
            limits={"promise": "now", "undecided_lines": len(decision.undecided)},
            wall_ms=round((time.monotonic() - began) * 1000),
            kind="online",
        )
        written = write_run(session, facts=facts, snapshot=decision.snapshot, decided=decided, dispatch=self._dispatch)
        if written.deferred:
            raise _TakenMeanwhile(order.id)


def decide_online(snapshot: RoutingSnapshot) -> OnlineDecision:
    """Decide the lines of a snapshot one after the other, each by what is left then. No database is asked.

    What is scarce counts at the snapshot's prices. A line that no node can make is decided, too: there is no way, and
    the decision says why. Lines that may be split are left to a run. Raises ``PlanRefused`` if the plan fails its
    independent check.
    """
    shared = {line.line_id: _MAY_BE_SPLIT for line in snapshot.lines if line.split_max_nodes}
    whole = tuple(line for line in snapshot.lines if line.line_id not in shared)
    if not whole:
        return OnlineDecision(snapshot=replace(snapshot, lines=()), decided=None, undecided=shared)
    decision = _decided_online(replace(snapshot, lines=whole))
    return replace(decision, undecided={**shared, **decision.undecided})


def _decided_online(snapshot: RoutingSnapshot) -> OnlineDecision:
    finder = CandidateFinder(snapshot)
    choices = finder.choices()
    joint = joint_problem(
        choices,
        supply=finder.supply(),
        buckets=snapshot.horizon_days,
        sharing=False,
        shares=share_facts(snapshot),
    )
    found = _one_after_the_other(joint, prices_of(snapshot.prices, joint, finder.calendars))
    plan = verified(joint.problem, _plan(joint.problem, [choice.option for choice in found]))
    chosen, undecided = joint.chosen(plan.chosen), _undecided(joint, found, finder.calendars)
    lost = lost_to_rules(joint, plan.chosen)
    verdicts = tuple(_verdict(each, chosen, lost) for each in choices if each.line.line_id not in undecided)
    return OnlineDecision(
        snapshot=replace(snapshot, lines=tuple(verdict.choices.line for verdict in verdicts)),
        decided=_decided(snapshot, finder, joint, plan, verdicts) if verdicts else None,
        undecided=undecided,
    )


def _decided(
    snapshot: RoutingSnapshot,
    finder: CandidateFinder,
    joint: JointProblem,
    plan: RoutingPlan,
    verdicts: Sequence[Verdict],
) -> Decided:
    chosen, days = joint.chosen(plan.chosen), joint.days(plan.chosen, finder.calendars)
    dispatch = finder.consolidation.dispatch(chosen, days, free=finder.supply().minutes)
    return Decided(
        verdicts=Explainer(finder, joint, plan).explained(verdicts),
        days=dispatch.days,
        dispatch_at=dispatch.at,
        baseline=chosen,
        plan=plan,
        options=joint.problem.option_count,
        snapshot_sha256=snapshot.sha256(),
        calendars=finder.calendars,
        policies=snapshot.policies,
    )


def _one_after_the_other(joint: JointProblem, prices: ScarcityPrices | None) -> list[OnlineChoice]:
    residual, found = Residual.of(joint.problem), []
    for line in range(joint.problem.line_count):
        choice = choose_online(joint.problem, line, residual, prices)
        found.append(choice)
        if choice.option != UNROUTED:
            residual = residual.less(joint.problem, choice.option)
    return found


def _plan(problem: RoutingProblem, chosen: Sequence[int]) -> RoutingPlan:
    """Return the choice as a plan, with the simplest bound: each line's cheapest price, capacity ignored."""
    cheapest = problem.unrouted_cost.tolist()
    for line, cost in zip(problem.option_line.tolist(), problem.option_cost.tolist(), strict=True):
        cheapest[line] = min(cheapest[line], cost)
    return RoutingPlan(
        chosen=tuple(chosen),
        cost=plan_cost(problem, chosen),
        bound=sum(cheapest),
        engine=ENGINE,
        status=PlanStatus.BASELINE,
        seed=0,
        wall_ms=0,
    )


def _verdict(choices: LineChoices, chosen: Mapping[str, Option], lost: Lost) -> Verdict:
    line_id = choices.line.line_id
    exclusions = with_lost(choices.exclusions, choices, lost.get(line_id, {}))
    return Verdict(choices=choices, chosen=chosen.get(line_id), exclusions=exclusions)


def _undecided(joint: JointProblem, found: Sequence[OnlineChoice], calendars: Calendars) -> dict[str, str]:
    """Return why lines that could be made have no place now: what their nearest option lacks."""
    return {
        choices.line.line_id: _why(joint, choice.shortfalls, calendars)
        for choices, choice in zip(joint.choices, found, strict=True)
        if choice.option == UNROUTED
    }


def _why(joint: JointProblem, shortfalls: Sequence[Shortfall], calendars: Calendars) -> str:
    nearest = min(shortfalls, key=lambda each: each.lacks / max(1, each.needs))
    return (
        f"nothing is left for it at once: {_lacking(joint, nearest, calendars)}; decided together with other orders "
        "within seconds"
    )


def _lacking(joint: JointProblem, nearest: Shortfall, calendars: Calendars) -> str:
    if nearest.row is ScarceRow.MINUTES:
        day = calendars.day(nearest.bucket or 0)
        return f"{joint.machines[nearest.index]} lacks {nearest.lacks} minutes by {day:%Y-%m-%d}"
    if nearest.row is ScarceRow.GRAMS:
        return f"lot {joint.lots[nearest.index]} lacks {nearest.lacks} g"
    return "a share of nodes or a price cap is used up"
