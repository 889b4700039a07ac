"""From ways to the few options that are worth deciding about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fabroute.routing.service.options import Deadlines, Option, Way, Wish, option_at
from fabroute.routing.service.splits import ways_of
from fabroute.routing.service.timing import ladder

_LEAST_PER_RESOURCE = 2
"""A machine and lot in the plan have a cheapest option and a latest: the one to take, and the one to move to."""

_Resource = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthDeciding:
    """Options for the joint plan, cheapest first, and how many machines with their lots found no room among them."""

    options: tuple[Option, ...]
    left_out: int


def earliest_options(ways: Iterable[Way], *, wish: Wish) -> tuple[Option, ...]:
    """Return each way's best option, which is its earliest that the line doesn't wait out; the best of all first."""
    return tuple(sorted((option_at(way, way.best_bucket, wish=wish) for way in ways), key=_rank))


def best_first(options: Iterable[Option]) -> tuple[Option, ...]:
    """Return options as ``earliest_options`` sorts them: the best of all first."""
    return tuple(sorted(options, key=_rank))


def best_by_node(earliest: Iterable[Option]) -> tuple[Option, ...]:
    """Return the best option of each node, from options sorted by ``earliest_options``; a split is of all its nodes."""
    best: dict[str, Option] = {}
    for option in earliest:
        for way in ways_of((option,)):
            best.setdefault(way.node.node_id, option)
    return tuple({id(option): option for option in best.values()}.values())


def worth_deciding(
    earliest: Sequence[Option], *, wish: Wish, limit: int, services_apart: bool = False
) -> WorthDeciding:
    """Return the options that a joint plan can want, about ``limit`` of them, from those of ``earliest_options``.

    The cheapest machines with their lots share the room. On each, deadlines run from the earliest possible to the
    latest in time, and only Pareto-optimal ones stay (cheaper, or later); where they are too many, the cheapest goes
    before the latest, and that before the others. A line that waits keeps earlier deadlines, too: others may be there.
    With ``services_apart`` each shipping service keeps options of its own: lines that share a price cap may have to
    take one that costs less money, though more in all.
    """
    resources: defaultdict[_Resource, list[Way]] = defaultdict(list)
    for option in earliest:
        way = option.way
        service = way.service if services_apart else ""
        resources[way.offer.machine_id, way.lot.lot_id, way.machine_minutes, service].append(way)
    kept = list(resources.values())[: max(1, limit // _LEAST_PER_RESOURCE)]
    room = max(_LEAST_PER_RESOURCE, limit // max(1, len(kept)))
    deadlines, order = Deadlines(wish), _ByName(way for ways in kept for way in ways)
    options = [option for ways in kept for option in _of_resource(_deadlines(ways, deadlines), order)[:room]]
    return WorthDeciding(options=tuple(sorted(options, key=order.rank)), left_out=len(resources) - len(kept))


def cheapest(options: Iterable[Option]) -> Option | None:
    """Return the option with the least landed cost, the earlier one of equals."""
    return min(options, key=lambda option: (option.price.landed_minor, option.minutes, *_rank(option)), default=None)


def fastest(options: Iterable[Option]) -> Option | None:
    """Return the option that is there first, the cheaper one of equals."""
    return min(options, key=lambda option: (option.minutes, option.price.landed_minor, *_rank(option)), default=None)


def greenest(options: Iterable[Option]) -> Option | None:
    """Return the option with the least carbon, the cheaper one of equals."""
    return min(
        options,
        key=lambda option: (option.price.co2e_g, option.price.landed_minor, *_rank(option)),
        default=None,
    )


class _ByName:
    """The order of one line's options, as ``_rank`` has it, with the names of their ways compared beforehand."""

    def __init__(self, ways: Iterable[Way]) -> None:
        self._ways = tuple(ways)
        names = {name: place for place, name in enumerate(sorted({_name(way) for way in self._ways}))}
        self._places = {id(way): names[_name(way)] for way in self._ways}

    def rank(self, option: Option) -> tuple[int, int, int]:
        """Cheapest first, then by deadline and names."""
        return (option.cost_millis, option.bucket, self._places[id(option.way)])

    def rank_latest_first(self, option: Option) -> tuple[int, int, int]:
        """Cheapest first, of equals the latest."""
        return (option.cost_millis, -option.bucket, self._places[id(option.way)])


def _of_resource(options: list[Option], order: _ByName) -> list[Option]:
    """Return the options of one machine and lot that are worth it, the most useful ones first."""
    return [*_most_useful_first(_pareto_optimal(options, order)), *_to_meet_others(options, order)]


def _to_meet_others(options: Iterable[Option], order: _ByName) -> list[Option]:
    """Return the cheapest option of each deadline before the one that is waited for, the latest deadline first."""
    cheapest_by: dict[int, Option] = {}
    for option in sorted((it for it in options if it.bucket < it.way.best_bucket), key=order.rank):
        cheapest_by.setdefault(option.bucket, option)
    return [cheapest_by[bucket] for bucket in sorted(cheapest_by, reverse=True)]


def _deadlines(ways: Iterable[Way], deadlines: Deadlines) -> list[Option]:
    return [option for way in ways for option in deadlines.options(way, _buckets(way))]


def _buckets(way: Way) -> Sequence[int]:
    steps = ladder(way.earliest, way.latest)
    return steps if way.wanted is None else sorted({*steps, *range(way.earliest, way.wanted + 1)})


def _pareto_optimal(options: Iterable[Option], order: _ByName) -> list[Option]:
    """Return, cheapest first, the options than which none is both as cheap and as late."""
    kept: list[Option] = []
    for option in sorted(options, key=order.rank_latest_first):
        if not kept or option.bucket > kept[-1].bucket:
            kept.append(option)
    return kept


def _most_useful_first(options: list[Option]) -> list[Option]:
    return options if len(options) < 3 else [options[0], options[-1], *options[1:-1]]


def _rank(option: Option) -> tuple[int, int, str, str, str, str]:
    """Cheapest first; ties are broken by deadline and names, so that equal snapshots give equal problems."""
    return (option.cost_millis, option.bucket, *_name(option.way))


def _name(way: Way) -> tuple[str, str, str, str]:
    return (way.node.node_id, way.offer.offer_id, way.lot.lot_id, way.service)
