"""What opens a build: what a line would not pay and take again for parts that come into a build that is open."""

from dataclasses import replace

import pytest

from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates, PartGeometry, Process
from fabroute.estimation.production import WHOLE_BUILD, ProductionEstimate, estimate_production

CAP = PartGeometry(box_mm=(44, 44, 36), volume_cm3=14.85)
PRINTER = MachineModelFacts(
    model="Cap printer",
    process=Process.MEX,
    box_mm=(350, 200, 300),
    layer_um=200,
    layer_fixed_s=0,
    rate_cm3_per_hour=180,
    warmup_hours=1.0,
    cooldown_hours=0.8,
    setup_hours=2.0,
    unload_hours=0.5,
    rate_minor_per_hour=1_000,
    power_kw=0.25,
)
ASA = MaterialFacts(
    code="ASA", process=Process.MEX, density_g_per_cm3=1.07, price_minor_per_kg=4_500, support_fraction=0
)
RATES = NodeRates(
    labour_minor_per_hour=0,
    margin=0,
    minimum_order_minor=0,
    first_pass_yield=1,
    grid_g_co2_per_kwh=380,
    material_minor_per_kg=0,
)


def caps(quantity: int, *, rates: NodeRates = RATES, machine: MachineModelFacts = PRINTER) -> ProductionEstimate:
    return estimate_production(part=CAP, machine=machine, material=ASA, rates=rates, quantity=quantity)


def test_the_caps_of_the_scenario_cost_1_10_each_and_45_00_to_begin_with() -> None:
    estimate = caps(4)

    assert estimate.opening is not None
    assert estimate.parts_per_build == 28
    assert (estimate.price_minor, estimate.opening.cost_minor) == (45_00 + 4 * 1_10, 45_00)
    assert estimate.opening.minutes == 258
    assert estimate.machine_minutes == 258 + 27  # 26.4, rounded up


@pytest.mark.parametrize("quantity", [1, 4, 13, 27])
def test_what_one_part_more_costs_is_what_the_opening_leaves(quantity: int) -> None:
    """The difference of two estimates, without any coefficient: only the parts."""
    estimate, one_more = caps(quantity), caps(quantity + 1)

    assert estimate.opening is not None
    assert one_more.price_minor - estimate.price_minor == 1_10
    assert estimate.price_minor - estimate.opening.cost_minor == quantity * 1_10
    assert estimate.opening.volume == quantity * WHOLE_BUILD // 28


def test_of_several_builds_the_last_is_opened_for_what_is_left_over() -> None:
    full, over = caps(28), caps(30)

    assert full.opening is None
    assert over.opening is not None
    assert over.opening.volume == 2 * WHOLE_BUILD // 28
    assert over.opening.cost_minor == 45_00
    assert over.price_minor == 2 * 45_00 + 30 * 1_10


def test_failed_prints_and_the_margin_are_in_the_opening() -> None:
    rates = replace(RATES, first_pass_yield=0.9, margin=0.25)
    estimate = caps(4, rates=rates)

    assert estimate.opening is not None
    assert estimate.opening.cost_minor == 62_50  # 45.00 / 0.9 and a quarter
    assert estimate.opening.minutes == 286  # 258 / 0.9, rounded down


@pytest.mark.parametrize(("minimum_minor", "shareable_minor"), [(0, 45_00), (4_40, 45_00), (20_00, 29_40), (60_00, 0)])
def test_what_may_be_shared_never_brings_a_price_under_the_minimum_order(
    minimum_minor: int, shareable_minor: int
) -> None:
    estimate = caps(4, rates=replace(RATES, minimum_order_minor=minimum_minor))

    assert estimate.opening is not None
    assert estimate.opening.cost_minor == shareable_minor
    assert estimate.price_minor - shareable_minor >= minimum_minor


def test_a_line_keeps_a_minute_of_its_own_where_layers_take_all_the_time() -> None:
    parallel = replace(PRINTER, process=Process.VPP, rate_cm3_per_hour=0, layer_fixed_s=10)
    resin = replace(ASA, process=Process.VPP)
    estimate = estimate_production(part=CAP, machine=parallel, material=resin, rates=RATES, quantity=4)

    assert estimate.opening is not None
    assert estimate.machine_minutes - estimate.opening.minutes == 1
    assert estimate.opening.minutes == 258 + 30 - 1  # 180 layers of 10 s


@pytest.mark.parametrize("process", [Process.SLS, Process.MJF, Process.BJT])
def test_where_parts_nest_through_the_bed_the_price_is_a_share_already(process: Process) -> None:
    nested = replace(PRINTER, process=process, layer_fixed_s=10)
    powder = replace(ASA, process=process, bulk_density_g_per_cm3=0.45, refresh_ratio=0.5)
    one = estimate_production(part=CAP, machine=nested, material=powder, rates=RATES, quantity=1)
    four = estimate_production(part=CAP, machine=nested, material=powder, rates=RATES, quantity=4)

    assert (one.opening, four.opening) == (None, None)
    assert abs(four.price_minor - 4 * one.price_minor) <= 2
