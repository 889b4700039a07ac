"""Constants of shipping with their marks."""

from fabroute.estimation.sources import Mark, mark_of
from fabroute.logistics.rules.sources import freight_constants


def test_the_constants_of_shipping_are_the_published_ones() -> None:
    values = {figure.code: figure.value for figure in freight_constants()}
    assert (values["volumetric_cm3_per_kg"], values["weight_step_grams"]) == (5000, 500)
    assert (values["surface_detour"], values["airport_detour_km"]) == (1.25, 95)
    assert (values["road_km_per_day"], values["local_km"], values["default_grid_g_per_kwh"]) == (600, 60, 475)


def test_each_is_marked_as_its_source_says() -> None:
    found = freight_constants()
    assert [figure.mark for figure in found] == [mark_of(figure.source) for figure in found]
    assert {figure.subject for figure in found} == {"shipping"}
    assert len({figure.code for figure in found}) == len(found) == 15
    counts = {mark: sum(figure.mark is mark for figure in found) for mark in Mark}
    assert (counts[Mark.VENDOR], counts[Mark.MEMORY], counts[Mark.ASSUMPTION]) == (3, 2, 10)
