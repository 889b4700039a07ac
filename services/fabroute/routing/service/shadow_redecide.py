"""One archived run decided again under other policies or on another network, and what that would have changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise

import numpy as np

from fabroute.routing.rules import unrouted_cost_millis
from fabroute.routing.rules.policies import PlacedShares, PolicyView
from fabroute.routing.service.archive import ArchivedRun
from fabroute.routing.service.quotas import Quotas, ShareTable, biting, rules_of_policy
from fabroute.routing.service.timing import Calendars
from fabroute.routing.service.variants import Narrowed, weighed_anew, with_options, without_quotas
from fabroute.solver.engines import solve
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, day_plan, plan_cost
from fabroute.solver.problem import NO_LOT, BoolArray, IntArray, RoutingProblem
from fabroute.solver.verify import verify_plan

OF_POLICIES = frozenset({"cap", "minimum"})

MachineDay = tuple[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkChange:
    """A network that never was: without some nodes, or with more or less capacity at others."""

    without_nodes: frozenset[str] = frozenset()
    capacity_factor: Mapping[str, float] = field(default_factory=dict)
    """By node: what its machines' free time is multiplied by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What earlier runs of the shadow left over, or took more, than they did in truth."""

    minutes: Mapping[MachineDay, int] = field(default_factory=dict)
    grams: Mapping[str, int] = field(default_factory=dict)
    """By lot."""
    taken: Mapping[MachineDay, int] = field(default_factory=dict)
    """Minutes that earlier runs took in truth at nodes whose free time is supposed to be more or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """What is supposed of one run: the policies of its owners, what their shares count from, the network."""

    policies: Mapping[str, PolicyView]
    """Of the owners for whom something else is supposed; all others keep theirs."""
    used: Mapping[str, Mapping[int, PlacedShares]]
    """By such an owner and days of the window."""
    kinds: Mapping[str, str]
    """By node."""
    network: NetworkChange
    carried: Carried
    decided: frozenset[str]
    """The lines that the run gave an outcome to; what it planned for others was never held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """A plan that would have been, in the options of the archived problem."""

    chosen: tuple[int, ...]
    status: PlanStatus
    carried: Carried
    """For the runs that come after."""


def redecide(run: ArchivedRun, supposed: Supposition, *, wall_seconds: float) -> Redecided:
    """Return what a run would have decided, within its own limits and ``wall_seconds``.

    Where nothing that counts is different, that is what it did decide.
    """
    part = _variant(run, supposed)
    kept = part.from_outer(run.chosen)
    if part.problem.snapshot_sha256() == run.problem.snapshot_sha256():
        carried = replace(supposed.carried, taken=_taken_on(run, supposed))
        return Redecided(chosen=run.chosen, status=run.status, carried=carried)
    plan = solve(part.problem, replace(run.limits, wall_seconds=wall_seconds))
    chosen = part.into_outer(kept if _is_better(part.problem, kept, plan) else plan.chosen)
    carried = _carried_on(run, chosen, part.problem.capacity, supposed)
    return Redecided(chosen=chosen, status=plan.status, carried=carried)


def _is_better(problem: RoutingProblem, chosen: tuple[int, ...], plan: RoutingPlan) -> bool:
    """Tell whether a known plan keeps all rules of a problem and costs less than the one that was found."""
    cost = plan_cost(problem, chosen)
    known = replace(plan, chosen=chosen, cost=cost, bound=min(plan.bound, cost))
    return cost < plan.cost and not verify_plan(problem, known)


def _variant(run: ArchivedRun, supposed: Supposition) -> Narrowed:
    problem = replace(
        run.problem,
        option_cost=weighed_anew(run, {**run.policies, **supposed.policies}),
        capacity=_capacity(run, supposed),
        stock=_stock(run, supposed.carried),
    )
    problem = _with_shares(run, problem, supposed)
    return with_options(problem, _open_options(run, supposed.network.without_nodes))


def _with_shares(run: ArchivedRun, problem: RoutingProblem, supposed: Supposition) -> RoutingProblem:
    """Return the problem with the quotas of the supposed policies in place of those that their owners had."""
    if not supposed.policies:
        return problem
    drop = [it.kind in OF_POLICIES and it.organisation_id in supposed.policies for it in run.rules]
    quotas = _supposed_quotas(run, supposed)
    left = without_quotas(problem, np.array(drop, dtype=np.bool_))
    more = quotas.arrays()
    return replace(
        left,
        unrouted_cost=_unrouted(run, left, quotas),
        quota_limit=np.append(left.quota_limit, more["quota_limit"]),
        quota_excess_cost=np.append(left.quota_excess_cost, more["quota_excess_cost"]),
        share_quota=np.append(left.share_quota, more["share_quota"] + len(left.quota_limit)),
        share_option=np.append(left.share_option, more["share_option"]),
        share_weight=np.append(left.share_weight, more["share_weight"]),
    )


def _supposed_quotas(run: ArchivedRun, supposed: Supposition) -> Quotas:
    table = ShareTable(
        lines=run.lines,
        placed=[run.placed(option) for option in range(run.problem.option_count)],
        option_line=run.problem.option_line.tolist(),
    )
    present = {line.organisation_id for line in run.lines}
    found = [
        quota
        for owner, policy in sorted(supposed.policies.items())
        if owner in present
        for quota in rules_of_policy(
            table, policy, owner=owner, used=supposed.used.get(owner, {}), kinds={**run.kinds, **supposed.kinds}
        )
    ]
    return biting(table, found)


def _unrouted(run: ArchivedRun, problem: RoutingProblem, quotas: Quotas) -> IntArray:
    """Return the prices of leaving lines out: as they were, but over all that the new weights and shares can cost."""
    start = problem.line_start()
    dearest = quotas.dearest_excess(problem.option_line.tolist(), lines=problem.line_count)
    least = np.zeros(problem.line_count, dtype=np.int64)
    for line, (first, end) in enumerate(pairwise(start.tolist())):
        costs = problem.option_cost[first:end]
        if costs.size:
            lowest, highest = int(costs.min()), int(costs.max())
            least[line] = unrouted_cost_millis(cheapest_millis=lowest, dearest_millis=highest)
    return np.asarray(np.maximum(run.problem.unrouted_cost, least + dearest))


def _capacity(run: ArchivedRun, supposed: Supposition) -> IntArray:
    """Return the free time as supposed, never under 0.

    It is the factor times what was free before the runs of the shadow (what is left, and what they took in truth), less
    what they would have taken; where there is no factor, what is left and what they took more in truth.
    """
    capacity, carried = run.problem.capacity.copy(), supposed.carried
    taken = _by_bucket(run, carried.taken)
    would_have_taken = taken - _by_bucket(run, carried.minutes)
    factors = supposed.network.capacity_factor
    for pool, node_id in enumerate(run.machine_nodes):
        whole = capacity[pool] + taken[pool]
        if node_id in factors:
            whole = np.floor(whole * factors[node_id]).astype(np.int64)
        capacity[pool] = np.maximum(0, whole - would_have_taken[pool])
    return capacity


def _by_bucket(run: ArchivedRun, minutes: Mapping[MachineDay, int]) -> IntArray:
    """Return minutes by machine and day of a run; those of other machines and days are left aside."""
    found = np.zeros_like(run.problem.capacity)
    pools = {machine_id: pool for pool, machine_id in enumerate(run.machines)}
    first_day = _calendars(run).first_day
    for (machine_id, day), amount in minutes.items():
        bucket = (day - first_day).days
        if machine_id in pools and 0 <= bucket < found.shape[1]:
            found[pools[machine_id], bucket] = amount
    return found


def _stock(run: ArchivedRun, carried: Carried) -> IntArray:
    more = np.array([carried.grams.get(lot_id, 0) for lot_id in run.lots], dtype=np.int64)
    return np.asarray(np.maximum(0, run.problem.stock + more))


def _open_options(run: ArchivedRun, without_nodes: frozenset[str]) -> BoolArray:
    keep = np.ones(run.problem.option_count, dtype=np.bool_)
    if without_nodes:
        barred = np.array([node_id in without_nodes for node_id in run.machine_nodes], dtype=np.bool_)
        keep &= ~barred[run.problem.option_pool]
        keep[run.problem.draw_option[barred[run.problem.draw_pool]]] = False
    return keep


def _carried_on(run: ArchivedRun, chosen: Sequence[int], capacity: IntArray, supposed: Supposition) -> Carried:
    """Return what is carried after a run: minutes and grams that it took in truth, less those it would have taken."""
    minutes, grams = defaultdict(int, supposed.carried.minutes), defaultdict(int, supposed.carried.grams)
    calendars = _calendars(run)
    roomier = replace(run.problem, capacity=capacity)
    for problem, of_all, sign in ((run.problem, run.chosen, 1), (roomier, chosen, -1)):
        plan = _held(run, of_all, supposed)
        for share in day_plan(problem, plan):
            minutes[run.machines[share.pool], calendars.day(share.bucket)] += sign * share.minutes
        for lot, amount in _grams(problem, plan):
            grams[run.lots[lot]] += sign * amount
    return Carried(
        minutes={key: value for key, value in minutes.items() if value},
        grams={key: value for key, value in grams.items() if value},
        taken=_taken_on(run, supposed),
    )


def _taken_on(run: ArchivedRun, supposed: Supposition) -> Mapping[MachineDay, int]:
    """Return the minutes taken in truth after a run, at the nodes whose free time is supposed to be more or less."""
    taken, calendars = defaultdict(int, supposed.carried.taken), _calendars(run)
    for share in day_plan(run.problem, _held(run, run.chosen, supposed)):
        if run.machine_nodes[share.pool] in supposed.network.capacity_factor:
            taken[run.machines[share.pool], calendars.day(share.bucket)] += share.minutes
    return dict(taken)


def _held(run: ArchivedRun, chosen: Sequence[int], supposed: Supposition) -> list[int]:
    """Return a plan without the lines that the run did not decide in the end."""
    return [
        option if line.line_id in supposed.decided else UNROUTED for line, option in zip(run.lines, chosen, strict=True)
    ]


def _grams(problem: RoutingProblem, plan: Sequence[int]) -> Iterable[tuple[int, int]]:
    taken = np.array([option for option in plan if option != UNROUTED], dtype=np.int64)
    draws = np.isin(problem.draw_option, taken)
    lots = np.append(problem.option_lot[taken], problem.draw_lot[draws])
    grams = np.append(problem.option_grams[taken], problem.draw_grams[draws])
    return ((lot, amount) for lot, amount in zip(lots.tolist(), grams.tolist(), strict=True) if lot != NO_LOT)


def _calendars(run: ArchivedRun) -> Calendars:
    return Calendars(now=run.now, horizon_days=run.problem.capacity.shape[1])


# ---------------------------------------------------------------- figures


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigures:
    """What a plan means for the lines that are looked at. Sums add up over runs."""

    lines: int = 0
    unrouted: int = 0
    cost_millis: int = 0
    """Generalised, as the lines weighed things in truth; lines without a place at their price."""
    landed_minor: int = 0
    """Of the lines that have a place both ways: the same lines in both plans."""
    co2e_g: int = 0
    """Of the same lines."""
    delivery_minutes: int = 0
    """Of the same lines: from their run to the promised hand-over."""
    late_lines: int = 0
    """Of all lines with a place: those that arrive after their need-by."""
    late_minutes: int = 0
    without_options: int = 0
    """Beside ``lines``: those that no node could make, so that there was nothing to decide."""

    def __add__(self, other: "PlanFigures") -> "PlanFigures":
        return PlanFigures(
            lines=self.lines + other.lines,
            unrouted=self.unrouted + other.unrouted,
            cost_millis=self.cost_millis + other.cost_millis,
            landed_minor=self.landed_minor + other.landed_minor,
            co2e_g=self.co2e_g + other.co2e_g,
            delivery_minutes=self.delivery_minutes + other.delivery_minutes,
            late_lines=self.late_lines + other.late_lines,
            late_minutes=self.late_minutes + other.late_minutes,
            without_options=self.without_options + other.without_options,
        )


def figures_of(run: ArchivedRun, chosen: Sequence[int], *, lines: Sequence[int], both: frozenset[int]) -> PlanFigures:
    """Return what a plan means for some of a run's lines; ``both`` are those with a place in either plan."""
    routed = [chosen[line] for line in lines if chosen[line] != UNROUTED]
    same = [line for line in lines if line in both]
    costs, landed = run.cost_by_line(chosen), run.landed_by_line(chosen)
    late = [run.late_minutes(option) for option in routed]
    return PlanFigures(
        lines=len(lines),
        unrouted=len(lines) - len(routed),
        cost_millis=sum(costs[line] for line in lines),
        landed_minor=sum(landed[line] for line in same),
        co2e_g=sum(int(run.co2e_g[chosen[line]]) for line in same),
        delivery_minutes=sum(int(run.minutes[chosen[line]]) for line in same),
        late_lines=sum(1 for minutes in late if minutes),
        late_minutes=sum(late),
    )


def placements_of(run: ArchivedRun, chosen: Sequence[int], lines: Iterable[int]) -> dict[str, Mapping[str, int]]:
    """Return the pieces by node of each of some lines, by line id; nothing for a line without a place."""
    return {run.lines[line].line_id: run.placed(chosen[line]) if chosen[line] != UNROUTED else {} for line in lines}
