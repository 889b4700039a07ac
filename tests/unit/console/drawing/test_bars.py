import pytest

from fabroute.console.drawing.bars import (
    KINDS,
    Stack,
    cost_bar,
    cost_patterns,
    day_columns,
    days_bar,
    kind_sample,
    level_bar,
    sparkline,
    stack_of,
)
from fabroute.console.drawing.markup import Caption, Svg, element, escaped, number

from .xml import by_class, read, told

CAPTION = Caption(key="bar", title="Łódź bureau: €31.40")
ROWS = [
    ("file_preparation", 300),
    ("machine", 1000),
    ("energy", 50),
    ("setup_and_unloading", 200),
    ("material", 400),
    ("yield_loss", 60),
    ("margin", 90),
    ("freight_base", 500),
    ("fuel", 40),
    ("duty", 100),
]


def fill(svg: str, name: str) -> tuple[float, float]:
    """Where a field of a class, or of a kind's pattern, begins and how wide it is."""
    fields = [it for it in read(svg).iter("rect") if it.get("fill") == f"url(#{name})"]
    (field,) = fields or by_class(read(svg), name)
    return float(field.get("x", "0")), float(field.get("width", "0"))


def test_a_breakdown_is_stacked_by_kinds_and_adds_up() -> None:
    stack = stack_of(ROWS)
    assert stack.amounts == (
        ("machine", 1050),
        ("material", 400),
        ("labour", 500),
        ("margin", 150),
        ("shipping", 540),
        ("duty", 100),
    )
    assert stack.total_minor == sum(amount for _, amount in ROWS) == 2740


def test_what_a_shared_build_saves_is_taken_off() -> None:
    stack = stack_of([("machine", 1000), ("shared_build", -300), ("something_new", 20)])
    assert stack == Stack(amounts=(("machine", 1000), ("margin", 20)), saved_minor=300)
    assert (stack.gross_minor, stack.total_minor) == (1020, 720)
    assert stack_of([]) == Stack(amounts=())


def test_a_bar_is_as_long_as_its_cost_beside_the_largest() -> None:
    svg = cost_bar(CAPTION, stack_of([("machine", 1000), ("material", 500)]), largest_minor=3000)
    assert fill(svg, "cost-machine") == pytest.approx((0, 66), abs=0.1)
    assert fill(svg, "cost-material") == pytest.approx((66.7, 32.6), abs=0.1)
    assert told(read(svg)) == ("Łódź bureau: €31.40", "")


def test_a_saving_is_a_dashed_field_at_the_end() -> None:
    svg = cost_bar(CAPTION, stack_of([("machine", 1000), ("shared_build", -250)]), largest_minor=1000)
    assert fill(svg, "bar-saved") == pytest.approx((150, 49.5))


def test_a_bar_of_nothing_and_a_bar_over_the_largest_stay_in_the_picture() -> None:
    assert len(read(cost_bar(CAPTION, Stack(amounts=()), largest_minor=0))) == 1
    assert fill(cost_bar(CAPTION, stack_of([("duty", 500)]), largest_minor=100), "cost-duty") == (0, 199.3)


def test_every_kind_but_machines_has_a_pattern_that_is_there() -> None:
    patterns = {it.get("id") for it in read(cost_patterns()).iter("pattern")}
    used = {it.get("fill") for kind in KINDS for it in read(kind_sample(kind)).iter("rect") if it.get("fill")}
    assert used == {f"url(#{it})" for it in patterns}
    assert len(patterns) == 5
    assert list(KINDS.values()) == ["Machine", "Material", "Labour", "Margin and risk", "Shipping", "Duty"]


@pytest.mark.parametrize(("share", "width"), [(0.25, 50), (1.0, 200), (7.0, 200)])
def test_a_level_is_filled_by_its_share(share: float, width: float) -> None:
    assert fill(level_bar(CAPTION, share), "bar-fill") == (0, width)


def test_an_empty_level_has_a_track_only_and_a_limit_is_a_mark() -> None:
    assert by_class(read(level_bar(CAPTION, 0)), "bar-fill") == []
    (limit,) = by_class(read(level_bar(CAPTION, -1, limit=0.8)), "bar-limit")
    assert limit.get("x1") == limit.get("x2") == "160"


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (30, "low"), (7, "critical"), (-3, "")])
def test_days_left_are_told_by_state(days: float, state: str) -> None:
    drawing = read(days_bar(CAPTION, days, horizon=90, low=30, critical=7))
    assert [it.get("class") for it in by_class(drawing, "bar-fill")] == ([f"bar-fill is-{state}"] if state else [])


def test_days_of_a_machine_are_columns() -> None:
    drawing = read(day_columns(CAPTION, [0.5, 0.9, 1.2, 0, 0.1], closed=[False, False, False, False, True]))
    fills = [(it.get("class"), it.get("height")) for it in by_class(drawing, "bar-fill")]
    assert fills == [("bar-fill is-ok", "18"), ("bar-fill is-low", "32.4"), ("bar-fill is-critical", "36")]
    assert len(by_class(drawing, "bar-closed")) == 1
    assert drawing.get("viewBox") == "0 0 60 36"
    assert read(day_columns(CAPTION, [])).get("viewBox") == "0 0 12 36"


def test_a_sparkline_goes_from_low_to_high() -> None:
    (line,) = by_class(read(sparkline(CAPTION, [1, 3, 2])), "spark-line")
    assert line.get("d") == "M3 25L60 3L117 14"
    assert by_class(read(sparkline(CAPTION, [4])), "spark-line") == []
    assert [len(by_class(read(sparkline(CAPTION, values)), "spark-dot")) for values in ([4], [])] == [1, 0]
    assert len(by_class(read(sparkline(CAPTION, [2, 2, 2])), "spark-line")) == 1


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("text", {"x": 1.04, "title": '"<&'}, "<b>", Svg("<tspan/>")) == (
        '<text x="1" title="&quot;&lt;&amp;">&lt;b&gt;<tspan/></text>'
    )
    assert element("g", {"class": None}) == "<g/>"
    assert escaped("a\x00\ud800b") == "ab"
    assert Svg("<g/>").__html__() == "<g/>"


@pytest.mark.parametrize(("value", "text"), [(4, "4"), (-0.5, "-0.5"), (-0.04, "0"), (12.25, "12.2"), (0, "0")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text
