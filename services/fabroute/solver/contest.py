"""What is left to decide once everything that can't matter is gone: lines that compete for scarce rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import BoolArray, IntArray, RoutingProblem
from fabroute.solver.rows import Row, fits_alone, scarce_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contest:
    """A set of lines that share scarce rows, renumbered from 0, with the way back to the problem.

    Rows are stored flat, entries sorted by row: entry ``e`` says that option ``entry_option[e]`` draws
    ``entry_weight[e]`` on row ``entry_row[e]``.
    """

    lines: IntArray
    """Line of the problem behind each line here."""
    options: IntArray
    """Option of the problem behind each option here."""
    option_line: IntArray
    cost: IntArray
    unrouted_cost: IntArray
    entry_row: IntArray
    entry_option: IntArray
    entry_weight: IntArray
    limit: IntArray

    @property
    def line_count(self) -> int:
        """Number of lines that compete."""
        return len(self.lines)

    @property
    def option_count(self) -> int:
        """Number of options that are left."""
        return len(self.options)

    def cost_of(self, chosen: IntArray) -> int:
        """Return the cost of a choice (one option or ``UNROUTED`` per line), milli-minor."""
        routed = chosen != UNROUTED
        return int(self.cost[chosen[routed]].sum()) + int(self.unrouted_cost[~routed].sum())

    def slack(self, chosen: IntArray) -> IntArray:
        """Return what a choice leaves of every row."""
        taken = np.zeros(self.option_count, dtype=np.int64)
        taken[chosen[chosen != UNROUTED]] = 1
        return self.limit - self._row_sums(self.entry_weight * taken[self.entry_option])

    def fits(self, slack: IntArray) -> BoolArray:
        """Tell which options fit into what is left of every row."""
        fits = np.ones(self.option_count, dtype=np.bool_)
        fits[self.entry_option[self.entry_weight > slack[self.entry_row]]] = False
        return fits

    def take(self, slack: IntArray, option: int) -> None:
        """Draw one option's weights from ``slack``, in place."""
        entries = np.flatnonzero(self.entry_option == option)
        slack[self.entry_row[entries]] -= self.entry_weight[entries]

    def narrowed(self, keep: BoolArray, *, lines: BoolArray | None = None, slack: IntArray | None = None) -> Contest:
        """Return the contest of the kept options alone, of some lines alone, in what is left of the rows.

        Options of lines that are left out must not be kept. ``options`` and ``lines`` then point into this contest.
        """
        limit = self.limit if slack is None else slack
        lines_kept = np.ones(self.line_count, dtype=np.bool_) if lines is None else lines
        entries = np.flatnonzero(keep[self.entry_option])
        asked = self._row_sums(np.where(keep[self.entry_option], self.entry_weight, 0))
        entries = entries[(asked > limit)[self.entry_row[entries]]]
        rows, entry_row = np.unique(self.entry_row[entries], return_inverse=True)
        return Contest(
            lines=np.flatnonzero(lines_kept),
            options=np.flatnonzero(keep),
            option_line=_renumbered(lines_kept)[self.option_line[keep]],
            cost=self.cost[keep],
            unrouted_cost=self.unrouted_cost[lines_kept],
            entry_row=entry_row,
            entry_option=_renumbered(keep)[self.entry_option[entries]],
            entry_weight=self.entry_weight[entries],
            limit=limit[rows],
        )

    def problem_of(self, problem: RoutingProblem) -> RoutingProblem:
        """Return the problem of this contest's lines and options alone; the contest must be one of ``problem``."""
        return replace(
            problem,
            line_count=self.line_count,
            option_line=self.option_line,
            option_cost=problem.option_cost[self.options],
            option_pool=problem.option_pool[self.options],
            option_bucket=problem.option_bucket[self.options],
            option_minutes=problem.option_minutes[self.options],
            option_lot=problem.option_lot[self.options],
            option_grams=problem.option_grams[self.options],
            unrouted_cost=self.unrouted_cost,
        )

    def from_outer(self, chosen: IntArray) -> IntArray:
        """Translate a choice in what this was made from (problem or contest); its options must have been kept."""
        inner = chosen[self.lines]
        routed = inner != UNROUTED
        inner[routed] = np.searchsorted(self.options, inner[routed])
        return inner

    def into_outer(self, chosen: IntArray, outer: IntArray) -> IntArray:
        """Return a copy of ``outer``, a choice in what this was made from, with this contest's lines as chosen here."""
        merged = outer.copy()
        merged[self.lines] = np.where(chosen == UNROUTED, UNROUTED, np.append(self.options, UNROUTED)[chosen])
        return merged

    def _row_sums(self, entry_values: IntArray) -> IntArray:
        sums = np.zeros(len(self.limit), dtype=np.int64)
        np.add.at(sums, self.entry_row, entry_values)
        return sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduction:
    """The decisions that are plain, and the contests that are not."""

    chosen: IntArray
    """Per line of the problem: its plain choice; ``UNROUTED`` for lines of a contest, or without any option."""
    contests: tuple[Contest, ...]


def reduce_problem(problem: RoutingProblem) -> Reduction:
    """Decide every line whose best option costs no other line anything; return the others by what they share.

    No optimum is lost: an option goes only when it can't be taken at all, or when its line has one that is no dearer
    and draws on nothing scarce. Lines of different contests share no scarce row.
    """
    alive = fits_alone(problem)
    while True:
        rows = scarce_rows(problem, alive)
        survivors = alive & ~_beaten_by_a_free_option(problem, alive, rows)
        if (survivors == alive).all():
            break
        alive = survivors
    contested = _contested(problem, rows)
    plain = alive & ~_lines_mask(problem, contested)[problem.option_line]
    chosen = np.full(problem.line_count, UNROUTED, dtype=np.int64)
    chosen[problem.option_line[plain]] = np.flatnonzero(plain)
    return Reduction(chosen=chosen, contests=tuple(_contests(problem, alive & ~plain, rows)))


def _beaten_by_a_free_option(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> BoolArray:
    """Tell which options are no cheaper than their line's cheapest option that draws on nothing scarce."""
    free = np.flatnonzero(alive & ~_contested(problem, rows))
    free = free[np.lexsort((free, problem.option_cost[free], problem.option_line[free]))]
    lines, first = np.unique(problem.option_line[free], return_index=True)
    best = np.full(problem.line_count, np.iinfo(np.int64).max, dtype=np.int64)
    best[lines] = problem.option_cost[free[first]]
    beaten = problem.option_cost >= best[problem.option_line]
    beaten[free[first]] = False
    return beaten


def _contested(problem: RoutingProblem, rows: list[Row]) -> BoolArray:
    contested = np.zeros(problem.option_count, dtype=np.bool_)
    for row in rows:
        contested[row.members] = True
    return contested


def _lines_mask(problem: RoutingProblem, options: BoolArray) -> BoolArray:
    mask = np.zeros(problem.line_count, dtype=np.bool_)
    mask[problem.option_line[options]] = True
    return mask


def _contests(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> list[Contest]:
    whole = _whole_contest(problem, alive, rows)
    label = _connected_lines(problem, rows)[whole.lines]
    contests = []
    for root in np.unique(label):
        lines = label == root
        part = whole.narrowed(lines[whole.option_line], lines=lines)
        contests.append(replace(part, lines=whole.lines[part.lines], options=whole.options[part.options]))
    return contests


def _whole_contest(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> Contest:
    lines = _lines_mask(problem, alive)
    members = np.concatenate([np.zeros(0, dtype=np.int64), *(row.members for row in rows)])
    return Contest(
        lines=np.flatnonzero(lines),
        options=np.flatnonzero(alive),
        option_line=_renumbered(lines)[problem.option_line[alive]],
        cost=problem.option_cost[alive],
        unrouted_cost=problem.unrouted_cost[lines],
        entry_row=np.repeat(np.arange(len(rows)), [len(row.members) for row in rows]),
        entry_option=_renumbered(alive)[members],
        entry_weight=np.concatenate([np.zeros(0, dtype=np.int64), *(row.weights for row in rows)]),
        limit=np.array([row.limit for row in rows], dtype=np.int64),
    )


def _connected_lines(problem: RoutingProblem, rows: list[Row]) -> IntArray:
    """Return, per line, the smallest line that it is tied to by a chain of scarce rows."""
    label = np.arange(problem.line_count)
    groups = [np.unique(problem.option_line[row.members]) for row in rows]
    settled = False
    while not settled:
        before = label.copy()
        for group in groups:
            label[group] = label[group].min()
        settled = bool((label == before).all())
    return label


def _renumbered(kept: BoolArray) -> IntArray:
    """Return new numbers 0… for the kept entries (meaningless for the others)."""
    return np.cumsum(kept, dtype=np.int64) - 1
