"""Advice in short, beside quotes and order lines."""

import math

import pytest

from fabroute.advice.service import quote_advice
from fabroute.estimation.crossover import CrossoverZone, Method
from fabroute.inventory.service import ConventionalMethod

MOULDED = ConventionalMethod(unit_minor=70, tooling_minor=650_000)


@pytest.mark.parametrize(
    ("quantity", "zone", "cheaper", "saving"),
    [
        (120, CrossoverZone.ADDITIVE, Method.PRINT, 442_400),
        (376, CrossoverZone.MIDDLE, Method.CONVENTIONAL, 480),
        (800, CrossoverZone.CONVENTIONAL, Method.CONVENTIONAL, 734_000),
    ],
)
def test_a_quantity_stands_somewhere_to_its_crossover(
    quantity: int, zone: CrossoverZone, cheaper: Method, saving: int
) -> None:
    found = quote_advice(quantity=quantity, printed_minor=quantity * 1_800, conventional=MOULDED)

    assert found is not None
    assert (found.zone, found.cheaper, found.saving_minor) == (zone, cheaper, saving)
    assert found.crossover == pytest.approx(375.7225)


def test_an_order_beyond_its_crossover_is_taken_and_told() -> None:
    found = quote_advice(quantity=800, printed_minor=1_440_000, conventional=MOULDED)

    assert found is not None
    assert found.meaning == (
        "800 pieces are beyond the crossover at 375.7: the conventional way would save 7,340.00 EUR with its tool; "
        "printing is taken all the same, and right while the design still changes"
    )
    assert (found.printed_minor, found.conventional_minor) == (1_440_000, 706_000)


def test_a_small_order_is_told_how_far_printing_is_the_cheaper_way() -> None:
    found = quote_advice(quantity=120, printed_minor=216_000, conventional=MOULDED)
    always = quote_advice(quantity=120, printed_minor=8_000, conventional=MOULDED)

    assert found is not None
    assert always is not None
    assert found.meaning == (
        "printing saves 4,424.00 EUR here; at this quantity's piece price of 18.00 EUR the crossover is at 376 pieces"
    )
    assert always.meaning.endswith("it is the cheaper way at any quantity")
    assert always.crossover == math.inf


def test_scrap_of_a_minimum_order_is_in_it() -> None:
    paid = ConventionalMethod(unit_minor=100, tooling_minor=0, minimum_quantity=250)
    found = quote_advice(quantity=20, printed_minor=36_000, conventional=paid)

    assert found is not None
    assert (found.cheaper, found.saving_minor) == (Method.CONVENTIONAL, 11_000)
    assert found.meaning == (
        "the conventional way needs no tool and would save 110.00 EUR, 230 of the 250 to be bought scrapped; printing "
        "is taken all the same"
    )


@pytest.mark.parametrize(
    ("asked", "first", "words"),
    [
        ({1: 6_000, 100: 200_000, 1_500: 2_100_000}, 1_500, "the conventional way is cheaper from 1,500 on"),
        ({1: 6_000, 100: 200_000}, None, "of the quantities asked, printing is the cheaper way of the largest, 100"),
        ({800: 1_440_000, 900: 1_620_000}, 800, "the conventional way is cheaper at each of the quantities asked"),
        ({1: 6_000, 400: 720_000, 20_000: 1_000_000}, None, "printing is the cheaper way of the largest, 20,000"),
    ],
)
def test_of_quantities_asked_together_their_own_prices_tell_where_the_ways_meet(
    asked: dict[int, int], first: int | None, words: str
) -> None:
    for quantity, printed in asked.items():
        found = quote_advice(quantity=quantity, printed_minor=printed, conventional=MOULDED, asked=asked)

        assert found is not None
        assert found.cheaper_from == first
        assert found.meaning.endswith(words)


def test_a_quantity_that_nobody_can_print_is_told_what_it_costs_conventionally() -> None:
    known = ConventionalMethod(unit_minor=70, tooling_minor=650_000, lead_days=90)
    found = quote_advice(quantity=5_000, printed_minor=None, conventional=known, asked={1: 6_000})
    scrapping = quote_advice(
        quantity=10,
        printed_minor=None,
        conventional=ConventionalMethod(unit_minor=400, tooling_minor=0, minimum_quantity=250),
    )

    assert found is not None
    assert scrapping is not None
    assert found.meaning == (
        "no node can print 5,000 as asked; conventionally they cost 10,000.00 EUR (tool 6,500.00 EUR, 0.70 EUR a "
        "piece), in 90 days"
    )
    assert (found.zone, found.crossover, found.saving_minor, found.printed_minor) == (None,) * 4
    assert (found.cheaper, found.conventional_minor, found.cheaper_from) == (Method.CONVENTIONAL, 1_000_000, None)
    assert scrapping.meaning.endswith("cost 1,000.00 EUR (4.00 EUR a piece; 240 of the 250 to be bought are scrap)")


@pytest.mark.parametrize(
    "unknown",
    [ConventionalMethod(), ConventionalMethod(unit_minor=70), ConventionalMethod(tooling_minor=650_000, lead_days=4)],
)
def test_without_piece_price_and_tool_there_is_no_advice(unknown: ConventionalMethod) -> None:
    assert quote_advice(quantity=5, printed_minor=9_000, conventional=unknown) is None
    assert not unknown.is_known
