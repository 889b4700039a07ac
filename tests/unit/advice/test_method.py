"""Which way is advised: the worked example with its zones, its limits and its hybrids."""

import math
from dataclasses import replace

import pytest

from fabroute.advice.rules.method import BreakEven, MethodAdvice, Recommended, advise_method, first_quantity_above
from fabroute.estimation.crossover import CrossoverZone
from fabroute.estimation.facts import InvalidFact
from tests.factories.advice import a_case
from tests.factories.crossover import an_item, terms


def told(advice: MethodAdvice) -> str:
    """Return everything that the advice says, in one text."""
    return " | ".join((advice.headline, *advice.reasons, *advice.conditions))


@pytest.mark.parametrize(
    ("quantity", "zone", "recommended"),
    [
        (1, CrossoverZone.ADDITIVE, Recommended.PRINT),
        (120, CrossoverZone.ADDITIVE, Recommended.PRINT),
        (187, CrossoverZone.ADDITIVE, Recommended.PRINT),
        (188, CrossoverZone.MIDDLE, Recommended.PRINT),
        (375, CrossoverZone.MIDDLE, Recommended.PRINT),
        (376, CrossoverZone.MIDDLE, Recommended.CONVENTIONAL),
        (751, CrossoverZone.MIDDLE, Recommended.CONVENTIONAL),
        (752, CrossoverZone.CONVENTIONAL, Recommended.CONVENTIONAL),
        (800, CrossoverZone.CONVENTIONAL, Recommended.CONVENTIONAL),
    ],
)
def test_the_worked_example_flips_at_376_and_has_three_zones(
    quantity: int, zone: CrossoverZone, recommended: Recommended
) -> None:
    advice = advise_method(a_case(quantity=quantity))

    assert (advice.zone, advice.recommended) == (zone, recommended)
    assert advice.crossover == 650_000 / 1_730


def test_120_pieces_are_printed_for_2_160_against_6_584() -> None:
    advice = advise_method(a_case(quantity=120))

    assert advice.headline == (
        "print and save 4,424.00 EUR: printing costs 2,160.00 EUR, the conventional way 6,584.00 EUR"
    )
    assert advice.reasons == ("120 is under half of the crossover at 375.7: printing is clearly the way",)
    assert advice.conditions == ("from 376 pieces on the conventional way is cheaper",)


def test_500_pieces_of_a_design_that_is_not_frozen_stay_with_printing() -> None:
    advice = advise_method(a_case(quantity=500, frozen=False, stable=True))

    assert advice.recommended is Recommended.PRINT
    assert advice.headline.startswith("stay with printing for now, at 2,150.00 EUR more")
    assert advice.reasons[0] == (
        "the design is not frozen: with its next change 6,500.00 EUR of tooling is lost; until it is frozen, printing "
        "costs 2,150.00 EUR more"
    )
    assert advice.conditions[0] == (
        "once the design is frozen and demand is stable, the conventional way is the cheaper one"
    )


def test_800_stable_and_frozen_pieces_go_conventional_and_save_7_340() -> None:
    advice = advise_method(a_case(quantity=800, frozen=True, stable=True))

    assert (advice.recommended, advice.totals.saving_minor) == (Recommended.CONVENTIONAL, 734_000)
    assert advice.headline.startswith("make it conventionally and save 7,340.00 EUR")
    assert advice.conditions == ("a tool for good is a move to mass production: see that all eight signals hold first",)


def test_a_demand_that_comes_and_goes_stays_with_printing_too() -> None:
    advice = advise_method(a_case(quantity=800, frozen=True, stable=False))

    assert advice.recommended is Recommended.PRINT
    assert advice.reasons[0].startswith("the demand is not stable: the tool for 6,500.00 EUR may never pay")


@pytest.mark.parametrize(
    ("frozen", "stable", "condition"),
    [
        (None, None, "holds only if the design is frozen and demand is stable: this was not said"),
        (True, None, "holds only if demand is stable: this was not said"),
        (None, True, "holds only if the design is frozen: this was not said"),
    ],
)
def test_what_was_not_said_is_a_condition_of_going_conventional(
    frozen: bool | None, stable: bool | None, condition: str
) -> None:
    advice = advise_method(a_case(quantity=800, frozen=frozen, stable=stable))

    assert advice.recommended is Recommended.CONVENTIONAL
    assert advice.conditions[0] == condition


def test_a_design_that_changes_is_no_reason_where_printing_is_cheaper_anyway() -> None:
    advice = advise_method(a_case(quantity=100, frozen=False))

    assert advice.headline.startswith("print and save 4,770.00 EUR")
    assert "costs" not in advice.reasons[0]
    assert advice.conditions == ()


def test_ten_variants_are_ten_tools() -> None:
    one, ten = advise_method(a_case(quantity=800)), advise_method(a_case(quantity=800, variants=10))

    assert (one.recommended, ten.recommended) == (Recommended.CONVENTIONAL, Recommended.PRINT)
    assert ten.crossover == pytest.approx(10 * one.crossover)
    assert ten.zone is CrossoverZone.ADDITIVE
    assert "10 variants are 10 tools, and no changeover in printing" in ten.reasons


def test_printing_that_is_cheaper_a_piece_is_the_way_at_any_quantity() -> None:
    advice = advise_method(a_case(quantity=90_000, printed_unit=60))

    assert (advice.crossover, advice.zone, advice.recommended) == (math.inf, CrossoverZone.ADDITIVE, Recommended.PRINT)
    assert advice.reasons == (
        "a printed piece costs no more than a conventional one: printing is cheaper at any quantity",
    )
    assert advice.conditions == ()


def test_scrap_of_a_minimum_order_is_counted_and_told() -> None:
    advice = advise_method(a_case(quantity=10, conventional=terms(unit=400, tooling=0, minimum_quantity=250)))

    assert (advice.recommended, advice.totals.conventional_minor) == (Recommended.PRINT, 100_000)
    assert "the smallest conventional order is 250 pieces: 240 of them for 960.00 EUR are scrap" in told(advice)
    assert advice.conditions == ("from 56 pieces on the conventional way is cheaper",)


def test_in_the_middle_a_hybrid_is_offered_in_words_until_the_shapes_are_stated() -> None:
    hint = (
        "as a hybrid, print complex or varying shapes, and tool a plain one of which 376 pieces or more are wanted: "
        "state the items to see it in figures"
    )
    items = (an_item(name="a", quantity=300, is_complex=True), an_item(name="b", quantity=400))

    for quantity, variants in ((188, 1), (500, 1), (751, 1), (1_000, 3)):
        assert advise_method(a_case(quantity=quantity, variants=variants)).conditions[-1] == hint
    for quantity in (187, 752):
        assert hint not in advise_method(a_case(quantity=quantity)).conditions
    assert hint not in advise_method(a_case(quantity=700, items=items)).conditions


def test_shapes_that_go_two_ways_are_advised_as_a_hybrid() -> None:
    items = (an_item(name="manifold", quantity=60, is_complex=True), an_item(name="cap", quantity=500))
    advice = advise_method(a_case(quantity=560, items=items, frozen=True, stable=True))

    assert advice.recommended is Recommended.HYBRID
    assert advice.hybrid is not None
    assert advice.hybrid.total_minor == 60 * 1_800 + 650_000 + 500 * 70
    assert advice.totals.printed_minor == 560 * 1_800
    assert advice.totals.conventional_minor == 2 * 650_000 + 560 * 70
    assert advice.crossover == pytest.approx(2 * 650_000 / 1_730)
    assert advice.headline.startswith("print some shapes and not the others: printing costs 10,080.00 EUR")


def test_shapes_that_all_go_one_way_are_no_hybrid() -> None:
    small = (an_item(name="a", quantity=20), an_item(name="b", quantity=30))
    advice = advise_method(a_case(quantity=50, items=small))

    assert (advice.recommended, advice.hybrid) == (Recommended.PRINT, None)
    assert advice.totals.tooling_minor == 1_300_000


def test_a_hybrid_waits_until_the_design_is_frozen() -> None:
    items = (an_item(name="manifold", quantity=60, is_complex=True), an_item(name="cap", quantity=500))
    advice = advise_method(a_case(quantity=560, items=items, frozen=False))

    assert advice.recommended is Recommended.PRINT
    assert advice.hybrid is not None
    assert "a hybrid 7,930.00 EUR" in advice.headline


def test_a_complex_shape_may_make_the_hybrid_the_dearer_one() -> None:
    items = (an_item(name="manifold", quantity=2_000, is_complex=True), an_item(name="cap", quantity=500))
    advice = advise_method(a_case(quantity=2_500, items=items, frozen=True, stable=True))

    assert advice.recommended is Recommended.CONVENTIONAL
    assert advice.hybrid is not None
    assert advice.hybrid.total_minor > advice.totals.conventional_minor


@pytest.mark.parametrize(("frozen", "stable"), [(None, None), (False, False), (True, True)])
def test_without_a_tool_there_are_no_words_about_one(frozen: bool | None, stable: bool | None) -> None:
    free = terms(tooling=0, minimum_quantity=250)
    plain = advise_method(a_case(quantity=10_000_000, conventional=terms(tooling=0), frozen=frozen, stable=stable))
    scrapping = advise_method(a_case(quantity=400, conventional=free, frozen=frozen, stable=stable))
    near = advise_method(a_case(quantity=12, conventional=free, frozen=frozen, stable=stable))

    assert (plain.recommended, scrapping.recommended) == (Recommended.CONVENTIONAL, Recommended.CONVENTIONAL)
    assert plain.reasons == (
        "a conventional piece costs less and needs no tool: the conventional way is cheaper at any quantity",
    )
    assert scrapping.sentence == "400 is over twice the crossover at 9.7: the conventional way is clearly cheaper"
    assert (plain.conditions, scrapping.conditions) == ((), ())
    assert "tool" not in told(near)


def test_prices_of_other_quantities_tell_where_the_ways_really_meet() -> None:
    case = a_case(quantity=120)
    meeting = advise_method(replace(case, break_even=BreakEven(quantity=960, printed_unit_minor=747)))
    never = advise_method(replace(case, break_even=BreakEven(quantity=None)))

    assert meeting.sentence == (
        "120 is under half of the crossover at 375.7: printing is clearly the way; this is at the piece price of 120, "
        "18.00 EUR: with each quantity at its own price, the conventional way is cheaper from 960 on, where a printed "
        "piece costs 7.47 EUR"
    )
    assert meeting.conditions == ("from 960 pieces on the conventional way is cheaper",)
    assert never.sentence.endswith("with each quantity at its own price, printing is the cheaper way of large ones")
    assert (never.conditions, never.break_even) == ((), BreakEven(quantity=None))


@pytest.mark.parametrize(("crossover", "above"), [(375.72, 376), (376.0, 377), (0.0, 1), (math.inf, None)])
def test_the_first_quantity_above_a_crossover_is_whole(crossover: float, above: int | None) -> None:
    assert first_quantity_above(crossover) == above
    assert above is None or above > crossover


def test_more_variants_than_pieces_are_refused() -> None:
    with pytest.raises(InvalidFact, match="3 pieces can't be of 4 variants") as refused:
        advise_method(a_case(quantity=3, variants=4))
    assert refused.value.status == 422
