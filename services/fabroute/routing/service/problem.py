"""The choices of all lines as one routing problem of integer arrays, and the way back from its plan."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from fabroute.routing.rules import unrouted_cost_millis
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.builds import Builds, no_builds, shared_builds
from fabroute.routing.service.options import LineChoices, Option
from fabroute.routing.service.quotas import NO_SHARES, QuotaRule, ShareFacts, policy_quotas
from fabroute.routing.service.splits import split_draws, ways_of
from fabroute.routing.service.timing import Calendars
from fabroute.solver.plan import day_plan
from fabroute.solver.problem import RoutingProblem

SHARING = True
"""Whether lines share builds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What the network has: minutes by machine and bucket, grams by lot."""

    minutes: Mapping[str, Days]
    grams: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDays:
    """The days on which a machine works for a line, ascending, with minutes."""

    machine_id: str
    minutes_by_day: tuple[tuple[date, int], ...]


LineDays = Mapping[str, tuple[MachineDays, ...]]
"""By line, the machines that work for it."""


def take_minutes(free: list[int], minutes: int, *, buckets: Iterable[int]) -> dict[int, int] | None:
    """Take minutes of a machine from buckets in turn, all or none; return what each gives."""
    taken: dict[int, int] = {}
    for bucket in buckets:
        part = min(free[bucket], minutes)
        if part > 0:
            taken[bucket] = part
            minutes -= part
    if minutes:
        return None
    for bucket, part in taken.items():
        free[bucket] -= part
    return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class JointProblem:
    """A routing problem whose lines, options, pools and lots can be named again."""

    problem: RoutingProblem
    choices: tuple[LineChoices, ...]
    """One for each line of the problem: those that have options."""
    builds: Builds
    machines: tuple[str, ...]
    lots: tuple[str, ...]
    rules: tuple[QuotaRule, ...] = ()
    """What each quota of the problem stands for."""

    @property
    def options(self) -> tuple[Option, ...]:
        """The problem's options; one that could be made in several builds stands there once for each."""
        return self.builds.options

    def chosen(self, plan: Sequence[int]) -> dict[str, Option]:
        """Return the option that each routed line takes, by line id; lines of one build with what they share of it."""
        return self.builds.settled(plan, [choices.line.line_id for choices in self.choices])

    def days(self, plan: Sequence[int], calendars: Calendars) -> dict[str, tuple[MachineDays, ...]]:
        """Return, by routed line, the machines that work for it, in the order of their ids, each with its days."""
        days: defaultdict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
        for share in day_plan(self.problem, plan):
            key = (self.choices[share.line].line.line_id, self.machines[share.pool])
            days[key].append((calendars.day(share.bucket), share.minutes))
        machines: defaultdict[str, list[MachineDays]] = defaultdict(list)
        for (line_id, machine_id), minutes in sorted(days.items()):
            machines[line_id].append(MachineDays(machine_id=machine_id, minutes_by_day=tuple(minutes)))
        return {line_id: tuple(of_line) for line_id, of_line in machines.items()}


def joint_problem(
    choices: Sequence[LineChoices],
    *,
    supply: Supply,
    buckets: int,
    sharing: bool = SHARING,
    shares: ShareFacts = NO_SHARES,
) -> JointProblem:
    """Return the problem of deciding together all lines that have options; only what they can use is in it."""
    open_choices = tuple(each for each in choices if each.options)
    builds = shared_builds(open_choices) if sharing else no_builds(open_choices)
    options = builds.options
    machines = tuple(sorted({way.offer.machine_id for way in ways_of(options)}))
    lots = tuple(sorted({way.lot.lot_id for way in ways_of(options)}))
    pool_of = {machine_id: index for index, machine_id in enumerate(machines)}
    lot_of = {lot_id: index for index, lot_id in enumerate(lots)}
    quotas = policy_quotas(open_choices, options, builds.option_lines().tolist(), facts=shares)
    unrouted = _integers([_unrouted_cost(each) for each in open_choices])
    capacity = [supply.minutes[machine_id] for machine_id in machines]
    problem = RoutingProblem(
        line_count=len(open_choices),
        unrouted_cost=unrouted + quotas.dearest_excess(builds.option_lines().tolist(), lines=len(open_choices)),
        capacity=np.array(capacity, dtype=np.int64).reshape(len(machines), buckets),
        stock=_integers([supply.grams[lot_id] for lot_id in lots]),
        **_option_arrays(builds, pool_of=pool_of, lot_of=lot_of),
        **quotas.arrays(),
    )
    return JointProblem(
        problem=problem, choices=open_choices, builds=builds, machines=machines, lots=lots, rules=quotas.rules
    )


def _option_arrays(builds: Builds, *, pool_of: Mapping[str, int], lot_of: Mapping[str, int]) -> dict[str, Days]:
    options = builds.options
    return {
        "option_line": builds.option_lines(),
        "option_cost": builds.option_costs(),
        "option_pool": _integers([pool_of[option.way.offer.machine_id] for option in options]),
        "option_bucket": _integers([option.bucket for option in options]),
        "option_minutes": builds.option_minutes(),
        "option_lot": _integers([lot_of[option.way.lot.lot_id] for option in options]),
        "option_grams": _integers([option.way.grams for option in options]),
        **builds.arrays(pool_of=pool_of),
        **split_draws(options, pool_of=pool_of, lot_of=lot_of),
    }


def _unrouted_cost(choices: LineChoices) -> int:
    return unrouted_cost_millis(
        cheapest_millis=choices.options[0].cost_millis, dearest_millis=choices.options[-1].cost_millis
    )


def _integers(values: list[int]) -> Days:
    return np.array(values, dtype=np.int64)
