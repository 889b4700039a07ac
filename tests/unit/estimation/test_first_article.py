"""A line that begins with a first article takes one build more, and prepares its file once."""

from dataclasses import replace

import pytest

from fabroute.estimation.facts import PartGeometry
from fabroute.estimation.first_article import with_first_article
from fabroute.estimation.production import ProductionEstimate, estimate_production
from tests.factories.estimation import reference_machine, reference_material, some_rates

STOPPER = PartGeometry(box_mm=(64, 22, 16), volume_cm3=7.4)


def estimated(quantity: int, *, minimum_order_minor: int = 0) -> ProductionEstimate:
    plate = replace(reference_machine("EOS M 290"), box_mm=(150, 150, 95))
    rates = some_rates(margin=0.25, minimum_order_minor=minimum_order_minor)
    return estimate_production(
        part=STOPPER, machine=plate, material=reference_material("316L"), rates=rates, quantity=quantity
    )


def amounts(estimate: ProductionEstimate) -> dict[str, int]:
    return {row.code: row.amount_minor for row in estimate.breakdown}


def test_24_parts_at_10_a_build_take_four_builds_instead_of_three() -> None:
    split = with_first_article(estimated(1), estimated(23))

    assert (estimated(24).parts_per_build, estimated(24).builds) == (10, 3)
    assert (split.quantity, split.builds, split.parts_per_build) == (24, 4, 10)
    assert split.opening is None


@pytest.mark.parametrize("name", ["machine_minutes", "material_grams", "energy_wh", "off_machine_minutes", "net_grams"])
def test_what_is_taken_adds_up(name: str) -> None:
    first, rest = estimated(1), estimated(23)

    assert getattr(with_first_article(first, rest), name) == getattr(first, name) + getattr(rest, name)
    assert getattr(with_first_article(first, rest), name) >= getattr(estimated(24), name)


def test_the_file_is_prepared_once_and_rows_add_up_to_the_price() -> None:
    first, rest = estimated(1), estimated(23)
    split = with_first_article(first, rest)

    assert amounts(split)["file_preparation"] == amounts(rest)["file_preparation"] == amounts(first)["file_preparation"]
    assert sum(amounts(split).values()) == split.price_minor
    assert split.price_minor == first.price_minor + rest.price_minor - amounts(first)["file_preparation"] * 5 // 4
    assert split.build_minutes == rest.build_minutes


def test_the_minimum_order_counts_for_both_together() -> None:
    plain = with_first_article(estimated(1), estimated(23))
    raised = plain.price_minor + 1_234
    topped = with_first_article(estimated(1, minimum_order_minor=raised), estimated(23, minimum_order_minor=raised))

    assert (topped.price_minor, topped.minimum_top_up_minor) == (raised, 1_234)
    assert plain.minimum_top_up_minor == 0
