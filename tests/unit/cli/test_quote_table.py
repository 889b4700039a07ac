"""The table of offers at the widths that terminals have."""

from io import StringIO

import pytest
from rich.console import Console

from fabroute.cli.client import JsonObject
from fabroute.cli.quote_story import quote_report
from tests.factories.quote_answers import a_quote_answer, an_offer_answer


def a_long_quote() -> JsonObject:
    """Return three quantities whose offers have long names, several labels and large prices."""
    first = an_offer_answer(labels=("cheapest", "greenest"), city="Eindhoven", landed_minor=1_234_567)
    second = an_offer_answer(labels=("fastest",), node_id="N002", city="Kraków", landed_minor=1_334_567)
    return a_quote_answer({1: [first, second], 10: [first], 1_000: [first]})


def table_of(quote: JsonObject, *, width: int) -> list[str]:
    """Return the lines of the table alone, its heading first."""
    page = StringIO()
    Console(file=page, width=width).print(quote_report(quote, width=width))
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    start = next(number for number, line in enumerate(lines) if line.split()[:2] == ["pieces", "offer"])
    return lines[start : lines.index("", start)]


ALWAYS = ("pieces", "offer", "node", "landed", "P90", "in time")


@pytest.mark.parametrize(
    ("width", "shown", "left_out"),
    [
        (80, ("each",), ("made by", "sent by", "P10", "P50", "CO2e")),
        (100, ("each", "P50", "CO2e"), ("made by", "sent by", "P10")),
        (120, ("each", "sent by", "P10", "P50", "CO2e"), ("made by",)),
        (160, ("each", "made by", "sent by", "P10", "P50", "CO2e"), ()),
    ],
)
def test_a_narrow_page_leaves_columns_out_and_breaks_no_word(
    width: int, shown: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    heading, *rows = table_of(a_long_quote(), width=width)

    assert [name for name in (*ALWAYS, *shown) if name not in heading] == []
    assert [name for name in left_out if name in heading] == []
    assert max(len(row) for row in rows) <= width
    assert sum("N001 Eindhoven DE" in row for row in rows) == 3
    assert sum("cheapest +" in row for row in rows) == sum("greenest" in row for row in rows) == 3


def test_labels_stand_below_one_another_where_they_do_not_fit_beside() -> None:
    narrow, wide = table_of(a_long_quote(), width=80), table_of(a_long_quote(), width=160)

    assert (narrow[1].split()[:3], narrow[2].split()) == (["1", "cheapest", "+"], ["greenest"])
    assert wide[1].split()[:4] == ["1", "cheapest", "+", "greenest"]
    assert len(narrow) - len(wide) == 3


def test_a_page_that_is_too_narrow_for_the_least_wraps_the_node_between_words() -> None:
    rows = table_of(a_long_quote(), width=60)

    assert max(len(row) for row in rows) <= 60
    assert any("Eindhoven" in row for row in rows)
    assert not any("N001 Eindhoven DE" in row for row in rows)
