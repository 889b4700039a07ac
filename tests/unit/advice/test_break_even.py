"""Where printed and conventional meet with each quantity at its own price: against trying every quantity."""

from collections.abc import Callable

import pytest

from fabroute.advice.rules.break_even import find_break_even
from fabroute.advice.rules.method import BreakEven
from tests.factories.crossover import terms


def straight(setup: int, piece: int) -> Callable[[int], int]:
    """Return a price with a setup that is paid once."""
    return lambda quantity: setup + quantity * piece


def in_builds(setup: int, piece: int, bed: int) -> Callable[[int], int]:
    """Return a price that pays a setup for each full or part bed."""
    return lambda quantity: -(-quantity // bed) * setup + quantity * piece


@pytest.mark.parametrize(
    ("price_of", "minimum"),
    [
        (straight(0, 1_800), 1),
        (straight(5_000, 900), 1),
        (straight(5_000, 900), 2_000),
        (in_builds(20_000, 700, 5_000), 500),
    ],
)
def test_the_first_quantity_that_is_cheaper_conventionally_is_found(
    price_of: Callable[[int], int], minimum: int
) -> None:
    found = find_break_even(price_of, terms=terms(minimum_quantity=minimum))
    first = next(it for it in range(1, 20_000) if price_of(it) > 650_000 + max(it, minimum) * 70)

    assert found.quantity == first
    assert found.printed_unit_minor is not None
    assert found.printed_unit_minor * first == price_of(first)


def test_where_builds_make_steps_one_of_the_meetings_is_found() -> None:
    price_of = in_builds(20_000, 700, 40)
    found = find_break_even(price_of, terms=terms())

    assert found.quantity is not None
    assert price_of(found.quantity) > 650_000 + found.quantity * 70
    assert price_of(found.quantity - 1) <= 650_000 + (found.quantity - 1) * 70


def test_printing_that_stays_cheaper_has_no_break_even() -> None:
    assert find_break_even(straight(9_000, 60), terms=terms()) == BreakEven(quantity=None)
    assert find_break_even(straight(0, 1_800), terms=terms(tooling=0)).quantity == 1


def test_every_variant_has_its_tool_and_at_least_one_piece() -> None:
    asked: list[int] = []

    def price_of(quantity: int) -> int:
        asked.append(quantity)
        return 1_800 * quantity

    assert find_break_even(price_of, terms=terms(), variants=10).quantity == 3_758
    assert (min(asked) >= 10, len(asked) <= 26) == (True, True)
    assert find_break_even(price_of, terms=terms(tooling=0), variants=10).quantity == 10
