"""Every constant behind an estimate says where it comes from."""

import pytest

from fabroute.estimation.facts import MaterialFacts, Process
from fabroute.estimation.sources import Mark, figures_used, mark_of
from tests.factories.estimation import a_machine, a_material, reference_machine, reference_material


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
