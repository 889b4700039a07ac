"""What may be asked."""

import pytest

from fabroute.logistics.rules import Location
from fabroute.routing.service.quoting import (
    LARGEST_QUANTITY,
    MOST_QUANTITIES,
    InvalidQuantities,
    PartAsked,
    QuoteAsked,
    normal_quantities,
)
from tests.factories.snapshots import a_revision_view

HERE = Location(latitude=53.0, longitude=10.0, country="DE")


def test_quantities_are_sorted_and_asked_once() -> None:
    asked = QuoteAsked(part=PartAsked(revision=a_revision_view()), quantities=(50, 1, 10, 1), destination=HERE)

    assert asked.quantities == (1, 10, 50)
    assert normal_quantities((7,)) == (7,)


def test_ten_quantities_are_the_most() -> None:
    assert normal_quantities(tuple(range(1, MOST_QUANTITIES + 1))) == tuple(range(1, 11))
    with pytest.raises(InvalidQuantities, match="name 1 to 10 different quantities, not 11"):
        normal_quantities(tuple(range(1, 12)))
    with pytest.raises(InvalidQuantities, match="not 0") as refused:
        normal_quantities(())
    assert refused.value.problems[0].pointer == "/quantities"


@pytest.mark.parametrize("quantity", [0, -3, LARGEST_QUANTITY + 1])
def test_a_quantity_that_no_order_may_have_is_named(quantity: int) -> None:
    with pytest.raises(InvalidQuantities) as refused:
        normal_quantities((5, quantity))

    assert refused.value.problems[0].pointer == "/quantities/1"
    assert f"this one is {quantity:,}" in refused.value.message
    assert (refused.value.code, refused.value.status) == ("invalid_quantities", 422)
