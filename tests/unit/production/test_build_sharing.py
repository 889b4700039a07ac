"""Who bears what of a build: whole cents that add up, against exact fractions and against all other ways to round."""

import itertools
import math
import random
from fractions import Fraction

import pytest

from fabroute.production.service.builds.sharing import shares_of, split_cost, split_grams

S2 = (Fraction(4, 28),) * 7


def test_seven_equal_orders_bear_a_build_of_75_80() -> None:
    assert split_cost(75_80, S2) == [10_83] * 6 + [10_82]
    assert sum(shares_of(S2)) == 1
    assert set(shares_of(S2)) == {Fraction(1, 7)}


def test_parts_of_other_sizes_bear_what_they_occupy() -> None:
    """A half, a third and a sixth of the bed."""
    fills = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))

    assert split_cost(60_00, fills) == [30_00, 20_00, 10_00]
    assert split_cost(1_00, fills) == [50, 33, 17]
    assert shares_of((Fraction(1, 4), Fraction(1, 12))) == (Fraction(3, 4), Fraction(1, 4))


@pytest.mark.parametrize("seed", range(40))
def test_shares_add_up_to_the_cent_and_are_within_one_of_exact(seed: int) -> None:
    """The independent check: exact fractions of the cost, floored or ceiled, and the sum."""
    chance = random.Random(seed)
    fills = [Fraction(chance.randint(1, 40), chance.randint(1, 97)) for _ in range(chance.randint(1, 12))]
    cost = chance.randint(0, 500_000)

    split = split_cost(cost, fills)

    exact = [cost * fill / sum(fills) for fill in fills]
    assert sum(split) == cost
    assert all(given in (math.floor(wanted), math.ceil(wanted)) for given, wanted in zip(split, exact, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_no_other_rounding_is_nearer_to_the_exact_shares(seed: int) -> None:
    """Largest remainder is the least sum of squares of all whole splits: tried one by one."""
    chance = random.Random(seed)
    fills = [Fraction(chance.randint(1, 9), chance.randint(1, 9)) for _ in range(3)]
    cost = chance.randint(0, 25)
    exact = [cost * fill / sum(fills) for fill in fills]

    def distance(split: tuple[int, ...]) -> Fraction:
        return sum(((given - wanted) ** 2 for given, wanted in zip(split, exact, strict=True)), Fraction(0))

    ways = [way for way in itertools.product(range(cost + 1), repeat=3) if sum(way) == cost]
    assert distance(tuple(split_cost(cost, fills))) == min(map(distance, ways))
    assert len(ways) == math.comb(cost + 2, 2)


def test_grams_go_by_what_each_was_expected_to_draw() -> None:
    assert split_grams(300, [100, 50]) == [200, 100]
    assert split_grams(100, [1, 1, 1]) == [34, 33, 33]
    assert split_grams(0, [70, 20]) == [0, 0]
