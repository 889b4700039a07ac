"""The best options and the Pareto set, against all pairs compared."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabroute.routing.service.quoting.choosing import Merits, best, pareto

Options = list[tuple[int, int, int]]
SOME = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6)), max_size=40)


def merits_of(options: Options) -> Merits:
    columns = np.array(options, dtype=np.int64).reshape(len(options), 3).T
    return Merits(landed_minor=columns[0], promised=columns[1], co2e_g=columns[2], rank=np.arange(len(options)))


def dominates(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one != other and all(mine <= yours for mine, yours in zip(one, other, strict=True))


@given(SOME)
def test_the_pareto_set_is_that_of_all_pairs_compared(options: Options) -> None:
    kept = pareto(merits_of(options))
    undominated = {one for one in options if not any(dominates(other, one) for other in options)}

    assert {options[position] for position in kept} == undominated
    assert len(kept) == len(undominated)
    assert all(options.index(options[position]) == position for position in kept)


@given(SOME)
def test_the_pareto_set_comes_cheapest_first(options: Options) -> None:
    costs = [options[position][0] for position in pareto(merits_of(options))]

    assert costs == sorted(costs)
    assert bool(costs) == bool(options)


@given(SOME)
def test_the_best_are_least_in_what_they_are_named_for_and_pareto_optimal(options: Options) -> None:
    merits = merits_of(options)
    chosen = {label: position for labels, position in best(merits) for label in labels}

    assert set(chosen) == ({"cheapest", "fastest", "greenest"} if options else set())
    assert set(chosen.values()) <= set(pareto(merits))
    for place, label in enumerate(("cheapest", "fastest", "greenest")):
        if options:
            assert options[chosen[label]][place] == min(option[place] for option in options)


def test_of_as_fast_ones_the_cheapest_counts_and_of_as_cheap_ones_the_fastest() -> None:
    options = [(500, 3, 9), (400, 3, 9), (400, 2, 9), (700, 1, 5), (600, 1, 8)]
    chosen = best(merits_of(options))

    assert chosen == [(("cheapest",), 2), (("fastest",), 4), (("greenest",), 3)]
    assert pareto(merits_of(options)) == [2, 4, 3]


def test_one_option_may_be_best_in_every_way() -> None:
    assert best(merits_of([(2, 2, 2), (1, 1, 1)])) == [(("cheapest", "fastest", "greenest"), 1)]
    assert pareto(merits_of([(2, 2, 2), (1, 1, 1)])) == [1]


def test_of_equal_options_the_first_by_rank_stays() -> None:
    equal = merits_of([(1, 1, 1), (1, 1, 1)])
    turned = Merits(
        landed_minor=equal.landed_minor, promised=equal.promised, co2e_g=equal.co2e_g, rank=np.array([1, 0])
    )

    assert pareto(equal) == [0]
    assert pareto(turned) == [1]
    assert best(turned) == [(("cheapest", "fastest", "greenest"), 1)]
    assert len(list(combinations(equal.rank, 2))) == 1
