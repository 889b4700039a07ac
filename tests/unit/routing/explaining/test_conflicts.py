"""The smallest conflict, against trying out every set of demands."""

import random
from itertools import combinations

import pytest

from fabroute.routing.service.explaining.conflicts import smallest_conflict
from fabroute.routing.service.explaining.demands import Demand, Demands

KINDS = ("need_by", "packaging", "zone", "certificate", "material", "capacity", "available")


def sets_by_chance(seed: int) -> list[Demands]:
    chance = random.Random(seed)
    return [
        frozenset(Demand(kind) for kind in chance.sample(KINDS, chance.randint(1, 3)))
        for _ in range(chance.randint(1, 12))
    ]


def smallest_by_trying(sets: list[Demands]) -> int:
    """How many demands it takes at least to have one of every set."""
    return next(
        size
        for size in range(1, len(KINDS) + 1)
        if any(all(each & {Demand(kind) for kind in some} for each in sets) for some in combinations(KINDS, size))
    )


@pytest.mark.parametrize("seeds", [range(0, 200), range(200, 400)], ids=str)
def test_a_conflict_has_one_of_every_set_and_no_smaller_one_does(seeds: range) -> None:
    for seed in seeds:
        sets = sets_by_chance(seed)
        conflict = smallest_conflict(sets)

        assert all(each & set(conflict) for each in sets)
        assert (seed, len(conflict)) == (seed, smallest_by_trying(sets))


def test_of_equally_small_conflicts_the_one_is_told_that_the_order_makes() -> None:
    both = frozenset({Demand("need_by"), Demand("available"), Demand("zone")})

    assert smallest_conflict([both]) == (Demand("need_by"),)
    assert smallest_conflict([both - {Demand("need_by")}]) == (Demand("zone"),)


def test_where_something_is_free_or_nothing_is_there_is_no_conflict() -> None:
    assert smallest_conflict([frozenset(), frozenset({Demand("zone")})]) == ()
    assert smallest_conflict([]) == ()
