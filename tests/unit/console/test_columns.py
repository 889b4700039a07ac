"""Cards in two columns: none is stretched, and no column is much longer than the other."""

import pytest

from fabroute.console.pages.columns import Card, balanced, filled
from fabroute.console.pages.order.layout import Amounts, order_layout
from fabroute.console.pages.part import layout as part

LONG, SHORT, TINY = Card("long", 1_000), Card("short", 300), Card("tiny", 50)


def test_each_card_goes_where_less_stands_the_highest_first() -> None:
    assert balanced((LONG,), (), (TINY, SHORT)) == (("long",), ("short", "tiny"))
    assert balanced((), (), (TINY, SHORT, LONG)) == (("long",), ("short", "tiny"))
    assert balanced((), ()) == ((), ())


def test_a_column_is_filled_up_to_the_end_of_the_other_one_and_no_further() -> None:
    found = filled((LONG,), (SHORT,), (Card("fits", 400), Card("too long", 900), TINY))

    assert found.columns == (("long",), ("short", "fits", "tiny"))
    assert [card.name for card in found.left_over] == ["too long"]


@pytest.mark.parametrize(
    ("has", "above"),
    [
        (Amounts(candidates=8, alternatives=3, jobs=1, rules=4, has_record=True, outside=21),
         (("candidates", "jobs"), ("map", "plot"))),
        (Amounts(candidates=2, alternatives=2, jobs=1, rules=2, has_record=True),
         (("candidates", "jobs", "rules", "record"), ("map", "plot"))),
        (Amounts(steps_out=16, has_record=True, outside=50), (("no-way",), ("map", "record"))),
        (Amounts(happenings=1), (("story",), ("map",))),
    ],
)  # fmt: skip
def test_the_cards_of_an_order_fill_what_stands_beside_the_longer_column(
    has: Amounts, above: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    assert order_layout(has).above == above


def a_part(**stated: int | None) -> part.PartLayout:
    usual: dict[str, int | None] = {
        "pairs": 1, "places": 0, "orders": 0, "revisions": 1, "licences": 0, "documents": 0,
    }  # fmt: skip
    has = part.Amounts(has_picture=True, **{**usual, **stated})  # type: ignore[arg-type]
    return part.part_layout(has, outlook=None, validation=None)


def test_what_is_known_of_a_part_stands_under_what_is_shorter() -> None:
    few, many = a_part(), a_part(orders=8, places=3)

    assert few.above == (("revision",), ("readiness", "places", "orders"))
    assert many.above == (("revision",), ("readiness", "places"))
    assert many.below == (("validation", "revisions", "licences", "documents"), ("orders",))
    assert a_part(orders=None).above == (("revision",), ("readiness", "places"))
