"""Electricity is fixed per build, per layer and per volume, shared over the build; carbon is grid and material."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.build_time import layer_count
from fabroute.estimation.calibration import NO_EVIDENCE
from fabroute.estimation.coefficients import line_needs
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, PartGeometry, Process
from fabroute.estimation.plan import plan_build
from fabroute.estimation.processes import PROCESSES
from fabroute.estimation.production import ProductionEstimate, estimate_production
from tests.factories.estimation import (
    a_machine,
    a_material,
    a_part,
    reference_machine,
    reference_material,
    some_rates,
)

processes = st.sampled_from(list(Process))
PLATE = [Process.MEX, Process.VPP, Process.LPBF, Process.EBM]
NESTED = [Process.SLS, Process.MJF, Process.BJT]
heights = st.integers(min_value=1, max_value=190).map(float)
volumes = st.floats(min_value=0.1, max_value=1.0)
hours = st.floats(min_value=0, max_value=20)


def a_material_for(process: Process) -> MaterialFacts:
    return a_material(process=process, refresh_ratio=0.2)


def watt_hours(part: PartGeometry, machine: MachineModelFacts, *, quantity: int = 1) -> float:
    """Return the exact electricity of a line that never fails."""
    plan = plan_build(part, machine, a_material_for(machine.process))
    needs = line_needs(plan, machine, some_rates(), NO_EVIDENCE)
    return needs.energy_wh(builds=plan.builds(quantity), quantity=quantity)


def standing(height_mm: float, *, volume_cm3: float = 0.1) -> PartGeometry:
    """Return a part with a footprint of 20 x 20 mm that has to stand as it is."""
    box = (20.0, 20.0, height_mm)
    return PartGeometry(box_mm=box, volume_cm3=min(volume_cm3, 0.4 * height_mm), orientation_mm=box)


# ---------------------------------------------------------------- each term by itself


@given(process=processes, warmup=hours, more=hours, height=heights)
def test_what_a_build_draws_once_depends_on_neither_height_nor_volume(
    process: Process, warmup: float, more: float, height: float
) -> None:
    short = replace(a_machine(process=process, layer_fixed_s=9), warmup_hours=warmup)
    long = replace(short, warmup_hours=warmup + more)
    copies = plan_build(standing(height), short, a_material_for(process)).parts_per_build
    builds = 1 / copies if process in NESTED else 1
    # 2 kW for the further hours, in the line's share of the build.
    extra = watt_hours(standing(height), long) - watt_hours(standing(height), short)
    assert extra == pytest.approx(2000 * more * builds, abs=1e-6)
    assert watt_hours(standing(height), short) >= 2000 * warmup * builds


@given(process=st.sampled_from(PLATE), low=heights, high=heights, seconds=st.floats(min_value=1, max_value=60))
def test_what_a_layer_draws_depends_on_the_height_alone(
    process: Process, low: float, high: float, seconds: float
) -> None:
    machine = a_machine(process=process, layer_fixed_s=seconds)
    layers = layer_count(high, layer_um=200) - layer_count(low, layer_um=200)
    difference = watt_hours(standing(high), machine) - watt_hours(standing(low), machine)
    assert difference == pytest.approx(2000 * layers * seconds / 3600, abs=1e-6)
    assert layers == pytest.approx((high - low) * 5)


@given(process=st.sampled_from(PLATE), thin=volumes, thick=volumes, quantity=st.integers(min_value=1, max_value=60))
def test_what_a_volume_draws_is_its_exposure_on_a_serial_machine(
    process: Process, thin: float, thick: float, quantity: int
) -> None:
    machine = a_machine(process=process, layer_fixed_s=9)
    difference = watt_hours(standing(50, volume_cm3=thick), machine, quantity=quantity) - watt_hours(
        standing(50, volume_cm3=thin), machine, quantity=quantity
    )
    exposure = (thick - thin) / (20 * PROCESSES[process].efficiency)
    assert difference == pytest.approx(2000 * exposure * quantity, abs=1e-6)
    assert difference * (thick - thin) >= 0


@given(process=st.sampled_from([Process.VPP, Process.EBM]), thin=volumes, thick=volumes)
def test_a_volume_draws_nothing_more_where_the_layer_carries_it(process: Process, thin: float, thick: float) -> None:
    machine = a_machine(process=process, layer_fixed_s=9, rate_cm3_per_hour=0)
    assert watt_hours(standing(50, volume_cm3=thin), machine) == watt_hours(standing(50, volume_cm3=thick), machine)
    assert watt_hours(standing(50), machine) == pytest.approx(
        2000 * (1.5 + 250 * 9 / 3600) + 1000 * PROCESSES[process].finishing_kwh_per_build
    )


def test_the_three_terms_and_the_furnace_add_up() -> None:
    machine = a_machine(process=Process.LPBF, layer_fixed_s=9)
    # 1 h of warm-up, 0.5 h of cooling, 250 layers x 9 s, 3 x 1 cm3 at 14 cm3/h: at 2 kW, and 25 kWh of stress relief.
    expected = 2000 * (1.5 + 0.625 + 3 / 14) + 25_000
    assert watt_hours(standing(50, volume_cm3=1), machine, quantity=3) == pytest.approx(expected)
    assert watt_hours(standing(50, volume_cm3=1), replace(machine, power_kw=0), quantity=3) == 25_000


# ---------------------------------------------------------------- shared over the build


@given(process=st.sampled_from(PLATE), quantity=st.integers(min_value=2, max_value=64))
def test_a_plate_is_heated_once_for_all_parts_on_it(process: Process, quantity: int) -> None:
    machine = a_machine(process=process, layer_fixed_s=9)
    part = standing(50, volume_cm3=1)
    assert quantity <= plan_build(part, machine, a_material_for(process)).parts_per_build
    one, two, many = (watt_hours(part, machine, quantity=count) for count in (1, 2, quantity))
    assert many == pytest.approx(one + (quantity - 1) * (two - one))
    assert many / quantity < one


@given(process=st.sampled_from(NESTED), cuts=st.lists(st.integers(min_value=1, max_value=500), min_size=1, max_size=6))
def test_lines_in_a_shared_build_draw_its_electricity_exactly_once(process: Process, cuts: list[int]) -> None:
    machine = a_machine(process=process, layer_fixed_s=9)
    together = watt_hours(standing(50), machine, quantity=sum(cuts))
    assert math.fsum(watt_hours(standing(50), machine, quantity=cut) for cut in cuts) == pytest.approx(together)
    full = plan_build(standing(50), machine, a_material_for(process))
    assert watt_hours(standing(50), machine, quantity=full.parts_per_build) == pytest.approx(
        1000 * full.build_kwh + 2000 * full.exposure_hours_per_part * full.parts_per_build
    )


def test_no_figure_per_kilogram_holds_for_two_parts_of_the_same_mass() -> None:
    machine = a_machine(process=Process.LPBF, layer_um=40, layer_fixed_s=9)
    flat, tall = standing(10, volume_cm3=1), standing(190, volume_cm3=1)
    assert watt_hours(tall, machine) - watt_hours(flat, machine) == pytest.approx(2000 * 4500 * 9 / 3600)
    assert watt_hours(flat, machine, quantity=60) / 60 < watt_hours(flat, machine) / 30


# ---------------------------------------------------------------- carbon, near and far


def half_a_kilo(*, grid: float) -> ProductionEstimate:
    """Return 0.5 kg of glass-filled nylon in a full jet fusion bed, in a box that it fills to 24 %."""
    material = reference_material("PA12GB-MJF")
    volume = 500 / material.density_g_per_cm3
    side = (volume / 0.24 * 1000) ** (1 / 3)
    return estimate_production(
        part=PartGeometry(box_mm=(side, side, side), volume_cm3=volume),
        machine=reference_machine("HP MJF 5200"),
        material=material,
        rates=some_rates(grid_g_co2_per_kwh=grid, first_pass_yield=0.97),
        quantity=1,
    )


def test_printing_half_a_kilo_on_the_grid_of_singapore_is_no_better_than_flying_it_there() -> None:
    # 0.5 kg over 10,500 km by long-haul flight: 0.0005 t x 10,500 km x 0.666 kg.
    flown = 0.0005 * 10_500 * 666
    material_alone = half_a_kilo(grid=0).co2_g
    singapore = half_a_kilo(grid=471).co2_g - material_alone
    assert flown == pytest.approx(3500, abs=5)
    assert singapore == pytest.approx(4012, abs=2)
    assert 0.85 < flown / singapore < 1.15


def test_printing_half_a_kilo_on_the_grid_of_norway_is_better_than_flying_it_there() -> None:
    material_alone = half_a_kilo(grid=0).co2_g
    norway, singapore = half_a_kilo(grid=30).co2_g - material_alone, half_a_kilo(grid=471).co2_g - material_alone
    assert norway == pytest.approx(256, abs=2)
    assert singapore / norway == pytest.approx(471 / 30, rel=0.01)


@given(grid=st.floats(min_value=0, max_value=2000), quantity=st.integers(min_value=1, max_value=500))
def test_carbon_is_a_straight_line_in_the_grid_with_the_material_at_its_foot(grid: float, quantity: int) -> None:
    def co2(grid_g: float) -> int:
        return estimate_production(
            part=a_part(),
            machine=a_machine(),
            material=a_material(),
            rates=some_rates(grid_g_co2_per_kwh=grid_g),
            quantity=quantity,
        ).co2_g

    # 5 kg of CO2e in a kilogram of plastic; 10.5 g of it a part.
    assert co2(0) == math.ceil(quantity * 10.5 * 5 - 1e-9)
    assert co2(grid) - co2(0) == pytest.approx((co2(2000) - co2(0)) * grid / 2000, abs=2)
