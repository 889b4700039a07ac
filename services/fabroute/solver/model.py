"""A contest as a CP-SAT model, built through its proto: one rule, one function."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.sat.python.cp_model_helper import CpModelProto

from fabroute.solver.contest import Contest
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import HARD, NO_BUILD, IntArray

OBJECTIVE_BITS = 50
_LEAST = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Costs in the engine's units: ``cost ≥ offset + 2^shift · engine cost``, over it only by what is rounded down."""

    coefficients: tuple[int, ...]
    """Of the options, of the lines' staying unrouted, of opening builds, of each unit over soft rows."""
    offset: int
    shift: int

    def bound_from(self, engine_bound: int) -> int:
        """Return the bound on the true cost that a bound on the engine's cost proves."""
        return self.offset + (engine_bound << self.shift)


def build(contest: Contest, objective: Objective, hint: IntArray) -> CpModelProto:
    """Return the model: a Boolean for each option, line that stays unrouted, and build; an integer for each soft row.

    ``hint`` is a feasible choice.
    """
    model = CpModelProto()
    for most in _most(contest).tolist():
        model.variables.add().domain.extend([0, most])
    one_option_or_unrouted(model, contest)
    builds_are_opened(model, contest)
    scarce_rows_hold(model, contest)
    least_cost(model, objective)
    start_from(model, contest, hint)
    return model


def first_build(contest: Contest) -> int:
    """Return the variable of build 0; those of soft rows follow after the last build's."""
    return contest.option_count + contest.line_count


def one_option_or_unrouted(model: CpModelProto, contest: Contest) -> None:
    """Each line takes exactly one of its options, or stays unrouted."""
    start = np.searchsorted(contest.option_line, np.arange(contest.line_count + 1)).tolist()
    for line in range(contest.line_count):
        literals = [*range(start[line], start[line + 1]), contest.option_count + line]
        model.constraints.add().exactly_one.literals.extend(literals)


def builds_are_opened(model: CpModelProto, contest: Contest) -> None:
    """A line takes at most one option of a build, and none while it is closed."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for option, build in enumerate(contest.option_build.tolist()):
        if build != NO_BUILD:
            pairs.setdefault((int(contest.option_line[option]), build), []).append(option)
    for (_, build), options in pairs.items():
        closed = -1 - (first_build(contest) + build)
        model.constraints.add().at_most_one.literals.extend([*options, closed])


def scarce_rows_hold(model: CpModelProto, contest: Contest) -> None:
    """No row gives more than it has: minutes up to a deadline, grams of a lot, room of a build that is open, quotas.

    Builds draw on rows too. Soft rows are lifted by what they are exceeded by.
    """
    terms: list[list[tuple[int, int]]] = [[] for _ in contest.limit]
    entries = (contest.entry_row.tolist(), contest.entry_option.tolist(), contest.entry_weight.tolist())
    for row, option, weight in zip(*entries, strict=True):
        terms[row].append((option, weight))
    for row, build, weight in zip(*(each.tolist() for each in contest.openings()), strict=True):
        terms[row].append((first_build(contest) + build, weight))
    for place, row in enumerate(contest.soft.tolist()):
        terms[row].append((first_build(contest) + len(contest.build_cost) + place, -1))
    for row, (limit, room_of) in enumerate(zip(contest.limit.tolist(), contest.room_of.tolist(), strict=True)):
        closed = [] if room_of == NO_BUILD else [(first_build(contest) + room_of, -limit)]
        _at_most(model, [*terms[row], *closed], 0 if closed else limit)


def _at_most(model: CpModelProto, terms: Sequence[tuple[int, int]], limit: int) -> None:
    linear = model.constraints.add().linear
    linear.vars.extend([variable for variable, _ in terms])
    linear.coeffs.extend([weight for _, weight in terms])
    linear.domain.extend([_LEAST, limit])


def least_cost(model: CpModelProto, objective: Objective) -> None:
    """The sum of all chosen costs is least."""
    model.objective.vars.extend(range(len(objective.coefficients)))
    model.objective.coeffs.extend(objective.coefficients)


def start_from(model: CpModelProto, contest: Contest, hint: IntArray) -> None:
    """The search starts at a plan that is known to be feasible."""
    taken = np.zeros(contest.option_count, dtype=np.int64)
    taken[hint[hint != UNROUTED]] = 1
    room = contest.room(hint)
    over = np.maximum(-room.slack[contest.soft], 0)
    values = np.concatenate([taken, hint == UNROUTED, room.opened, over])
    model.solution_hint.vars.extend(range(len(values)))
    model.solution_hint.values.extend(values.tolist())


def choice_from(contest: Contest, values: Sequence[int]) -> IntArray:
    """Return the choice that a solution's values mean."""
    taken = np.flatnonzero(np.asarray(values[: contest.option_count], dtype=np.int64))
    chosen = np.full(contest.line_count, UNROUTED, dtype=np.int64)
    chosen[contest.option_line[taken]] = taken
    return chosen


def exact_objective(contest: Contest) -> Objective:
    """Return the costs as the engine can add them exactly: over each line's cheapest, rounded down when still huge."""
    cheapest = contest.unrouted_cost.copy()
    np.minimum.at(cheapest, contest.option_line, contest.cost)
    over = np.concatenate([contest.cost - cheapest[contest.option_line], contest.unrouted_cost - cheapest])
    dearest = contest.unrouted_cost - cheapest
    np.maximum.at(dearest, contest.option_line, contest.cost - cheapest[contest.option_line])
    prices = contest.excess_cost[contest.soft]
    excess = _most(contest)[first_build(contest) + len(contest.build_cost) :]
    largest = int(dearest.sum()) + int(contest.build_cost.sum()) + int((prices * excess).sum())
    shift = max(0, largest.bit_length() - OBJECTIVE_BITS)
    coefficients = np.concatenate([over, contest.build_cost, prices]) >> shift
    return Objective(coefficients=tuple(coefficients.tolist()), offset=int(cheapest.sum()), shift=shift)


def _most(contest: Contest) -> IntArray:
    """Return the greatest value of each variable."""
    booleans = np.ones(first_build(contest) + len(contest.build_cost), dtype=np.int64)
    asked = np.zeros(len(contest.limit), dtype=np.int64)
    np.add.at(asked, contest.entry_row, contest.entry_weight)
    over = np.maximum(asked - contest.limit, 0)[contest.excess_cost != HARD]
    return np.concatenate([booleans, over])
