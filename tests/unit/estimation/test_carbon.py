"""Electricity and carbon of a build."""

import pytest

from fabroute.estimation.build_time import build_time
from fabroute.estimation.carbon import build_kwh, embodied_g_per_kg, production_co2_g
from fabroute.estimation.facts import Process
from tests.factories.estimation import a_machine, a_material


def test_a_build_draws_power_while_it_heats_prints_and_cools() -> None:
    machine = a_machine(process=Process.LPBF, layer_um=100, layer_fixed_s=36)
    time = build_time(machine, height_mm=10, melted_cm3=100)
    # 1 h warm-up, 100 layers x 36 s = 1 h, 0.5 h cool-down at 2 kW, and 25 kWh of stress relief; exposure is extra.
    assert build_kwh(machine, time) == pytest.approx(2 * 2.5 + 25)


def test_set_up_and_unloading_draw_nothing_and_polymer_powder_cools_by_itself() -> None:
    machine = a_machine(process=Process.MJF, layer_um=100, layer_fixed_s=36, cooldown_hours=30)
    assert build_kwh(machine, build_time(machine, height_mm=10, melted_cm3=0)) == pytest.approx(2 * 2)


def test_virgin_material_carries_carbon_by_name_or_else_by_process() -> None:
    assert embodied_g_per_kg(a_material(process=Process.LPBF, code="TI64")) == 45_000
    assert embodied_g_per_kg(a_material(process=Process.LPBF, code="316L")) == 8_000
    assert embodied_g_per_kg(a_material(process=Process.MEX, code="PLA")) == 2_500
    assert embodied_g_per_kg(a_material(process=Process.EBM, code="TI64-ELI")) == 45_000


def test_carbon_is_that_of_electricity_and_of_material() -> None:
    grams = production_co2_g(energy_wh=7_500, grid_g_per_kwh=471, virgin_grams=500, embodied=8_000)
    assert grams == pytest.approx(7.5 * 471 + 4_000)
    assert production_co2_g(energy_wh=0, grid_g_per_kwh=471, virgin_grams=0, embodied=8_000) == 0
