"""Which promised lines move: planned together on a network on which they hold nothing. No database is asked.

A move keeps the promise: no later, no dearer. It gains: lines that want the same machines and lots gain together more
than the stability price of those whose nodes know of their jobs.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.rules.policies import policy_for
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decided import verified
from fabroute.routing.service.explained import Explainer
from fabroute.routing.service.improving_days import days_of_moves
from fabroute.routing.service.online_prices import prices_of
from fabroute.routing.service.options import LineChoices, Option, same_place
from fabroute.routing.service.problem import JointProblem, LineDays, joint_problem
from fabroute.routing.service.quotas import share_facts
from fabroute.routing.service.standing import given_back
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, Standing
from fabroute.solver.engines import solve
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import RoutingPlan, ScarcityPrices

_LEAST_WALL_SECONDS = 1.0
_ROUNDS = 3
"""How often lines that can't be rebuilt as they stand are taken out, and the rest looked at anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A line that goes from where it stands to a better option."""

    standing: Standing
    stay: Option
    """What it has, as an option of today."""
    option: Option
    choices: LineChoices
    stability_millis: int

    @property
    def gain_millis(self) -> int:
        """What the move gains in generalised cost, less the stability price; may be negative."""
        return self.stay.cost_millis - self.option.cost_millis - self.stability_millis

    @property
    def line_id(self) -> str:
        """The line that moves."""
        return self.standing.line.line_id

    @property
    def touched(self) -> frozenset[tuple[str, str]]:
        """The machines, lots and licences of both places: moves that share one depend on each other."""
        revision_id, job = self.standing.line.revision_id, self.standing.job
        machines = (job.machine_id, self.option.way.offer.machine_id)
        lots = (str(job.lot_id), self.option.way.lot.lot_id)
        licensed = () if self.standing.licence_id is None else (("revision", revision_id),)
        capped = () if self.standing.line.max_price_minor is None else (("order", self.standing.line.order_id),)
        return frozenset((*(("machine", it) for it in machines), *(("lot", it) for it in lots), *licensed, *capped))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What an improve run found: moves by group; each group happens whole or not at all."""

    snapshot: RoutingSnapshot
    groups: tuple[tuple[Move, ...], ...]
    days: LineDays
    plan: RoutingPlan
    options: int
    looked_at: int
    """Lines that could have moved."""
    calendars: Calendars
    explainer: Explainer
    dispatch_at: Mapping[str, datetime] | None = None
    """By line that waits for others: when its node is told; ``None`` where planned jobs keep their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Lines that can be rebuilt as they stand, on a network on which they hold nothing."""

    snapshot: RoutingSnapshot
    standing: Mapping[str, Standing]
    stays: Mapping[str, Option]
    choices: tuple[LineChoices, ...]
    finder: CandidateFinder = field(repr=False)


def plan_moves(snapshot: RoutingSnapshot, standing: Sequence[Standing], limits: SolveLimits) -> Moves:
    """Return the moves that pay. The same snapshot, lines and limits give the same moves.

    ``snapshot`` is of the network as it is. At its prices what a line would take is not free, because others may come
    that need it more; the plan's cost and bound include them. Raises ``PlanRefused`` if the plan fails its check.
    """
    began = time.monotonic()
    scene = scene_of(snapshot, standing)
    stability = {line_id: _stability_millis(snapshot, each) for line_id, each in scene.standing.items()}
    joint = _joint(scene, stability)
    plan = solved(joint, limits, spent_seconds=time.monotonic() - began)
    planned = moves_to(scene, joint.chosen(plan.chosen), stability)
    moves = [move for move in planned if not same_place(move.option, move.stay)]
    days = days_of_moves(snapshot, {it.line_id: (it.standing, it.option) for it in moves}, scene.finder.calendars)
    return moves_found(scene, joint, plan, groups=_worth_it([it for it in moves if it.line_id in days]), days=days)


def moves_found(
    scene: Scene,
    joint: JointProblem,
    plan: RoutingPlan,
    *,
    groups: Sequence[tuple[Move, ...]],
    days: LineDays,
    dispatch_at: Mapping[str, datetime] | None = None,
) -> Moves:
    """Return the groups of moves of a plan, with all that is needed to write them."""
    return Moves(
        snapshot=scene.snapshot,
        groups=tuple(groups),
        days=days,
        plan=plan,
        options=joint.problem.option_count,
        looked_at=len(scene.standing),
        calendars=scene.finder.calendars,
        explainer=Explainer(scene.finder, joint, plan),
        dispatch_at=dispatch_at,
    )


def _joint(scene: Scene, stability: Mapping[str, int]) -> JointProblem:
    joint = joint_problem(
        tuple(_keeping(scene, each, stability[each.line.line_id]) for each in scene.choices),
        supply=scene.finder.supply(),
        buckets=scene.snapshot.horizon_days,
        sharing=False,
        shares=share_facts(scene.snapshot),
    )
    return _priced(joint, prices_of(scene.snapshot.prices, joint, scene.finder.calendars))


def groups_of(moves: Iterable[Move]) -> list[tuple[Move, ...]]:
    """Return the moves that depend on each other together, by their lines."""
    groups: list[tuple[frozenset[tuple[str, str]], tuple[Move, ...]]] = []
    for move in sorted(moves, key=lambda move: move.line_id):
        joined = [group for group in groups if group[0] & move.touched]
        touched = frozenset(move.touched).union(*(rows for rows, _ in joined))
        members = (*(member for _, group in joined for member in group), move)
        groups = [group for group in groups if group not in joined] + [(touched, members)]
    return [tuple(sorted(members, key=lambda move: move.line_id)) for _, members in groups]


def _worth_it(moves: Sequence[Move]) -> list[tuple[Move, ...]]:
    return [group for group in groups_of(moves) if sum(move.gain_millis for move in group) > 0]


def scene_of(snapshot: RoutingSnapshot, standing: Sequence[Standing], *, rounds: int = _ROUNDS) -> Scene:
    """Return the lines that can be rebuilt as they stand; what the others hold stays theirs."""
    free = given_back(replace(snapshot, lines=tuple(each.line for each in standing)), standing)
    finder = CandidateFinder(free)
    stays = {each.line.line_id: stay for each in standing if (stay := _stay(finder, each)) is not None}
    if len(stays) < len(standing):
        kept = [each for each in standing if each.line.line_id in stays] if rounds else []
        return scene_of(snapshot, kept, rounds=rounds - 1)
    return Scene(
        snapshot=free,
        standing={each.line.line_id: each for each in standing},
        stays=stays,
        choices=finder.choices(),
        finder=finder,
    )


def _stay(finder: CandidateFinder, standing: Standing) -> Option | None:
    """Return what a line has, as an option of today at the price of its decision; ``None`` if a gate has closed."""
    option = finder.option_as(standing.line, standing.job)
    if option is None:
        return None
    agreed = (standing.landed_minor - option.price.landed_minor) * MILLIS_PER_MINOR
    return replace(option, cost_millis=max(0, option.cost_millis + agreed))


def _stability_millis(snapshot: RoutingSnapshot, standing: Standing) -> int:
    """Return what moving a line costs: nothing while its node does not know of the job."""
    if standing.job.state == "planned":
        return 0
    return policy_for(snapshot.policies, standing.line.organisation_id).stability_minor * MILLIS_PER_MINOR


def _keeping(scene: Scene, choices: LineChoices, stability_millis: int) -> LineChoices:
    """Return the choices that keep a line's promise: to stay, or to move at the stability price."""
    line_id = choices.line.line_id
    standing, stay = scene.standing[line_id], scene.stays[line_id]
    moving = (
        replace(option, cost_millis=option.cost_millis + stability_millis)
        for option in choices.options
        if not option.shares and not same_place(option, stay) and _keeps(standing, option, scene.finder.calendars)
    )
    options = tuple(sorted((stay, *moving), key=lambda option: option.cost_millis))
    return replace(choices, options=options, left_out=0)


def _keeps(standing: Standing, option: Option, calendars: Calendars) -> bool:
    """Tell whether an option is neither later nor dearer than was promised."""
    in_time = calendars.instant(option.minutes) <= standing.latest_at
    return in_time and option.price.landed_minor <= standing.most_minor


def moves_to(scene: Scene, chosen: Mapping[str, Option], stability: Mapping[str, int]) -> list[Move]:
    """Return lines with what a plan gives them, whether it is another place or not; one without any is left out."""
    choices = {each.line.line_id: each for each in scene.choices}
    return [
        Move(
            standing=scene.standing[line_id],
            stay=scene.stays[line_id],
            option=replace(option, cost_millis=option.cost_millis - stability.get(line_id, 0)),
            choices=choices[line_id],
            stability_millis=stability.get(line_id, 0),
        )
        for line_id, option in sorted(chosen.items())
    ]


def _priced(joint: JointProblem, prices: ScarcityPrices | None) -> JointProblem:
    """Return the problem with what is scarce at its price in the cost of every option."""
    if prices is None:
        return joint
    scarce = np.rint(prices.of_options(joint.problem)).astype(np.int64)
    return replace(joint, problem=replace(joint.problem, option_cost=joint.problem.option_cost + scarce))


def solved(joint: JointProblem, limits: SolveLimits, *, spent_seconds: float) -> RoutingPlan:
    """Return the verified plan of a problem for which some of the time is spent already."""
    left = max(_LEAST_WALL_SECONDS, limits.wall_seconds - spent_seconds)
    return verified(joint.problem, solve(joint.problem, replace(limits, wall_seconds=left)))
