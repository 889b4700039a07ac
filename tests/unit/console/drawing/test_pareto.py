from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.console.drawing.markup import Caption
from fabroute.console.drawing.pareto import SIZE, Offer, ParetoPlot, Scales, draw_pareto, frontier

from .xml import Element, by_class, read, texts, told

PLACED = datetime(2026, 11, 21, 12, tzinfo=UTC)
CAPTION = Caption(key="plot", title="What the choice costs", description="Łódź is the cheapest.")
SCALES = Scales(
    money=lambda minor: f"€{minor / 100:.2f}",
    day=lambda instant: f"{instant:%d %b}",
    hour=lambda instant: f"{instant:%d %b %H:%M}",
    zone=UTC,
)


def offer(name: str, cost_minor: int, hours: float, *, median: float | None = None, co2e_g: int = 0) -> Offer:
    return Offer(
        name=name,
        cost_minor=cost_minor,
        median_at=PLACED + timedelta(hours=hours * 0.8 if median is None else median),
        promised_at=PLACED + timedelta(hours=hours),
        co2e_g=co2e_g,
    )


LODZ = replace(offer("Łódź bureau", 3140, 84, median=72, co2e_g=4100), chosen=True)
HAMBURG = offer("Hamburg hub", 3870, 60, co2e_g=2400)
UTRECHT = offer("Utrecht in-house", 4120, 48, co2e_g=1900)
LYON = offer("Lyon bureau", 4490, 66, co2e_g=3000)
FOUR = [LODZ, HAMBURG, UTRECHT, LYON]
OFFERS = st.lists(
    st.builds(
        offer,
        st.sampled_from(["Łódź", "<&>", "x" * 200, "مركز", "名古屋"]),
        st.integers(0, 10**9),
        st.integers(1, 10_000).map(float),
        co2e_g=st.integers(0, 10**6),
    ),
    max_size=30,
)


def drawn(offers: list[Offer], deadline: datetime | None = None) -> ParetoPlot:
    return draw_pareto(offers, caption=CAPTION, scales=SCALES, since=PLACED, deadline=deadline)


def dots(drawing: Element) -> dict[str, tuple[float, float, float]]:
    """Where the dot of each offer is, and its radius."""
    found = {}
    for group in drawing.iter("g"):
        (title,) = group.iter("title")
        (dot,) = by_class(group, "plot-dot")
        found[title.text or ""] = (float(dot.get("cx", "")), float(dot.get("cy", "")), float(dot.get("r", "")))
    return found


def axis(drawing: Element) -> dict[str, float]:
    """Where the ticks of an axis are written, across for amounts and down for instants."""
    return {
        it.text or "": float(it.get("x" if it.get("text-anchor") == "middle" else "y", ""))
        for it in by_class(drawing, "plot-tick")
    }


def _between(ticks: dict[str, float]) -> float:
    """Noon of the 25th: half a day after its midnight; a tick's text is 0.35 of its size under its line."""
    day = ticks["24 Nov"] - ticks["25 Nov"]
    return ticks["25 Nov"] - day / 2 - SIZE * 0.35


def test_the_frontier_is_what_nothing_beats_in_price_and_time() -> None:
    assert [it.name for it in frontier(FOUR)] == ["Łódź bureau", "Hamburg hub", "Utrecht in-house"]
    assert frontier([]) == []
    equal = [replace(HAMBURG, name="A"), replace(HAMBURG, name="B")]
    assert [it.name for it in frontier(equal)] == ["A", "B"]
    assert frontier([HAMBURG, replace(HAMBURG, cost_minor=3900)]) == [HAMBURG]


def test_dots_are_where_the_axes_say() -> None:
    drawing = read(drawn(FOUR).svg)
    ticks = axis(drawing)
    x, y, _ = dots(drawing)["Łódź bureau"]
    across = ticks["€30.00"] + (ticks["€40.00"] - ticks["€30.00"]) * (31.40 - 30) / 10
    assert x == pytest.approx(across, abs=0.2)
    # 84 hours after noon of the 21st are midnight of the 25th; a tick's text is 0.35 of its size under its line.
    assert y == pytest.approx(ticks["25 Nov 00:00"] - SIZE * 0.35, abs=0.2)


def test_whiskers_go_from_the_promised_day_to_the_median() -> None:
    drawing = read(drawn([LODZ]).svg)
    stem, foot = by_class(drawing, "plot-whisker")
    _, y, _ = dots(drawing)["Łódź bureau"]
    assert float(stem.get("y1", "")) == y
    assert float(stem.get("y2", "")) == float(foot.get("y1", "")) > y


def test_the_frontier_is_drawn_in_steps_and_what_is_beaten_is_grey() -> None:
    drawing = read(drawn(FOUR).svg)
    (line,) = by_class(drawing, "plot-frontier")
    assert line.get("d", "").count("L") == 4
    assert [len(by_class(drawing, f"is-{state}")) for state in ("best", "beaten")] == [6, 3]
    assert by_class(read(drawn([LODZ]).svg), "plot-frontier") == []


def test_the_area_of_a_dot_grows_with_its_carbon() -> None:
    radii = {name: radius for name, (_, _, radius) in dots(read(drawn(FOUR).svg)).items()}
    assert (radii["Utrecht in-house"], radii["Łódź bureau"]) == (4, 9)
    # Lyon is half way between the least and the most carbon: sqrt((16 + 81) / 2).
    assert radii["Lyon bureau"] == pytest.approx(6.9645, abs=0.06)
    assert dots(read(drawn([LODZ]).svg))["Łódź bureau"][2] == 6.5


def test_a_deadline_in_reach_is_a_line_at_its_time() -> None:
    drawing = read(drawn(FOUR, PLACED + timedelta(hours=96)).svg)
    (line,) = by_class(drawing, "plot-deadline")
    assert float(line.get("y1", "")) == pytest.approx(_between(axis(drawing)), abs=0.2)
    assert texts(drawing, "plot-deadline-label") == ["deadline 25 Nov"]


def test_a_deadline_far_off_is_told_at_the_edge() -> None:
    assert texts(read(drawn(FOUR, PLACED + timedelta(days=60)).svg), "plot-deadline-label") == ["deadline 20 Jan ↑"]
    assert texts(read(drawn(FOUR, PLACED - timedelta(days=60)).svg), "plot-deadline-label") == ["deadline 22 Sep ↓"]


def test_what_is_far_dearer_or_slower_than_the_best_is_outside() -> None:
    dear, slow = offer("Dear", 20_000, 50), offer("Slow", 4_000, 900)
    found = drawn([*FOUR, dear, slow])
    assert [it.name for it in found.outside] == ["Dear", "Slow"]
    assert drawn([replace(dear, chosen=True), HAMBURG]).outside == ()


def test_names_stand_beside_dots_and_of_many_only_those_of_the_best() -> None:
    assert sorted(texts(read(drawn(FOUR).svg), "plot-label")) == sorted(it.name for it in FOUR)
    many = [*FOUR, *(offer(f"N{at}", 4200 + at * 7, 70 + at) for at in range(20))]
    found = drawn(many)
    assert sorted(texts(read(found.svg), "plot-label")) == ["Hamburg hub", "Utrecht in-house", "Łódź bureau"]
    assert len(found.unnamed) == 21


def test_amounts_that_would_touch_are_left_out() -> None:
    wide = replace(SCALES, money=lambda minor: f"CHF {minor / 100:,.2f} a piece")
    drawing = read(draw_pareto(FOUR, caption=CAPTION, scales=wide, since=PLACED).svg)
    written = [it for it in by_class(drawing, "plot-tick") if it.get("text-anchor") == "middle"]
    assert [it.text for it in written] == ["CHF 30.00 a piece", "CHF 45.00 a piece"]


def test_a_plot_without_offers_is_empty_but_told() -> None:
    drawing = read(drawn([]).svg)
    assert told(drawing) == ("What the choice costs", "Łódź is the cheapest.")
    assert by_class(drawing, "plot-dot") == []


def test_equal_offers_are_all_there() -> None:
    found = drawn([replace(LODZ, name=name, chosen=name == "B") for name in "ABCDEF"])
    assert len(by_class(read(found.svg), "plot-dot")) == 6
    assert "B" in texts(read(found.svg), "plot-label")


@settings(max_examples=40, deadline=None)
@given(OFFERS, st.none() | st.integers(-10_000, 20_000).map(lambda hours: PLACED + timedelta(hours=hours)))
def test_any_plot_is_well_formed_and_all_its_dots_are_in_it(offers: list[Offer], deadline: datetime | None) -> None:
    found = drawn(offers, deadline)
    drawing = read(found.svg)
    seen = [it for it in by_class(drawing, "plot-dot") if 0 <= float(it.get("cx", "")) <= 360]
    assert len(seen) + len(found.outside) == len(offers)
    assert all(0 <= float(it.get("cy", "")) <= 280 for it in seen)
    assert not any(it.get("style") for it in drawing.iter())
