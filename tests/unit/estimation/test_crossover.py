"""Printed or conventional: the crossover, its zones, and what a quantity costs either way."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.crossover import (
    CrossoverZone,
    Item,
    Method,
    Terms,
    Totals,
    crossover_of,
    crossover_quantity,
    hybrid_split,
    rounded_minor,
    totals_of,
    zone_of,
)
from fabroute.estimation.facts import InvalidFact
from tests.factories.crossover import PRINTED_UNIT, an_item, terms

cents = st.integers(min_value=0, max_value=200_000)
tools = st.integers(min_value=0, max_value=5_000_000)
quantities = st.integers(min_value=1, max_value=20_000)
variant_counts = st.integers(min_value=1, max_value=12)


def cost_by_counting(quantity: int, it: Terms, variants: int) -> int:
    """Deal the pieces out one by one to the variants, then buy each variant with its tool and its minimum."""
    dealt = [0] * variants
    for piece in range(quantity):
        dealt[piece % variants] += 1
    return sum(int(it.tooling_minor) + max(pieces, it.minimum_quantity) * int(it.unit_minor) for pieces in dealt)


def at(quantity: int, conventional: Terms | None = None, variants: int = 1) -> Totals:
    """Return the totals of the worked example."""
    return totals_of(quantity, printed_unit_minor=PRINTED_UNIT, terms=conventional or terms(), variants=variants)


def test_the_worked_example_crosses_at_375_7_pieces() -> None:
    crossover = crossover_quantity(tooling_minor=650_000, printed_unit_minor=1_800, conventional_unit_minor=70)

    assert round(crossover, 1) == 375.7
    assert crossover == 650_000 / 1_730
    assert crossover_of(terms(), printed_unit_minor=PRINTED_UNIT) == crossover


@pytest.mark.parametrize(
    ("quantity", "printed", "conventional", "cheaper"),
    [
        (120, 216_000, 658_400, Method.PRINT),
        (375, 675_000, 676_250, Method.PRINT),
        (376, 676_800, 676_320, Method.CONVENTIONAL),
        (500, 900_000, 685_000, Method.CONVENTIONAL),
        (800, 1_440_000, 706_000, Method.CONVENTIONAL),
    ],
)
def test_the_worked_example_flips_at_376_pieces(
    quantity: int, printed: int, conventional: int, cheaper: Method
) -> None:
    totals = at(quantity)

    assert (totals.printed_minor, totals.conventional_minor, totals.cheaper) == (printed, conventional, cheaper)
    assert totals.saving_minor == printed - conventional
    assert (totals.bought, totals.scrapped, totals.tooling_minor) == (quantity, 0, 650_000)


def test_800_moulded_pieces_save_7_340() -> None:
    assert at(800).saving_minor == 734_000
    assert at(120).saving_minor == -442_400


@pytest.mark.parametrize(("printed", "crossover"), [(525, 5_450), (447, 6_453), (220, 13_888)])
def test_the_lever_crosses_where_the_published_table_says(printed: int, crossover: int) -> None:
    lever = terms(unit=23, tooling=2_736_000)
    found = crossover_of(lever, printed_unit_minor=printed)

    assert round(found) == crossover
    assert totals_of(crossover - 1, printed_unit_minor=printed, terms=lever).cheaper is Method.PRINT
    assert totals_of(crossover + 1, printed_unit_minor=printed, terms=lever).cheaper is Method.CONVENTIONAL


def test_ten_variants_are_ten_moulds() -> None:
    one = crossover_quantity(tooling_minor=650_000, printed_unit_minor=1_800, conventional_unit_minor=70)
    ten = crossover_quantity(tooling_minor=650_000, printed_unit_minor=1_800, conventional_unit_minor=70, variants=10)

    assert ten == pytest.approx(10 * one)
    assert at(800, variants=10).conventional_minor == 10 * 650_000 + 800 * 70
    assert at(800, variants=10).cheaper is Method.PRINT
    assert at(3_758, variants=10).cheaper is Method.CONVENTIONAL


@pytest.mark.parametrize("conventional_unit", [1_800, 1_801, 5_000])
def test_printing_that_costs_no_more_a_piece_never_crosses(conventional_unit: int) -> None:
    found = crossover_quantity(tooling_minor=1, printed_unit_minor=1_800, conventional_unit_minor=conventional_unit)

    assert found == math.inf
    assert zone_of(1_000_000_000, found) is CrossoverZone.ADDITIVE
    assert at(1_000_000, terms(unit=conventional_unit, tooling=0)).cheaper is Method.PRINT


@pytest.mark.parametrize(
    ("quantity", "crossover", "zone"),
    [
        (49, 100.0, CrossoverZone.ADDITIVE),
        (50, 100.0, CrossoverZone.MIDDLE),
        (200, 100.0, CrossoverZone.MIDDLE),
        (201, 100.0, CrossoverZone.CONVENTIONAL),
        (120, 375.72, CrossoverZone.ADDITIVE),
        (188, 375.72, CrossoverZone.MIDDLE),
        (751, 375.72, CrossoverZone.MIDDLE),
        (752, 375.72, CrossoverZone.CONVENTIONAL),
        (1, 0.0, CrossoverZone.CONVENTIONAL),
    ],
)
def test_the_middle_zone_runs_from_half_to_twice_the_crossover(
    quantity: int, crossover: float, zone: CrossoverZone
) -> None:
    assert zone_of(quantity, crossover) is zone
    assert zone_of(1, crossover) in (CrossoverZone.ADDITIVE, CrossoverZone.CONVENTIONAL)


def test_what_a_minimum_order_forces_to_be_bought_is_scrapped_and_paid() -> None:
    totals = totals_of(10, printed_unit_minor=1_800, terms=terms(unit=400, tooling=0, minimum_quantity=250))

    assert (totals.bought, totals.scrapped, totals.scrapped_minor) == (250, 240, 96_000)
    assert (totals.printed_minor, totals.conventional_minor, totals.cheaper) == (18_000, 100_000, Method.PRINT)


def test_a_minimum_order_moves_the_crossover_of_a_tool_that_is_paid() -> None:
    paid = terms(unit=400, tooling=0, minimum_quantity=250)
    found = crossover_of(paid, printed_unit_minor=1_800)

    assert crossover_quantity(tooling_minor=0, printed_unit_minor=1_800, conventional_unit_minor=400) == 0
    assert found == 100_000 / 1_800
    assert at(55, paid).cheaper is Method.PRINT
    assert at(56, paid).cheaper is Method.CONVENTIONAL
    assert crossover_of(paid, printed_unit_minor=1_800, variants=3) == pytest.approx(3 * found)
    assert crossover_of(terms(tooling=0), printed_unit_minor=1_800) == 0


def test_the_minimum_order_holds_for_each_variant() -> None:
    totals = at(10, terms(unit=100, tooling=5_000, minimum_quantity=4), variants=3)

    assert (totals.bought, totals.scrapped, totals.scrapped_minor) == (12, 2, 200)
    assert (totals.tooling_minor, totals.conventional_minor) == (15_000, 16_200)


@given(quantity=st.integers(1, 400), unit=cents, tooling=tools, minimum=st.integers(1, 300), variants=variant_counts)
def test_conventional_totals_are_those_of_counting(
    quantity: int, unit: int, tooling: int, minimum: int, variants: int
) -> None:
    wanted = max(quantity, variants)
    it = terms(unit=unit, tooling=tooling, minimum_quantity=minimum)
    totals = at(wanted, it, variants)

    assert totals.conventional_minor == cost_by_counting(wanted, it, variants)
    assert totals.bought - totals.scrapped == wanted


@given(quantity=quantities, printed=cents, unit=cents, tooling=tools, minimum=st.integers(1, 5_000))
def test_a_quantity_is_above_the_crossover_exactly_where_the_tool_pays(
    quantity: int, printed: int, unit: int, tooling: int, minimum: int
) -> None:
    it = terms(unit=unit, tooling=tooling, minimum_quantity=minimum)
    crossover = crossover_of(it, printed_unit_minor=printed)
    totals = totals_of(quantity, printed_unit_minor=printed, terms=it)

    assert (totals.saving_minor > 0) == (quantity > crossover)
    assert (totals.cheaper is Method.CONVENTIONAL) == (quantity > crossover)


@given(printed=cents, unit=cents, tooling=tools, rate=st.fractions(min_value=Fraction(1, 200), max_value=200))
def test_the_crossover_does_not_depend_on_the_currency(printed: int, unit: int, tooling: int, rate: Fraction) -> None:
    plain = crossover_quantity(tooling_minor=tooling, printed_unit_minor=printed, conventional_unit_minor=unit)
    converted = crossover_quantity(
        tooling_minor=tooling * rate, printed_unit_minor=printed * rate, conventional_unit_minor=unit * rate
    )

    assert converted == plain
    assert math.isinf(converted) == (printed <= unit)


@pytest.mark.parametrize(
    ("amount", "whole"),
    [(Fraction(1, 2), 1), (Fraction(49, 100), 0), (Fraction(5, 2), 3), (7, 7), (Fraction(-1, 2), 0)],
)
def test_half_a_cent_is_rounded_up_once(amount: Fraction | int, whole: int) -> None:
    assert rounded_minor(amount) == whole
    assert isinstance(rounded_minor(amount), int)


def test_fractions_of_cents_are_added_before_they_are_rounded() -> None:
    third = terms(unit=Fraction(100, 3), tooling=0)
    totals = totals_of(300, printed_unit_minor=Fraction(100, 7), terms=third)

    assert (totals.conventional_minor, totals.printed_minor) == (10_000, 4_286)
    assert totals.tooling_minor == 0


def test_a_hybrid_prints_what_is_complex_or_varies_and_moulds_the_rest() -> None:
    split = hybrid_split(
        [
            an_item(name="manifold", quantity=500, is_complex=True),
            an_item(name="label holder", quantity=600, varies=True),
            an_item(name="cap", quantity=400),
            an_item(name="rare cap", quantity=20),
        ]
    )

    assert [(it.name, it.method.value) for it in split.choices] == [
        ("manifold", "print"),
        ("label holder", "print"),
        ("cap", "conventional"),
        ("rare cap", "print"),
    ]
    assert [it.why.partition(":")[0] for it in split.choices[:2]] == ["complex", "varies"]
    assert split.choices[2].why == "plain and unchanging, and its quantity pays for the tool"
    assert split.choices[3].why == "plain, but its quantity does not pay for a tool of its own"
    assert split.total_minor == (500 + 600 + 20) * 1_800 + 650_000 + 400 * 70
    assert (split.quantity(Method.PRINT), split.quantity(Method.CONVENTIONAL)) == (1_120, 400)


@given(st.lists(st.tuples(st.integers(1, 3_000), cents, tools), min_size=1, max_size=6))
def test_a_hybrid_of_plain_shapes_is_never_dearer_than_either_way_for_all(shapes: list[tuple[int, int, int]]) -> None:
    items: list[Item] = [
        an_item(name=str(place), quantity=quantity, conventional=terms(unit=unit, tooling=tooling))
        for place, (quantity, unit, tooling) in enumerate(shapes)
    ]
    split = hybrid_split(items)

    assert split.total_minor <= sum(it.totals.printed_minor for it in split.choices)
    assert split.total_minor <= sum(it.totals.conventional_minor for it in split.choices)
    assert split.total_minor == sum(min(it.totals.printed_minor, it.totals.conventional_minor) for it in split.choices)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit": -1}, "the conventional unit cost must be 0 or more, not -1"),
        ({"tooling": -1}, "the tooling must be 0 or more, not -1"),
        ({"minimum_quantity": 0}, "the minimum quantity must be at least 1, not 0"),
    ],
)
def test_terms_that_nobody_can_offer_are_refused(change: dict[str, int], words: str) -> None:
    with pytest.raises(InvalidFact) as refused:
        terms(**change)
    assert refused.value.message == words
    assert (refused.value.code, refused.value.status) == ("estimation_fact_invalid", 422)


def test_quantities_that_can_not_be_are_refused() -> None:
    with pytest.raises(InvalidFact, match="the quantity must be at least 1, not 0"):
        at(0)
    with pytest.raises(InvalidFact, match="the quantity must be at least 1, not -1"):
        zone_of(-1, 10)
    with pytest.raises(InvalidFact, match="the number of variants must be at least 1, not 0"):
        at(5, variants=0)
    with pytest.raises(InvalidFact, match="5 pieces can't be of 6 variants"):
        at(5, variants=6)
    with pytest.raises(InvalidFact, match="the printed unit cost must be 0 or more, not -5"):
        totals_of(5, printed_unit_minor=-5, terms=terms())
    assert at(6, variants=6).bought == 6
