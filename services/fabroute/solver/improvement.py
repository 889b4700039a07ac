"""Better plans by exact neighbourhoods: free a few lines that crowd the same rows, and re-decide them jointly."""

from dataclasses import dataclass

import numpy as np

from fabroute.solver.contest import Contest
from fabroute.solver.exact import solve_exactly
from fabroute.solver.limits import Budget
from fabroute.solver.plan import UNROUTED
from fabroute.solver.prices import FloatArray, Prices
from fabroute.solver.problem import NO_BUILD, BoolArray, IntArray

_ROUND_CHARGE = 0.02
_ROUND_SECONDS = 0.1
_SMALLEST, _LARGEST = 8.0, 60.0
_GROW, _SHRINK = 1.05, 0.8
_REACH = 0.3


@dataclass(slots=True, kw_only=True)
class Search:
    """The state of one improvement run."""

    contest: Contest
    prices: Prices
    budget: Budget
    chosen: IntArray
    random: np.random.Generator
    size: float = 14.0
    """Lines freed in a round; grows while rounds are solved to the end, shrinks when they are not."""


def improve(contest: Contest, prices: Prices, chosen: IntArray, budget: Budget, *, seconds: float) -> IntArray:
    """Return a choice that costs no more: rounds go on until the bound is met, ``seconds`` are spent, or no round
    of the last few dozen helped.
    """
    random = np.random.default_rng([budget.limits.seed, int(contest.lines[0])])
    search = Search(contest=contest, prices=prices, budget=budget, chosen=chosen, random=random)
    end = budget.spent + seconds
    cost = contest.cost_of(chosen)
    idle, patience = 0, 30 + contest.line_count
    while idle < patience and cost > prices.bound and budget.spent < end and not budget.guard_hit:
        _one_round(search)
        budget.spent += _ROUND_CHARGE
        now = contest.cost_of(search.chosen)
        idle = 0 if now < cost else idle + 1
        cost = now
    return search.chosen


def _one_round(search: Search) -> None:
    contest = search.contest
    lines = _crowd(search)
    freed = np.where(lines, UNROUTED, search.chosen)
    room = contest.room(freed)
    keep = contest.fits(room) & lines[contest.option_line] & _within_reach(search, lines)
    keep[search.chosen[lines & (search.chosen != UNROUTED)]] = True
    part = contest.narrowed(keep, lines=lines, room=room)
    answer = solve_exactly(part, part.from_outer(search.chosen), search.budget, seconds=_ROUND_SECONDS)
    search.chosen = part.into_outer(answer.chosen, search.chosen)
    search.size = float(np.clip(search.size * (_GROW if answer.proven else _SHRINK), _SMALLEST, _LARGEST))


def _crowd(search: Search) -> BoolArray:
    """Pick a badly placed line, and lines that now hold what its good options need; fill up at random."""
    contest, loss = search.contest, _loss(search)
    lines = np.zeros(contest.line_count, dtype=np.bool_)
    size = min(int(search.size), contest.line_count)
    weight = loss + 0.02 * loss.mean() + 1.0
    first = int(search.random.choice(contest.line_count, p=weight / weight.sum()))
    lines[first] = True
    rivals = _rivals(search, first, max(float(loss[first]), _REACH * float(search.prices.best[first])))
    rivals = search.random.permutation(rivals[rivals != first])[: size - 1]
    lines[rivals] = True
    others = search.random.permutation(np.flatnonzero(~lines))
    lines[others[: size - int(lines.sum())]] = True
    return lines


def _loss(search: Search) -> FloatArray:
    """Return, per line, how much dearer its present choice is than its best one at the rows' prices."""
    routed = search.chosen != UNROUTED
    now = search.contest.unrouted_cost.astype(np.float64)
    now[routed] = search.prices.reduced_cost[search.chosen[routed]]
    return np.maximum(now - search.prices.best, 0.0)


def _rivals(search: Search, line: int, reach: float) -> IntArray:
    """Return the lines whose chosen option draws on a row, or is in a build, that a good option of this line needs."""
    contest = search.contest
    good = (contest.option_line == line) & (search.prices.regret(contest) <= reach)
    wanted = np.zeros(len(contest.limit), dtype=np.bool_)
    wanted[contest.entry_row[good[contest.entry_option]]] = True
    taken = np.zeros(contest.option_count, dtype=np.bool_)
    taken[search.chosen[search.chosen != UNROUTED]] = True
    holding = contest.entry_option[wanted[contest.entry_row] & taken[contest.entry_option]]
    shared = np.isin(contest.option_build, contest.option_build[good & (contest.option_build != NO_BUILD)])
    return np.unique(contest.option_line[np.append(holding, np.flatnonzero(shared & taken))])


def _within_reach(search: Search, lines: BoolArray) -> BoolArray:
    """Leave out options that are far dearer than their line's best: they are hardly ever part of a better plan."""
    reach = max(float(_loss(search)[lines].max()), _REACH * float(search.prices.best[lines].mean()))
    return search.prices.regret(search.contest) <= reach
