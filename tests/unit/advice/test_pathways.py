"""The five pathways: which fit a quantity, a date and a need, and in which order."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.advice.rules.pathways import (
    OVERSEAS_NOTE,
    PATHWAYS,
    Need,
    PathwayAdvice,
    PathwayCase,
    advise_pathway,
)


def ask(quantity: int, *needs: Need, days: int | None = None) -> PathwayAdvice:
    return advise_pathway(PathwayCase(quantity=quantity, needed_within_days=days, needs=frozenset(needs)))


def fitting(advice: PathwayAdvice) -> list[str]:
    return sorted(it.pathway.code for it in advice.ranked if it.fits)


def best(advice: PathwayAdvice) -> str | None:
    return None if advice.recommended is None else advice.recommended.pathway.code


@pytest.mark.parametrize(
    ("quantity", "codes"),
    [
        (1, ["in_house"]),
        (10, ["in_house"]),
        (20, ["hub", "in_house"]),
        (50, ["hub", "in_house", "network", "workshop"]),
        (120, ["hub", "network", "workshop"]),
        (151, ["network", "workshop"]),
        (300, ["factory", "network", "workshop"]),
        (501, ["factory"]),
        (2_000, ["factory"]),
        (2_500, []),
    ],
)
def test_a_pathway_fits_if_its_quantities_hold_the_one_asked_for(quantity: int, codes: list[str]) -> None:
    advice = ask(quantity)

    assert fitting(advice) == codes
    assert len(advice.ranked) == len(PATHWAYS)


def test_120_units_in_four_weeks_go_to_the_network() -> None:
    advice = ask(120, days=28)

    assert best(advice) == "network"
    assert [it.pathway.code for it in advice.ranked if it.fits and it.in_time] == ["network", "hub"]
    assert [it.pathway.unit_mid_minor for it in advice.ranked[:2]] == [4_250, 5_400]
    assert [it.pathway.code for it in advice.alternatives] == ["hub", "workshop"]
    assert advice.ranked[2].why_not == ("may take 42 days, 28 are left",)


def test_without_a_date_the_lower_mid_point_goes_first() -> None:
    assert [it.pathway.code for it in ask(120).ranked[:3]] == ["network", "workshop", "hub"]
    assert [it.pathway.code for it in ask(300).ranked[:3]] == ["factory", "network", "workshop"]


def test_ten_pieces_have_no_alternative_and_that_is_told() -> None:
    advice = ask(10)

    assert (best(advice), advice.alternatives) == ("in_house", ())
    assert advice.headline == (
        "in-house micro-run (7 to 21 days, mid-point 77.50 EUR a piece); no other pathway takes this quantity"
    )
    assert advice.ranked[1].why_not[0].endswith("10 are asked for")


def test_2_500_pieces_are_beyond_small_batch() -> None:
    advice = ask(2_500)

    assert advice.recommended is None
    assert advice.headline == "2,500 pieces are beyond small batch: none of the five pathways takes so many"
    assert "the eight signals for mass production" in advice.notes[0]
    assert OVERSEAS_NOTE not in advice.notes


@pytest.mark.parametrize("quantity", [120, 300, 600])
def test_colour_matched_enamel_over_batches_goes_to_the_factory(quantity: int) -> None:
    advice = ask(quantity, Need.COLOUR_MATCH, Need.BATCH_CONSISTENCY)

    assert best(advice) == "factory"
    assert advice.recommended is not None
    assert advice.recommended.serves == (Need.BATCH_CONSISTENCY, Need.COLOUR_MATCH)
    assert advice.recommended.misses == ()


def test_a_factory_that_takes_more_than_is_asked_for_says_so() -> None:
    advice = ask(120, Need.COLOUR_MATCH)

    assert "but it takes 250 or more, 120 are asked for" in advice.headline
    assert advice.notes[0] == (
        "small specialised factory is the way for colour match, and takes 250 to 2,000 pieces: order several batches "
        "together"
    )
    assert [it.pathway.code for it in advice.alternatives] == ["network", "workshop", "hub"]


def test_a_handful_is_never_sent_to_a_factory() -> None:
    advice = ask(10, Need.COLOUR_MATCH)

    assert best(advice) == "in_house"
    assert advice.ranked[0].why_not == ("is not known for colour match",)


@pytest.mark.parametrize(
    ("need", "code"),
    [
        (Need.HERITAGE, "workshop"),
        (Need.REFINEMENT, "workshop"),
        (Need.ON_SITE_OVERSIGHT, "hub"),
        (Need.NEAR_THE_CUSTOMER, "network"),
        (Need.DROP_SHIPPING, "factory"),
        (Need.PACKAGING, "factory"),
    ],
)
def test_what_a_pathway_is_known_for_goes_before_its_price(need: Need, code: str) -> None:
    advice = ask(120, need)

    assert best(advice) == code
    assert advice.recommended is not None
    assert advice.recommended.serves == (need,)


def test_a_date_that_nobody_can_hold_is_told() -> None:
    advice = ask(120, days=10)

    assert best(advice) == "network"
    assert "none that fits is surely there within 10 days: agree the date first" in advice.notes
    assert all(not it.in_time for it in advice.ranked if it.fits)


def test_under_1_000_units_overseas_is_not_automatically_cheaper() -> None:
    assert OVERSEAS_NOTE in ask(999).notes
    assert OVERSEAS_NOTE not in ask(1_000).notes
    assert "compare the landed cost" in OVERSEAS_NOTE


def test_totals_hold_what_is_paid_up_front() -> None:
    factory = next(it for it in ask(300).ranked if it.pathway.code == "factory")
    network = next(it for it in ask(300).ranked if it.pathway.code == "network")

    assert (factory.total_low_minor, factory.total_high_minor) == (300 * 800 + 200_000, 300 * 4_000 + 800_000)
    assert factory.total_mid_minor == 300 * 2_400 + 500_000
    assert (network.total_low_minor, network.total_mid_minor) == (450_000, 1_275_000)
    assert network.pathway.upfront_low_minor is None


def test_the_ranges_are_the_published_ones() -> None:
    published = {
        "in_house": (1, 50, 35, 120, 7, 21),
        "hub": (20, 150, 18, 90, 14, 28),
        "network": (30, 300, 15, 70, 7, 21),
        "workshop": (50, 500, 22, 85, 21, 42),
        "factory": (250, 2_000, 8, 40, 28, 56),
    }
    for way in PATHWAYS:
        euros = (way.unit_low_minor // 100, way.unit_high_minor // 100)
        assert (way.least, way.most, *euros, way.lead_low_days, way.lead_high_days) == published[way.code]
        assert way.unit_mid_minor == Fraction(sum(euros) * 100, 2)


@given(quantity=st.integers(1, 2_000), days=st.none() | st.integers(1, 90))
def test_there_is_always_an_answer_within_small_batch_and_the_fitting_ones_go_first(
    quantity: int, days: int | None
) -> None:
    advice = ask(quantity, days=days)

    assert advice.recommended is advice.ranked[0]
    assert advice.recommended.fits
    flags = [it.fits for it in advice.ranked]
    assert flags == sorted(flags, reverse=True)
    assert len(advice.alternatives) == sum(flags) - 1
