"""Shared builds: lines on one machine, in one material, by one day pay once for what opens a build.

Which options may meet in a build: same machine, material, parameter set, lot and deadline day, and lines that may be
together (``companies.company_of``). A build is made where at least two lines could use it. What it costs and takes to
open is the least that any of its options pays and takes for that alone; what an option needs beyond (a taller part has
more layers) stays with it. So a line that is alone in its build costs and takes what it always did, a node is never
paid less than its work costs it, and no price falls under a node's minimum order.

Processes that nest through the bed (SLS, MJF, BJT) have no opening: the estimate charges a share of a full build
already. Of a line that fills several builds only the last, partly filled one is shared. Carbon, duty and the day of
arrival stay those of the line alone.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.production import WHOLE_BUILD
from fabroute.routing.rules import MILLIS_PER_MINOR
from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.openings import Opening
from fabroute.routing.service.options import BuildShare, LineChoices, Option, Price
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import NO_BUILD

SAVING_ROW = "shared_build"
"""Breakdown row of what a shared build takes off a price: 0 or less."""
LEAST_OF_DEAREST = 0.5
"""An option that has less than this share of its company's dearest opening to share would spoil the build: alone."""
MOST_OPTIONS = 6_000
"""With more options than this, lines of one company that fill several builds are given one of them each beforehand."""


class Place(NamedTuple):
    """Where options have to agree to be made in one build."""

    machine_id: str
    material: str
    parameter_set: str
    lot_id: str
    bucket: int
    company: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build that lines may share: what it costs and takes to open it once."""

    place: Place
    cost_minor: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """An option with the build that it would be made in, and what it would occupy there."""

    line: int
    """Position among the choices."""
    option: Option
    build: int = NO_BUILD
    volume: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Builds:
    """The options of all choices, sorted by line, with the builds that they may share.

    An option stands there once for each build that it could be made in: which of them it takes is for the plan to say.
    """

    placed: tuple[Placed, ...]
    builds: tuple[Build, ...]

    @property
    def options(self) -> tuple[Option, ...]:
        """The options, as long as no plan says with whom they share."""
        return tuple(each.option for each in self.placed)

    def option_lines(self) -> Days:
        """Return the line of each option."""
        return _integers([each.line for each in self.placed])

    def option_costs(self) -> Days:
        """Return the generalised cost of each option without what opens its build, milli-minor."""
        return _integers([each.option.cost_millis - self._cost_millis(each.build) for each in self.placed])

    def option_minutes(self) -> Days:
        """Return the minutes of each option without what its build takes to open."""
        return _integers([each.option.way.machine_minutes - self._minutes(each.build) for each in self.placed])

    def arrays(self, *, pool_of: Mapping[str, int]) -> dict[str, Days]:
        """Return the arrays of a ``RoutingProblem`` about builds; none where nothing can be shared."""
        if not self.builds:
            return {}
        return {
            "option_build": _integers([each.build for each in self.placed]),
            "option_volume": _integers([each.volume for each in self.placed]),
            "build_cost": _integers([build.cost_minor * MILLIS_PER_MINOR for build in self.builds]),
            "build_pool": _integers([pool_of[build.place.machine_id] for build in self.builds]),
            "build_bucket": _integers([build.place.bucket for build in self.builds]),
            "build_minutes": _integers([build.minutes for build in self.builds]),
            "build_volume": _integers([WHOLE_BUILD] * len(self.builds)),
        }

    def settled(self, plan: Sequence[int], line_ids: Sequence[str]) -> dict[str, Option]:
        """Return the option of each routed line, by line id, with its share of what it shares with others."""
        members: dict[int, list[int]] = defaultdict(list)
        for line, option in enumerate(plan):
            if option != UNROUTED and self.placed[option].build != NO_BUILD:
                members[self.placed[option].build].append(line)
        settled = {line_ids[line]: self.placed[option].option for line, option in enumerate(plan) if option != UNROUTED}
        for build, lines in members.items():
            if len(lines) > 1:
                taken = {line_ids[line]: self.placed[plan[line]] for line in lines}
                settled |= _shared(self.builds[build], taken)
        return settled

    def _cost_millis(self, build: int) -> int:
        return 0 if build == NO_BUILD else self.builds[build].cost_minor * MILLIS_PER_MINOR

    def _minutes(self, build: int) -> int:
        return 0 if build == NO_BUILD else self.builds[build].minutes


def shared_builds(choices: Sequence[LineChoices], *, most_options: int = MOST_OPTIONS) -> Builds:
    """Return the options of all lines with the builds in which at least two of them could meet."""
    places = [[place_of(option) for option in each.options] for each in choices]
    rooms = _rooms(choices, places)
    plenty = sum(len(each.options) for each in choices) + sum(map(_copies, rooms)) > most_options
    builds: list[Build] = []
    berths: dict[Place, dict[int, range]] = {}
    for room in rooms:
        berths[room.place] = room.fixed_berths(len(builds)) if plenty else room.open_berths(len(builds))
        builds += [room.build] * len({build for berth in berths[room.place].values() for build in berth})
    return Builds(placed=tuple(_placed(choices, places, berths)), builds=tuple(builds))


def no_builds(choices: Sequence[LineChoices]) -> Builds:
    """Return the options of all lines, each with builds of its own."""
    alone = (Placed(line=line, option=option) for line, each in enumerate(choices) for option in each.options)
    return Builds(placed=tuple(alone), builds=())


def _copies(room: "_Room") -> int:
    """Return how many options more there are when every line may choose among the builds of a place."""
    return sum(len(berths) - 1 for berths in room.open_berths(0).values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """The lines that could meet at a place, and how many builds they could fill there."""

    place: Place
    openings: Mapping[int, Opening]
    """By line."""

    @property
    def build(self) -> Build:
        return Build(
            place=self.place,
            cost_minor=min(opening.cost_minor for opening in self.openings.values()),
            minutes=min(opening.minutes for opening in self.openings.values()),
        )

    def first_fit(self) -> dict[int, int]:
        """Return a build for each line, counted from 0: large lines choose first, and take the first with room.

        A line stands there after at least as many others as the number of its build.
        """
        left: list[int] = []
        builds: dict[int, int] = {}
        for line, opening in sorted(self.openings.items(), key=lambda item: (-item[1].volume, item[0])):
            build = next((number for number, room in enumerate(left) if room >= opening.volume), len(left))
            left += [WHOLE_BUILD] if build == len(left) else []
            left[build] -= opening.volume
            builds[line] = build
        return builds

    def open_berths(self, first: int) -> dict[int, range]:
        """Return the builds that each line may take, counted from ``first``: the n-th line one of the first n.

        That leaves every way to share them, but not every way to number them.
        """
        fit = self.first_fit()
        count = 1 + max(fit.values())
        return {line: range(first, first + min(count, rank)) for rank, line in enumerate(fit, start=1)}

    def fixed_berths(self, first: int) -> dict[int, range]:
        """Return the one build of each line that has company in it, counted from ``first``."""
        fit = self.first_fit()
        crowd = Counter(fit.values())
        number = {build: first + index for index, build in enumerate(sorted(b for b in crowd if crowd[b] > 1))}
        return {line: range(number[build], number[build] + 1) for line, build in fit.items() if build in number}


def _rooms(choices: Sequence[LineChoices], places: Sequence[Sequence[Place | None]]) -> list[_Room]:
    """Return the places where lines could meet, each with those that could share a build with another.

    ``places`` has the place of every option of every line.
    """
    found: dict[Place, dict[int, Opening]] = defaultdict(dict)
    for line, each in enumerate(choices):
        for option, place in zip(each.options, places[line], strict=True):
            if place is not None and option.way.opening is not None:
                found[place][line] = option.way.opening
    rooms = (_Room(place=place, openings=_fitting(_worthwhile(openings))) for place, openings in sorted(found.items()))
    return [room for room in rooms if len(room.openings) > 1]


def place_of(option: Option) -> Place | None:
    """Return where an option's build would be; ``None`` if it shares none."""
    way = option.way
    if way.opening is None or option.shares:
        return None
    return Place(
        machine_id=way.offer.machine_id,
        material=way.offer.material.code,
        parameter_set=way.offer.parameter_set,
        lot_id=way.lot.lot_id,
        bucket=option.bucket,
        company=way.opening.company,
    )


def _worthwhile(openings: Mapping[int, Opening]) -> dict[int, Opening]:
    dearest = max(opening.cost_minor for opening in openings.values())
    return {line: each for line, each in openings.items() if each.cost_minor >= LEAST_OF_DEAREST * dearest}


def _fitting(openings: Mapping[int, Opening]) -> dict[int, Opening]:
    """Return the lines that fit into a build with the smallest other one."""
    if len(openings) < 2:
        return {}
    smallest, next_one, *_ = sorted(opening.volume for opening in openings.values())
    room = {line: WHOLE_BUILD - each.volume for line, each in openings.items()}
    beside = {line: next_one if each.volume == smallest else smallest for line, each in openings.items()}
    return {line: each for line, each in openings.items() if room[line] >= beside[line]}


def _placed(
    choices: Sequence[LineChoices],
    places: Sequence[Sequence[Place | None]],
    berths: Mapping[Place, Mapping[int, range]],
) -> Iterator[Placed]:
    nobody: Mapping[int, range] = {}
    for line, each in enumerate(choices):
        for option, place in zip(each.options, places[line], strict=True):
            builds = None if place is None else berths.get(place, nobody).get(line)
            if not builds or option.way.opening is None:
                yield Placed(line=line, option=option)
                continue
            volume = option.way.opening.volume
            for build in builds:
                yield Placed(line=line, option=option, build=build, volume=volume)


def _shared(build: Build, lines: Mapping[str, Placed]) -> dict[str, Option]:
    """Return the options of lines that share a build: each pays its part of the opening, by the volume it occupies.

    The minutes of the opening stay with the first line, as in ``solver.plan.day_plan``: machine time that is held is
    held for somebody.
    """
    total = sum(placed.volume for placed in lines.values())
    parts = split_by_weight(build.cost_minor, [placed.volume for placed in lines.values()])
    key = _key(build.place, lines)
    first = next(iter(lines))
    return {
        line_id: _with_share(
            placed.option,
            BuildShare(
                key=key,
                lines=len(lines),
                volume_share=round(placed.volume / total, 4),
                fill=round(placed.volume / WHOLE_BUILD, 6),
                saved_minor=build.cost_minor - part,
            ),
            minutes=0 if line_id == first else build.minutes,
        )
        for (line_id, placed), part in zip(lines.items(), parts, strict=True)
    }


def split_by_weight(amount: int, weights: Sequence[int]) -> list[int]:
    """Split whole cents by weight: they add up exactly, and each is less than a cent off its exact part.

    What rounding down leaves goes to the largest remainders, the first of equals; without any weight all count alike.
    """
    counted = weights if any(weights) else [1] * len(weights)
    total = sum(counted)
    parts = [amount * weight // total for weight in counted]
    remainders = sorted(range(len(parts)), key=lambda index: (-(amount * counted[index] % total), index))
    for index in remainders[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def build_mates(chosen: Mapping[str, Option | None]) -> dict[str, frozenset[str]]:
    """Return all lines of the build of each line that shares one, itself among them."""
    members: dict[str, set[str]] = defaultdict(set)
    for line_id, option in chosen.items():
        if option is not None and option.build is not None:
            members[option.build.key].add(line_id)
    return {line_id: frozenset(lines) for lines in members.values() for line_id in lines}


def with_mates(line_ids: Iterable[str], mates: Mapping[str, frozenset[str]]) -> set[str]:
    """Return lines with all that share a build with one of them: without it their prices don't pay for the build."""
    return {mate for line_id in line_ids for mate in mates.get(line_id, {line_id})}


def _with_share(option: Option, share: BuildShare, *, minutes: int) -> Option:
    """Return an option with what it saves off its price, and off its machine minutes what others hold for it."""
    way = option.way
    return replace(
        option,
        way=replace(way, price=_less(way.price, share.saved_minor), machine_minutes=way.machine_minutes - minutes),
        cost_millis=option.cost_millis - share.saved_minor * MILLIS_PER_MINOR,
        build=share,
    )


def _less(price: Price, saved_minor: int) -> Price:
    rows = (BreakdownRow(code=SAVING_ROW, amount_minor=-saved_minor),) if saved_minor else ()
    return replace(price, production_minor=price.production_minor - saved_minor, breakdown=(*price.breakdown, *rows))


def _key(place: Place, line_ids: Iterable[str]) -> str:
    """Return a name for the build of these very lines: the same lines at the same place give the same name."""
    facts = (place.machine_id, place.material, place.parameter_set, place.lot_id, *sorted(line_ids))
    return f"build_{hashlib.sha256(repr(facts).encode()).hexdigest()[:26]}"


def _integers(values: list[int]) -> Days:
    return np.array(values, dtype=np.int64)
