"""The engines: a problem and limits in, always a plan with a proven bound out."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fabroute.solver.contest import Contest, Reduction, reduce_problem
from fabroute.solver.exact import Answer, solve_exactly
from fabroute.solver.improvement import improve
from fabroute.solver.insertion import regret_insertion
from fabroute.solver.large.engine import PLAIN_ENGINE, search_and_bound, solve_large
from fabroute.solver.large.market import market_of, no_prices
from fabroute.solver.large.openings import price_market
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, plan_cost
from fabroute.solver.prices import Prices, price_rows, worth_keeping
from fabroute.solver.problem import IntArray, RoutingProblem

_FIRST_SHARE, _RUIN_SHARE, _IMPROVEMENT_SHARE = 0.2, 0.2, 0.15
_SMALL, _QUICK_SECONDS = 30, 0.1
_PRICE_SECONDS, _PRICE_WALL_SECONDS = 0.05, 2.0
_NOTHING_SCARCE = "no two lines compete: each takes the cheapest option that it can"
EXACT_ENGINE = "cp_sat"
LARGE_OPTIONS = 20_000
"""With more options than this that could be taken, the whole is priced and searched instead of proven.

Below it, what competes for nothing is set aside first and the rest is proven: of 200 lines with 6,779 options the
contests are proven in seconds, where the search of the whole stayed 0.17 % from its bound."""


def solve(problem: RoutingProblem, limits: SolveLimits | None = None) -> RoutingPlan:
    """Return the best plan found within the limits, and a proven lower bound.

    Lines that compete for nothing take their cheapest option at once; the others are split into contests that share
    no scarce resource, and each is searched. Same problem and limits, same plan, unless the wall guard had to stop it
    (then the plan's status says so).
    """
    budget = Budget(limits=limits or SolveLimits())
    market = market_of(problem)
    if len(market.option) > LARGE_OPTIONS:
        plan = solve_large(market, budget)
        why = f"{len(market.option)} options could be taken: over {LARGE_OPTIONS} they are priced and searched"
        return replace(plan, engine_reason=_NOTHING_SCARCE if plan.engine == PLAIN_ENGINE else why)
    return _solve_by_contests(problem, budget)


def with_prices(problem: RoutingProblem, plan: RoutingPlan, *, seconds: float = _PRICE_SECONDS) -> RoutingPlan:
    """Return the plan with what scarce minutes, grams and quotas are worth; a plan that knows its prices as it is.

    The exact engine needs no prices, but quotes and explanations do. About ``seconds`` of deterministic time.
    """
    if plan.prices is not None:
        return plan
    if plan.engine == PLAIN_ENGINE:
        return replace(plan, prices=no_prices(problem))
    budget = Budget(limits=SolveLimits(seed=plan.seed, deterministic_seconds=seconds, wall_seconds=_PRICE_WALL_SECONDS))
    return replace(plan, prices=price_market(market_of(problem), budget, seconds=seconds)[1].prices)


def _solve_by_contests(problem: RoutingProblem, budget: Budget) -> RoutingPlan:
    reduction = reduce_problem(problem)
    shares = _with_shares(reduction.contests, budget)
    answers = [(contest, _decide(problem, contest, budget, seconds)) for contest, seconds in shares]
    chosen = reduction.chosen
    missing = 0
    for contest, answer in _with_what_is_left(answers, budget):
        chosen = contest.into_outer(answer.chosen, chosen)
        missing += contest.cost_of(answer.chosen) - answer.bound
    cost = plan_cost(problem, chosen.tolist())
    return RoutingPlan(
        chosen=tuple(chosen.tolist()),
        cost=cost,
        bound=cost - missing,
        engine=EXACT_ENGINE if reduction.contests else PLAIN_ENGINE,
        engine_reason=_reason(reduction),
        status=_status(missing, budget),
        seed=budget.limits.seed,
        wall_ms=budget.wall_ms,
    )


def _reason(reduction: Reduction) -> str:
    """Say why these contests were searched exactly, or nothing at all."""
    if not reduction.contests:
        return _NOTHING_SCARCE
    lines = sum(contest.line_count for contest in reduction.contests)
    options = sum(contest.option_count for contest in reduction.contests)
    return f"{lines} lines with {options} options compete: few enough to prove"


def _with_shares(contests: tuple[Contest, ...], budget: Budget) -> Iterator[tuple[Contest, float]]:
    """Yield the contests, small ones first, each with its share of the deterministic seconds that are left then."""
    waiting = sorted(contests, key=lambda contest: contest.option_count)
    while waiting:
        size = waiting[0].option_count
        yield waiting[0], budget.left * size / sum(contest.option_count for contest in waiting)
        waiting = waiting[1:]


def _with_what_is_left(answers: list[tuple[Contest, Answer]], budget: Budget) -> Iterator[tuple[Contest, Answer]]:
    """Yield the answers; those that are not proven are searched on with what others did not need of their shares."""
    unproven = {contest: answer for contest, answer in answers if answer.bound < contest.cost_of(answer.chosen)}
    yield from ((contest, answer) for contest, answer in answers if contest not in unproven)
    for contest, seconds in _with_shares(tuple(unproven), budget):
        answer = unproven[contest]
        if seconds > _QUICK_SECONDS and not budget.guard_hit:
            prices = price_rows(contest, seconds=budget.wall_left)
            answer = _search(contest, prices, answer, budget, seconds=seconds)
        yield contest, answer


def _decide(problem: RoutingProblem, contest: Contest, budget: Budget, seconds: float) -> Answer:
    """Price the rows and insert; then search exactly, and where that is not soon over, improve and search on."""
    end = budget.spent + seconds
    prices = price_rows(contest, seconds=budget.wall_left)
    start = Answer(chosen=_insert(contest, prices), bound=prices.bound, proven=False)
    if contest.line_count <= _SMALL:
        return _search(contest, prices, start, budget, seconds=seconds)
    start = _ruined(problem, contest, start, budget, seconds=min(_QUICK_SECONDS, seconds * _FIRST_SHARE))
    answer = _search(contest, prices, start, budget, seconds=seconds * _FIRST_SHARE)
    if answer.proven or budget.guard_hit:
        return answer
    answer = _ruined(problem, contest, answer, budget, seconds=seconds * _RUIN_SHARE)
    better = improve(contest, prices, answer.chosen, budget, seconds=seconds * _IMPROVEMENT_SHARE)
    return _search(contest, prices, replace(answer, chosen=better), budget, seconds=max(0.0, end - budget.spent))


def _ruined(problem: RoutingProblem, contest: Contest, known: Answer, budget: Budget, *, seconds: float) -> Answer:
    """Return an answer that is no worse, by the search and the bound that large scopes have."""
    cost = contest.cost_of(known.chosen)
    if known.bound >= cost or not budget.wall_left:
        return known
    found = search_and_bound(market_of(contest.problem_of(problem)), budget, cost=cost, seconds=seconds)
    chosen = min(known.chosen, found.chosen, key=contest.cost_of)
    return replace(known, chosen=chosen, bound=max(known.bound, found.bound))


def _search(contest: Contest, prices: Prices, known: Answer, budget: Budget, *, seconds: float) -> Answer:
    """Return an answer that is no worse than the known one, from the options that a cheaper plan can hold."""
    keep = worth_keeping(contest, prices, contest.cost_of(known.chosen) - 1)
    keep[known.chosen[known.chosen != UNROUTED]] = True
    part = contest.narrowed(keep)
    hint = part.from_outer(known.chosen)
    answer = solve_exactly(part, hint, budget, seconds=seconds, workers=budget.limits.workers)
    chosen = part.into_outer(answer.chosen, known.chosen)
    return replace(answer, chosen=chosen, bound=max(known.bound, answer.bound))


def _insert(contest: Contest, prices: Prices) -> IntArray:
    """Return the better of two insertions: by true cost, and by cost with the price of scarce rows."""
    by_cost = regret_insertion(contest, contest.cost.astype(np.float64))
    by_price = regret_insertion(contest, prices.reduced_cost)
    return min(by_cost, by_price, key=contest.cost_of)


def _status(missing: int, budget: Budget) -> PlanStatus:
    if missing == 0:
        return PlanStatus.OPTIMAL
    return PlanStatus.WALL_GUARD if budget.guard_hit else PlanStatus.LIMIT
