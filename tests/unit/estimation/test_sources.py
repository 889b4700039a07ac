"""Every constant behind an estimate says where it comes from."""

import pytest

from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import MaterialFacts, NodeRates, Process
from fabroute.estimation.sources import Mark, SourcedFigure, figures_used, mark_of
from tests.factories.estimation import (
    a_machine,
    a_material,
    evidence_of,
    reference_machine,
    reference_material,
    some_rates,
)


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        ("V box", Mark.VENDOR),
        ("V:Cura def", Mark.VENDOR),
        ("V2 order of magnitude", Mark.SECOND_HAND),
        ("V secondary", Mark.SECOND_HAND),
        ("V box; 6.2 s/layer M (5058 cm3/h)", Mark.MEMORY),
        ("M (61 cm3/h V: Fortus 360mc)", Mark.MEMORY),
        ("M box; 80 cm3/h V secondary", Mark.MEMORY),
        ("V box, D rate", Mark.ASSUMPTION),
        ("", Mark.ASSUMPTION),
    ],
)
def test_a_source_is_as_good_as_the_weakest_mark_it_names(source: str, mark: Mark) -> None:
    assert mark_of(source) is mark


def test_an_estimate_names_every_constant_once() -> None:
    figures = figures_used(reference_machine("HP MJF 5200"), reference_material("PA12-MJF"))
    codes = [figure.code for figure in figures]
    assert len(codes) == len(set(codes))
    assert {"layer_fixed_s", "refresh_ratio", "nesting_density", "efficiency", "attendance"} <= set(codes)
    assert all(figure.unit and figure.source for figure in figures)


def test_figures_carry_value_unit_mark_and_source() -> None:
    figures = {figure.code: figure for figure in figures_used(reference_machine("HP MJF 4200"), a_mjf_material())}
    layer = figures["layer_fixed_s"]
    assert (layer.value, layer.unit, layer.mark) == (7.55, "s per layer", Mark.VENDOR)
    assert layer.source == "HP MJF 4200: V box; 4115 cm3/h V -> 7.55 s/layer"
    assert (figures["attendance"].value, figures["attendance"].mark) == (0.03, Mark.ASSUMPTION)
    assert (figures["density_g_per_cm3"].mark, figures["density_g_per_cm3"].source) == (
        Mark.VENDOR,
        "STUFF: V density",
    )


def test_a_figure_that_a_material_does_not_have_is_left_out() -> None:
    material = a_material(bulk_density_g_per_cm3=None, refresh_ratio=None)
    codes = {figure.code for figure in figures_used(a_machine(), material)}
    assert not {"bulk_density_g_per_cm3", "refresh_ratio"} & codes
    assert "loss_fraction" in codes


def a_mjf_material() -> MaterialFacts:
    return a_material(process=Process.MJF, refresh_ratio=0.2)


# ---------------------------------------------------------------- what a node states, and what was learnt


def of_a_node(rates: NodeRates, evidence: Evidence = NO_EVIDENCE) -> dict[str, SourcedFigure]:
    return {figure.code: figure for figure in figures_used(a_machine(), a_material(), rates, evidence)}


def test_marks_go_from_the_best_to_the_weakest() -> None:
    assert [mark.value for mark in Mark] == ["measured", "stated", "vendor", "second-hand", "memory", "assumption"]
    assert mark_of("V box, V2 rate") is Mark.SECOND_HAND


def test_what_a_node_says_of_itself_is_stated() -> None:
    figures = of_a_node(some_rates(first_pass_yield=0.97))
    assert (figures["first_pass_yield"].value, figures["first_pass_yield"].mark) == (0.97, Mark.STATED)
    assert figures["first_pass_yield"].source == "stated by the node"


def test_what_a_node_earns_is_its_own_business() -> None:
    figures = of_a_node(some_rates(labour_minor_per_hour=4600, margin=0.25, minimum_order_minor=5000))
    assert not {"labour_minor_per_hour", "margin", "minimum_order_minor"} & figures.keys()
    assert figures.keys() == of_a_node(some_rates()).keys()


def test_a_stated_price_takes_the_place_of_the_usual_one_and_tells_it() -> None:
    figures = of_a_node(some_rates(machine_minor_per_hour=1250, material_minor_per_kg=4100))
    machine, material = figures["rate_minor_per_hour"], figures["price_minor_per_kg"]
    assert (machine.value, machine.mark, machine.unit) == (1250, Mark.STATED, "EUR cent per h")
    assert machine.source == "stated by the node, in place of 1000 (Model MEX: V box; the rest M)"
    assert (material.value, material.mark) == (4100, Mark.STATED)
    assert material.source == "stated by the node, in place of 5000 (STUFF: V density)"


def test_what_a_node_does_not_state_keeps_its_mark() -> None:
    figures = of_a_node(some_rates(machine_minor_per_hour=1250))
    assert (figures["price_minor_per_kg"].value, figures["price_minor_per_kg"].mark) == (5000, Mark.VENDOR)
    assert (figures["warmup_hours"].value, figures["warmup_hours"].mark) == (1, Mark.MEMORY)


def test_times_without_evidence_are_an_assumption() -> None:
    figures = of_a_node(some_rates())
    assert (figures["time_factor_p50"].value, figures["time_factor_p90"].value) == (1.0, 1.25)
    assert figures["time_factor_p50"].mark is figures["time_factor_p90"].mark is Mark.ASSUMPTION
    assert figures["time_factor_p90"].source == "before any build was timed"


def test_times_that_builds_taught_are_measured_and_tell_how_many() -> None:
    figures = of_a_node(some_rates(), evidence_of([1.2] * 7))
    factor = figures["time_factor_p50"]
    assert factor.value == pytest.approx(1.2 ** (7 / 11))
    assert (factor.mark, factor.source) == (Mark.MEASURED, "learnt from 7 builds")
    assert of_a_node(some_rates(), evidence_of([1.2]))["time_factor_p90"].source == "learnt from 1 build"
    assert figures["first_pass_yield"].mark is Mark.STATED


def test_a_yield_that_prints_taught_is_measured_and_tells_how_many() -> None:
    figures = of_a_node(some_rates(first_pass_yield=0.9), evidence_of(good=10, failed=10))
    learnt = figures["first_pass_yield"]
    assert learnt.value == pytest.approx(0.7)
    assert learnt.mark is Mark.MEASURED
    assert learnt.source == "learnt from 20 prints, with the node's own 0.9 worth 20"
    assert figures["time_factor_p50"].mark is Mark.ASSUMPTION


def test_no_figure_of_a_node_is_named_twice() -> None:
    listed = figures_used(a_machine(), a_material(), some_rates(machine_minor_per_hour=1), evidence_of([1.1], good=3))
    assert len({figure.code for figure in listed}) == len(listed)
    assert {"finishing_hands", "time_factor_p90", "first_pass_yield"} <= {figure.code for figure in listed}
