"""From ways to the few options that are worth deciding about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fabroute.routing.rules import MAXIMUM_OPTIONS_PER_LINE
from fabroute.routing.service.options import Option, Way, Wish, option_at
from fabroute.routing.service.timing import ladder


def options_of(ways: Iterable[Way], *, wish: Wish) -> list[Option]:
    """Return the options of all ways, for deadlines from the earliest possible to the latest in time."""
    return [option_at(way, bucket, wish=wish) for way in ways for bucket in ladder(way.earliest, way.latest)]


def best_by_node(options: Iterable[Option]) -> tuple[Option, ...]:
    """Return the best option of each node, the best of all first."""
    best: dict[str, Option] = {}
    for option in sorted(options, key=_rank):
        best.setdefault(option.way.node.node_id, option)
    return tuple(best.values())


def worth_deciding(options: Sequence[Option]) -> tuple[Option, ...]:
    """Return the options that a joint plan can want, cheapest first, at most ``MAXIMUM_OPTIONS_PER_LINE``.

    Of those on one machine and lot only the Pareto-optimal ones stay (cheaper, or a later deadline). Where too many are
    left, every machine and lot keeps its cheapest option first, then its latest, then the others.
    """
    by_resource: dict[tuple[str, str, int], list[Option]] = defaultdict(list)
    for option in options:
        way = option.way
        by_resource[way.offer.machine_id, way.lot.lot_id, way.machine_minutes].append(option)
    ranked = [
        (place, *_rank(option), option)
        for resource in by_resource.values()
        for place, option in enumerate(_most_useful_first(_pareto_optimal(resource)))
    ]
    kept = sorted(ranked, key=lambda row: row[:-1])[:MAXIMUM_OPTIONS_PER_LINE]
    return tuple(sorted((row[-1] for row in kept), key=_rank))


def cheapest(options: Iterable[Option]) -> Option | None:
    """Return the option with the least landed cost, the earlier one of equals."""
    return min(
        options, key=lambda option: (option.way.price.landed_minor, option.minutes, *_rank(option)), default=None
    )


def fastest(options: Iterable[Option]) -> Option | None:
    """Return the option that is there first, the cheaper one of equals."""
    return min(
        options, key=lambda option: (option.minutes, option.way.price.landed_minor, *_rank(option)), default=None
    )


def greenest(options: Iterable[Option]) -> Option | None:
    """Return the option with the least carbon, the cheaper one of equals."""
    return min(
        options,
        key=lambda option: (option.way.price.co2e_g, option.way.price.landed_minor, *_rank(option)),
        default=None,
    )


def _pareto_optimal(options: Iterable[Option]) -> list[Option]:
    """Return, cheapest first, the options than which none is both as cheap and as late."""
    kept: list[Option] = []
    for option in sorted(options, key=lambda option: (option.cost_millis, -option.bucket, *_rank(option))):
        if not kept or option.bucket > kept[-1].bucket:
            kept.append(option)
    return kept


def _most_useful_first(options: list[Option]) -> list[Option]:
    return options if len(options) < 3 else [options[0], options[-1], *options[1:-1]]


def _rank(option: Option) -> tuple[int, int, str, str, str, str]:
    """Cheapest first; ties are broken by deadline and names, so that equal snapshots give equal problems."""
    way = option.way
    return (option.cost_millis, option.bucket, way.node.node_id, way.offer.offer_id, way.lot.lot_id, way.service)
