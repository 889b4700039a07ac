"""Estimates and constants on a terminal: what is said, and that it fits."""

from typing import Any

import pytest
from rich.console import Console, RenderableType

from fabroute.cli.client import JsonObject
from fabroute.cli.estimate_story import constants_table, duration, estimates_report
from tests.factories.estimate_answers import a_figure, an_estimate, an_estimates_answer, an_unable

LEARNT: JsonObject = {
    "builds": 10,
    "good_prints": 28,
    "failed_prints": 2,
    "learnt_at": "2026-11-22T06:47:37+00:00",
}
WIDTHS = pytest.mark.parametrize("width", [80, 160])


def shown(what: RenderableType, *, width: int) -> list[str]:
    """Return the lines that a terminal of this width shows, printed as the commands print."""
    console = Console(width=width, highlight=False, soft_wrap=True, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(what, markup=False)
    return [line.rstrip() for line in captured.get().splitlines()]


def reported(*estimates: JsonObject, width: int = 80, **more: Any) -> list[str]:
    return shown(estimates_report(an_estimates_answer(*estimates, **more), width=width), width=width)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0 min"),
        (1, "1 min"),
        (59, "59 min"),
        (60, "1 h 00"),
        (641, "10 h 41"),
        (5999, "99 h 59"),
        (6000, "4 d 4 h"),
        (14_400, "10 d 0 h"),
    ],
)
def test_minutes_are_told_as_people_say_them(minutes: int, words: str) -> None:
    assert duration(minutes) == words
    assert len(duration(minutes)) <= 8


def test_a_report_tells_times_price_rows_material_and_what_was_learnt() -> None:
    lines = reported(an_estimate(learnt_from=LEARNT))

    assert lines[0] == "AP-0101 A (released), 10 pieces, production only"
    assert lines[1].split() == ["machine", "material", "build", "P50", "P90", "price", "each", "CO2e"]
    assert " ".join(lines[2].split()) == "N001-A PA12-MJF 12 h 53 14 h 10 €123.45 €12.34 5.90 kg"
    assert "N001-A · HP MJF 5200 · N001 Hamburg DE" in lines
    assert "  MJF PA12-MJF, parameter set PS-1" in lines
    assert "  one build of up to 108 takes 12 h 53, nine of ten are done in 14 h 10" in lines
    assert "  these pieces take 58 min of the machine (P90 1 h 04), then 24 h 13 beside it" in lines
    assert "  1,362 g of material for 248 g of parts, 7.9 kWh, 5.90 kg CO2e" in lines
    assert "  learnt from 10 builds and 30 prints (28 good), last on 2026-11-22" in lines


def test_price_rows_add_up_and_empty_ones_are_left_out() -> None:
    lines = reported(an_estimate())
    rows = [line.split() for line in lines if "€" in line]

    assert [row[-1] for row in rows[1:]] == ["€11.50", "€111.95", "€123.45"]
    assert ["file", "preparation", "€11.50"] in rows
    assert not [line for line in lines if "top up" in line]


@WIDTHS
def test_figures_stand_by_mark_the_best_known_first(width: int) -> None:
    lines = reported(an_estimate(), width=width)
    begin = next(number for number, line in enumerate(lines) if "figures behind it" in line)

    assert lines[begin] == "  figures behind it: 1 measured, 1 stated, 1 vendor, 2 assumption"
    figures = [line.split()[:3] for line in lines[begin + 1 :]]
    assert figures == [
        ["measured", "time_factor_p50", "1.20583"],
        ["stated", "rate_minor_per_hour", "3,000"],
        ["vendor", "layer_fixed_s", "6.2"],
        ["assumption", "nesting_density", "0.1"],
        ["assumption", "gas_minor_per_hour", "0"],
    ]
    assert any("in place of 4500" in line for line in lines) == (width == 160)


@WIDTHS
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    many = [an_estimate(machine_id=f"N{number:03}-A", learnt_from=LEARNT, builds=12) for number in range(5)]
    lines = reported(*many, width=width)

    assert max(map(len, lines)) <= width
    assert "  each of 12 builds of up to 108 takes 12 h 53, nine of ten are done in 14 h 10" in lines
    assert sum("Hamburg DE" in line for line in lines) == (6 if width == 160 else 1)


def test_machines_that_were_left_out_are_counted() -> None:
    some = reported(an_estimate(), an_estimate(machine_id="N001-C", price_minor=20_000), able=7)
    alone = reported(an_estimate())

    assert "  and 5 more machines that cost more (--limit)" in some
    assert not [line for line in alone if "more machines" in line]


def test_those_that_are_near_it_are_told_with_every_reason() -> None:
    both = (("NODE_DOWN", "machine N001-B is down"), ("BUILD_VOLUME", "needs 86 mm"))
    lines = reported(an_estimate(), exclusions=(an_unable(reasons=both),))
    some = reported(an_estimate(), exclusions=(an_unable(),), unable=4)

    told = "  N001-B PA12-MJF PS-2: NODE_DOWN: machine N001-B is down; BUILD_VOLUME: needs 86 mm"
    assert lines[-3:] == ["", "1 can't:", told]
    assert (some[-3], some[-1]) == ("4 can't:", "  and 3 more (--limit)")


def test_those_that_print_something_else_are_counted() -> None:
    other = an_unable(machine_id="N001-C", reasons=(("PROCESS_MATERIAL", "prints LPBF:316L"),))
    some = reported(an_estimate(), exclusions=(an_unable(), other), unable=9)
    only = reported(exclusions=(other,))

    words = "print something else, the part may be of MJF:PA12-MJF, SLS:PA12-SLS"
    assert some[-1] == f"  8 {words}"
    assert only[1:] == ["  no machine can print it", "", "1 can't:", f"  1 {words}"]
    assert not [line for line in some if "316L" in line]


def test_a_part_that_nobody_can_print_says_so() -> None:
    lines = reported(exclusions=(an_unable(),))

    assert lines[1] == "  no machine can print it"
    assert lines[-1].startswith("  N001-B PA12-MJF PS-2: BUILD_VOLUME: needs 86 mm")


def test_a_machine_without_evidence_says_where_its_times_are_from() -> None:
    lines = reported(an_estimate())
    one_build: JsonObject = {**LEARNT, "builds": 1, "good_prints": 0, "failed_prints": 0}

    assert "  nothing was learnt here yet: times are those of the data sheet" in lines
    learnt = reported(an_estimate(learnt_from=one_build))
    assert "  learnt from 1 build and 0 prints (0 good), last on 2026-11-22" in learnt


def test_brackets_in_names_are_no_colours() -> None:
    lines = reported(an_estimate(machine_id="[red]A"))

    assert any("[red]A" in line for line in lines)
    assert lines[2].startswith("  [red]A")


@WIDTHS
def test_constants_are_listed_with_what_they_belong_to(width: int) -> None:
    constants = [a_figure(), a_figure(mark="memory", subject="Stratasys F900", code="power_kw", value=18, unit="kW")]
    lines = shown(constants_table(constants, width=width), width=width)

    headings = ["mark", "of", "constant", "value", "unit"]
    assert lines[0].split() == ([*headings, "source"] if width == 160 else headings)
    assert lines[1].split()[:5] == ["vendor", "HP", "MJF", "5200", "layer_fixed_s"]
    assert lines[2].split()[:6] == ["memory", "Stratasys", "F900", "power_kw", "18", "kW"]
    assert max(map(len, lines)) <= width


def test_a_constant_of_no_machine_or_material_is_one_of_all_estimates() -> None:
    lines = shown(constants_table([a_figure(subject="", code="fit_margin_mm", value=3, unit="mm")], width=80), width=80)

    assert lines[1].split() == ["vendor", "all", "estimates", "fit_margin_mm", "3", "mm"]
    assert len(lines) == 2


def test_a_warning_stands_under_the_head_before_any_figure() -> None:
    answer = an_estimates_answer(an_estimate()) | {"warning": "revision A of AP-0101 is withdrawn"}
    lines = shown(estimates_report(answer, width=80), width=80)

    assert lines[1] == "  revision A of AP-0101 is withdrawn"
    assert lines[2].split()[0] == "machine"
