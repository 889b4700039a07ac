"""Which planned jobs share a build after all: lines that were routed one after the other, planned together.

Nobody but their owners knows of planned jobs, so it costs nothing to plan them anew. The jobs of a build move together
or not at all, and so do those of the builds that they leave: each line pays its part of one build. What was promised
with a line's first decision holds: no later, no dearer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.service.consolidation import Consolidation, Dispatch
from fabroute.routing.service.improving_days import days_of_moves
from fabroute.routing.service.improving_moves import (
    Move,
    Moves,
    Scene,
    groups_of,
    moves_found,
    moves_to,
    scene_of,
    solved,
)
from fabroute.routing.service.machines import free_minutes
from fabroute.routing.service.options import LineChoices, Option, same_place
from fabroute.routing.service.problem import JointProblem, LineDays, joint_problem
from fabroute.routing.service.quotas import share_facts
from fabroute.routing.service.standing import freed
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot, Standing
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import RoutingPlan

_ROUNDS = 3
"""How often a plan is made again with lines alone whose promise a shared build would not keep."""


def plan_builds(snapshot: RoutingSnapshot, standing: Sequence[Standing], limits: SolveLimits) -> Moves:
    """Return the moves of planned lines into builds that they share. The same input gives the same moves.

    ``snapshot`` is of the network as it is; of a build that is among ``standing`` all jobs are. Lines whose jobs are
    offered stay where they are. Raises ``PlanRefused`` if the plan fails its independent check.
    """
    scene = scene_of(snapshot, [each for each in standing if each.job.state == "planned"])
    joint, plan, moves = _planned(scene, limits, began=time.monotonic())
    placed = days_of_moves(snapshot, {it.line_id: (it.standing, it.option) for it in moves}, scene.finder.calendars)
    groups = [group for group in groups_of(moves) if _may_be(group, scene) and placed.keys() >= _lines(group)]
    kept = [move for group in groups for move in group]
    dispatch = _dispatch(snapshot, kept, {it.line_id: placed[it.line_id] for it in kept}, scene.finder.calendars)
    return moves_found(scene, joint, plan, groups=groups, days=dispatch.days, dispatch_at=dispatch.at)


def _planned(scene: Scene, limits: SolveLimits, *, began: float) -> tuple[JointProblem, RoutingPlan, list[Move]]:
    """Return a plan with its moves; while some line would pay more than was promised, it is to share no longer."""
    alone: set[str] = set()
    for _ in range(_ROUNDS):
        joint = _joint(scene, alone)
        plan = solved(joint, limits, spent_seconds=time.monotonic() - began)
        moves = _changes(scene, joint.chosen(plan.chosen))
        over = {move.line_id for move in moves if _is_too_dear(move)}
        if over <= alone:
            break
        alone |= over
    return joint, plan, moves


def _joint(scene: Scene, dear: set[str]) -> JointProblem:
    choices = [_keeping(scene, each, alone=each.line.line_id in dear) for each in scene.choices]
    return joint_problem(
        choices,
        supply=scene.finder.supply(),
        buckets=scene.snapshot.horizon_days,
        shares=share_facts(scene.snapshot),
    )


def _keeping(scene: Scene, choices: LineChoices, *, alone: bool) -> LineChoices:
    """Return the choices that can keep a line's promise, its present place among them.

    What a build may save is counted on, unless that turned out to be too little: then every place but its own must cost
    what was promised without sharing, too.
    """
    standing, stay = scene.standing[choices.line.line_id], _alone(scene, choices.line.line_id)
    moving = (
        option
        for option in choices.options
        if not option.shares
        and not same_place(option, stay)
        and scene.finder.calendars.instant(option.minutes) <= standing.latest_at
        and option.price.landed_minor - (0 if alone else _shareable_minor(option)) <= standing.most_minor
    )
    options = tuple(sorted((stay, *moving), key=lambda option: option.cost_millis))
    return replace(choices, options=options, left_out=0)


def _alone(scene: Scene, line_id: str) -> Option:
    """Return what a line has, at the price that it would have without sharing."""
    stay, landed = scene.stays[line_id], scene.standing[line_id].landed_minor
    return replace(stay, cost_millis=stay.cost_millis + (stay.price.landed_minor - landed) * MILLIS_PER_MINOR)


def _shareable_minor(option: Option) -> int:
    return 0 if option.way.opening is None else option.way.opening.cost_minor


def _changes(scene: Scene, chosen: Mapping[str, Option]) -> list[Move]:
    """Return the lines that get another place, or another build."""
    return [
        move
        for move in moves_to(scene, chosen, {})
        if not same_place(move.option, move.stay) or _key(move.option) != move.standing.job.build_key
    ]


def _key(option: Option) -> str | None:
    return None if option.build is None else option.build.key


def _may_be(group: Sequence[Move], scene: Scene) -> bool:
    """Say whether moves that depend on each other pay, keep every promise, and leave no build with only some lines."""
    left = {move.standing.job.build_key for move in group} - {None}
    mates = {line_id for line_id, each in scene.standing.items() if each.job.build_key in left}
    gain = sum(move.gain_millis for move in group)
    return gain > 0 and mates <= _lines(group) and not any(map(_is_too_dear, group))


def _is_too_dear(move: Move) -> bool:
    return move.option.price.landed_minor > move.standing.most_minor


def _lines(group: Sequence[Move]) -> set[str]:
    return {move.line_id for move in group}


def _dispatch(snapshot: RoutingSnapshot, moves: Sequence[Move], days: LineDays, calendars: Calendars) -> Dispatch:
    """Put the work of moved lines off until their builds are dispatched, beside what all others hold."""
    network = freed(snapshot.network, (move.standing for move in moves))
    busy = {machine.machine_id for machines in days.values() for machine in machines}
    free = {machine_id: free_minutes(network, machine_id, calendars) for machine_id in busy}
    waiting = Consolidation((move.standing.line for move in moves), snapshot.policies, calendars)
    return waiting.dispatch({move.line_id: move.option for move in moves}, days, free=free)
