"""Why there is no way at all: the fewest demands that together keep everything off, and what it takes to lift them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fabroute.routing.service.explaining.chances import Chance, LineChances
from fabroute.routing.service.explaining.demands import CAPACITY, OF, PRICE_CAP, Demand, Demands, demands_of
from fabroute.routing.service.explaining.placing import Placed, Setting
from fabroute.routing.service.explaining.pricing_rules import rank
from fabroute.routing.service.explaining.steps import Step, steps_to

MOST_RELAXATIONS = 8
_MOST_CONFLICTS = 200
"""So many equally small ones are compared; the first of them are as true as any."""
_EASIEST_FIRST: Mapping[str, int] = MappingProxyType({"order": 0, "part": 1, "network": 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """A way that there would be after some steps."""

    steps: tuple[Step, ...]
    place: Placed


def walls(found: LineChances, places: Sequence[Placed]) -> frozenset[Demands]:
    """Return what keeps off each chance and each offer without a price, every set of demands once.

    Where the machine is not free in time, it is the need-by that keeps a chance off: the queue is as it is. Without a
    need-by, and where the machine has no day at all, it is the machine time.
    """
    against: dict[Chance, Demands] = {}
    for place in places:
        against.setdefault(place.chance, place.demands)
    priced = (against.get(chance, chance.demands | {CAPACITY}) for chance in found.chances)
    return frozenset((*priced, *map(demands_of, found.unpriced)))


def smallest_conflict(sets: Iterable[Demands]) -> tuple[Demand, ...]:
    """Return the fewest demands of which every set has at least one, sorted; none if a set is empty.

    Exact: a minimum hitting set, by branching over the sets that are not yet hit, size by size. Of equally small ones
    that of which the order itself makes most, then the part, then the network.
    """
    least = _minimal(sets)
    if not least or not least[0]:
        return ()
    size, found = 1, _some(_hitting(least, 1))
    while not found:
        size += 1
        found = _some(_hitting(least, size))
    return tuple(sorted(min(found, key=_ease)))


def relaxations(found: LineChances, places: Iterable[Placed], setting: Setting) -> tuple[Relaxation, ...]:
    """Return what it would take for there to be a way: fewest steps first, of these the cheapest.

    Of places of one node that take the same steps the cheapest; none that another one beats with fewer steps.
    """
    kept: list[Placed] = []
    for place in sorted(places, key=_by_steps):
        if not any(_beats(better, place) for better in kept):
            kept.append(place)
    told: dict[tuple[str, ...], Relaxation] = {}
    for place in kept:
        steps = steps_to(found, place, setting)
        told.setdefault((place.chance.node.node_id, *map(_same, steps)), Relaxation(steps=steps, place=place))
        if len(told) == MOST_RELAXATIONS:
            break
    return tuple(told.values())


def _same(step: Step) -> str:
    """Return what steps of one kind must share to be the same; a cap is raised, to whatever amount."""
    return step.demand.name if step.demand == PRICE_CAP else step.words


def _by_steps(place: Placed) -> tuple[int, int, int, tuple[int, int, str, str]]:
    return (len(place.demands), place.chance.landed_minor, place.minutes, rank(place))


def _beats(better: Placed, place: Placed) -> bool:
    return (
        better.demands <= place.demands
        and better.chance.landed_minor <= place.chance.landed_minor
        and better.minutes <= place.minutes
    )


def _minimal(sets: Iterable[Demands]) -> list[Demands]:
    """Return the sets that hold no other one: who hits these hits all."""
    kept: list[Demands] = []
    for each in sorted(set(sets), key=lambda each: (len(each), sorted(each))):
        if not any(known <= each for known in kept):
            kept.append(each)
    return kept


def _hitting(sets: Sequence[Demands], size: int, chosen: Demands = frozenset()) -> Iterator[Demands]:
    missed = next((each for each in sets if not each & chosen), None)
    if missed is None:
        yield chosen
    elif size > len(chosen):
        for demand in sorted(missed):
            yield from _hitting(sets, size, chosen | {demand})


def _some(found: Iterator[Demands]) -> list[Demands]:
    return [each for each, _ in zip(found, range(_MOST_CONFLICTS), strict=False)]


def _ease(conflict: Iterable[Demand]) -> tuple[list[int], list[Demand]]:
    demands = sorted(conflict)
    return sorted(_EASIEST_FIRST[OF[demand.kind]] for demand in demands), demands
