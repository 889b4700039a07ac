"""What is left to decide once everything that can't matter is gone: lines that compete for scarce rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import HARD, NO_BUILD, BoolArray, IntArray, RoutingProblem
from fabroute.solver.rows import Row, fits_alone, is_shared, opening_of_options, scarce_rows


@dataclass(slots=True, kw_only=True, eq=False)
class Room:
    """What a choice leaves, kept up to date while options are taken."""

    slack: IntArray
    """Per row, what is left; below 0 where a soft row is exceeded."""
    opened: BoolArray
    """Per build, whether somebody opened it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contest:
    """A set of lines that share scarce rows or builds, renumbered from 0, with the way back to the problem.

    Rows are stored flat, entries sorted by row: entry ``e`` says that option ``entry_option[e]`` draws
    ``entry_weight[e]`` on row ``entry_row[e]``, and that its build draws ``entry_opening[e]`` there once. A build that
    only one line may use is part of its options: of their costs and weights.
    """

    lines: IntArray
    """Line of the problem behind each line here."""
    options: IntArray
    """Option of the problem behind each option here."""
    option_line: IntArray
    cost: IntArray
    unrouted_cost: IntArray
    option_build: IntArray
    """Build that each option shares, or ``NO_BUILD``."""
    build_cost: IntArray
    entry_row: IntArray
    entry_option: IntArray
    entry_weight: IntArray
    entry_opening: IntArray
    limit: IntArray
    excess_cost: IntArray
    """Per row, the price of each unit over the limit, or ``HARD``."""
    room_of: IntArray
    """Per row, the build whose room it is, or ``NO_BUILD``."""

    @property
    def line_count(self) -> int:
        """Number of lines that compete."""
        return len(self.lines)

    @property
    def option_count(self) -> int:
        """Number of options that are left."""
        return len(self.options)

    @property
    def soft(self) -> IntArray:
        """Rows that may be exceeded at a price."""
        return np.flatnonzero(self.excess_cost != HARD)

    def openings(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return row, build and weight of all that builds draw on rows, each once."""
        opening = np.flatnonzero(self.entry_opening > 0)
        rows, builds = self.entry_row[opening], self.option_build[self.entry_option[opening]]
        _, first = np.unique(rows * (len(self.build_cost) + 1) + builds, return_index=True)
        return rows[first], builds[first], self.entry_opening[opening[first]]

    def cost_of(self, chosen: IntArray) -> int:
        """Return the cost of a choice (one option or ``UNROUTED`` per line), milli-minor."""
        routed = chosen != UNROUTED
        cost = int(self.cost[chosen[routed]].sum()) + int(self.unrouted_cost[~routed].sum())
        if not (self.build_cost.size or self.soft.size):
            return cost
        room = self.room(chosen)
        over = np.maximum(-room.slack[self.soft], 0)
        return cost + int(self.build_cost[room.opened].sum()) + int((self.excess_cost[self.soft] * over).sum())

    def room(self, chosen: IntArray) -> Room:
        """Return what a choice leaves."""
        taken = np.zeros(self.option_count, dtype=np.int64)
        taken[chosen[chosen != UNROUTED]] = 1
        opened = np.zeros(len(self.build_cost) + 1, dtype=np.bool_)
        opened[self.option_build[taken > 0]] = True
        slack = self.limit - self._row_sums(self.entry_weight * taken[self.entry_option])
        if self.build_cost.size:
            rows, builds, weights = self.openings()
            np.subtract.at(slack, rows, weights * opened[builds])
        return Room(slack=slack, opened=opened[:-1])

    def slack(self, chosen: IntArray) -> IntArray:
        """Return what a choice leaves of every row."""
        return self.room(chosen).slack

    def fits(self, room: Room) -> BoolArray:
        """Tell which options fit into what is left of every hard row, their build opened where it is not yet."""
        wanted = self._wanted(room)
        fits = np.ones(self.option_count, dtype=np.bool_)
        over = (wanted > room.slack[self.entry_row]) & (self.excess_cost[self.entry_row] == HARD)
        fits[self.entry_option[over]] = False
        return fits

    def extra_cost(self, room: Room) -> IntArray:
        """Return what each option would cost now beside its own cost: its build's opening, and excess of soft rows."""
        extra = np.append(np.where(room.opened, 0, self.build_cost), 0)[self.option_build]
        if self.soft.size:
            entries = np.flatnonzero(self.excess_cost[self.entry_row] > 0)
            rows = self.entry_row[entries]
            over = np.maximum(self._wanted(room)[entries] - np.maximum(room.slack[rows], 0), 0)
            np.add.at(extra, self.entry_option[entries], over * self.excess_cost[rows])
        return extra

    def take(self, room: Room, option: int) -> None:
        """Draw one option's weights, and its build's if it opens it, from what is left, in place."""
        entries = np.flatnonzero(self.entry_option == option)
        room.slack[self.entry_row[entries]] -= self._wanted(room)[entries]
        if self.option_build[option] != NO_BUILD:
            room.opened[self.option_build[option]] = True

    def narrowed(self, keep: BoolArray, *, lines: BoolArray | None = None, room: Room | None = None) -> Contest:
        """Return the contest of the kept options alone, of some lines alone, in what is left.

        Options of lines that are left out must not be kept. Builds that are open cost no more; what soft rows are
        exceeded by already is paid. ``options`` and ``lines`` then point into this contest.
        """
        lines_kept = np.ones(self.line_count, dtype=np.bool_) if lines is None else lines
        now = self._as_it_is() if room is None else room
        limit = np.where(self.excess_cost == HARD, now.slack, np.maximum(now.slack, 0))
        wanted = np.where(keep[self.entry_option], self._wanted(now), 0)
        kept = np.flatnonzero(keep[self.entry_option] & (self._row_sums(wanted) > limit)[self.entry_row])
        rows, entry_row = np.unique(self.entry_row[kept], return_inverse=True)
        closed, new_build = self._closed_builds(keep, now.opened)
        return Contest(
            lines=np.flatnonzero(lines_kept),
            options=np.flatnonzero(keep),
            option_line=_renumbered(lines_kept)[self.option_line[keep]],
            cost=self.cost[keep],
            unrouted_cost=self.unrouted_cost[lines_kept],
            option_build=new_build[self.option_build[keep]],
            build_cost=self.build_cost[closed],
            entry_row=entry_row,
            entry_option=_renumbered(keep)[self.entry_option[kept]],
            entry_weight=self.entry_weight[kept],
            entry_opening=(self._wanted(now) - self.entry_weight)[kept],
            limit=limit[rows],
            excess_cost=self.excess_cost[rows],
            room_of=new_build[self.room_of[rows]],
        )

    def problem_of(self, problem: RoutingProblem) -> RoutingProblem:
        """Return the problem of this contest's lines and options alone; the contest must be one of ``problem``."""
        options, lines = np.zeros(problem.option_count, dtype=np.bool_), np.zeros(problem.line_count, dtype=np.bool_)
        options[self.options], lines[self.lines] = True, True
        return problem.only(options, lines=lines)

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

    def _as_it_is(self) -> Room:
        return Room(slack=self.limit, opened=np.zeros(len(self.build_cost), dtype=np.bool_))

    def _wanted(self, room: Room) -> IntArray:
        """Return, per entry, what the option would draw now, its build's opening included."""
        if not self.build_cost.size:
            return self.entry_weight
        opened = np.append(room.opened, True)[self.option_build[self.entry_option]]
        return self.entry_weight + np.where(opened, 0, self.entry_opening)

    def _closed_builds(self, keep: BoolArray, opened: BoolArray) -> tuple[IntArray, IntArray]:
        """Return the builds of kept options that are not open, and the new number of each build (and of none)."""
        used = np.unique(self.option_build[keep])
        closed = used[(used != NO_BUILD) & ~np.append(opened, True)[used]]
        numbers = np.full(len(self.build_cost) + 1, NO_BUILD)
        numbers[closed] = np.arange(len(closed))
        return closed, numbers

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

    No optimum is lost: an option goes only when it can't be taken at all, or when its line has one that draws on
    nothing scarce and is no dearer even where it opens its build alone. Lines of different contests share no scarce
    row and no build that costs.
    """
    alive = fits_alone(problem)
    while True:
        rows = scarce_rows(problem, alive)
        survivors = alive & ~_beaten_by_a_free_option(problem, alive, rows)
        if (survivors == alive).all():
            break
        alive = survivors
    contested = _drawing(problem, rows) | (alive & (_cost_of_shared_build(problem, alive) > 0))
    plain = alive & ~_lines_mask(problem, contested)[problem.option_line]
    chosen = np.full(problem.line_count, UNROUTED, dtype=np.int64)
    chosen[problem.option_line[plain]] = np.flatnonzero(plain)
    return Reduction(chosen=chosen, contests=tuple(_contests(problem, alive & ~plain, rows)))


def _beaten_by_a_free_option(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> BoolArray:
    """Tell which options cost their line no less than its best that draws on nothing scarce, or than no option.

    An option of a build that others may open costs at least itself; the free one it is held against pays its build.
    """
    most = problem.option_cost + opening_of_options(problem, problem.build_cost)
    least = most - _cost_of_shared_build(problem, alive)
    free = np.flatnonzero(alive & ~_drawing(problem, rows))
    free = free[np.lexsort((free, most[free], problem.option_line[free]))]
    lines, first = np.unique(problem.option_line[free], return_index=True)
    best = np.full(problem.line_count, np.iinfo(np.int64).max, dtype=np.int64)
    best[lines] = most[free[first]]
    beaten = least >= best[problem.option_line]
    beaten[free[first]] = False
    return beaten | (least > problem.unrouted_cost[problem.option_line])


def _cost_of_shared_build(problem: RoutingProblem, alive: BoolArray) -> IntArray:
    """Return, per option, the cost of its build where another line may share it, else 0."""
    return opening_of_options(problem, np.where(is_shared(problem, alive), problem.build_cost, 0))


def _drawing(problem: RoutingProblem, rows: list[Row]) -> BoolArray:
    """Tell which options draw on a scarce row."""
    drawing = np.zeros(problem.option_count, dtype=np.bool_)
    for row in rows:
        drawing[row.members] = True
    return drawing


def _lines_mask(problem: RoutingProblem, options: BoolArray) -> BoolArray:
    mask = np.zeros(problem.line_count, dtype=np.bool_)
    mask[problem.option_line[options]] = True
    return mask


def _contests(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> list[Contest]:
    whole = _whole_contest(problem, alive, rows)
    label = _connected_lines(whole)
    contests = []
    for root in np.unique(label):
        lines = label == root
        part = whole.narrowed(lines[whole.option_line], lines=lines)
        contests.append(replace(part, lines=whole.lines[part.lines], options=whole.options[part.options]))
    return contests


def _whole_contest(problem: RoutingProblem, alive: BoolArray, rows: list[Row]) -> Contest:
    lines, builds = _lines_mask(problem, alive), np.flatnonzero(is_shared(problem, alive))
    numbers = np.full(len(problem.build_cost) + 1, NO_BUILD)
    numbers[builds] = np.arange(len(builds))
    cost = problem.option_cost + opening_of_options(problem, problem.build_cost)
    return Contest(
        lines=np.flatnonzero(lines),
        options=np.flatnonzero(alive),
        option_line=_renumbered(lines)[problem.option_line[alive]],
        cost=(cost - _cost_of_shared_build(problem, alive))[alive],
        unrouted_cost=problem.unrouted_cost[lines],
        option_build=numbers[problem.option_build[alive]],
        build_cost=problem.build_cost[builds],
        entry_row=np.repeat(np.arange(len(rows)), [len(row.members) for row in rows]),
        entry_option=_renumbered(alive)[_joined([row.members for row in rows])],
        entry_weight=_joined([row.weights for row in rows]),
        entry_opening=_joined([row.openings for row in rows]),
        limit=np.array([row.limit for row in rows], dtype=np.int64),
        excess_cost=np.array([row.excess_cost for row in rows], dtype=np.int64),
        room_of=numbers[np.array([row.room_of for row in rows], dtype=np.int64)],
    )


def _connected_lines(whole: Contest) -> IntArray:
    """Return, per line, the smallest line that it is tied to by a chain of scarce rows and builds that cost."""
    label = np.arange(whole.line_count)
    costs = np.append(whole.build_cost, 0)[whole.option_build] > 0
    group = np.concatenate([whole.entry_row, len(whole.limit) + whole.option_build[costs]])
    line = whole.option_line[np.concatenate([whole.entry_option, np.flatnonzero(costs)])]
    settled = False
    while not settled:
        least = np.full(len(whole.limit) + len(whole.build_cost), whole.line_count)
        np.minimum.at(least, group, label[line])
        before = label.copy()
        np.minimum.at(label, line, least[group])
        settled = bool((label == before).all())
    return label


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _renumbered(kept: BoolArray) -> IntArray:
    """Return new numbers 0… for the kept entries (meaningless for the others)."""
    return np.cumsum(kept, dtype=np.int64) - 1
