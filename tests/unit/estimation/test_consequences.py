"""What follows from the formulas, for any part: quantities, shares and batches."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import PartGeometry, Process
from fabroute.estimation.plan import plan_build
from fabroute.estimation.production import MOST_PIECES, ProductionEstimate, estimate_production
from tests.factories.estimation import a_machine, a_material, some_rates

NESTED = [Process.SLS, Process.MJF, Process.BJT]
PLATE = [Process.MEX, Process.VPP, Process.LPBF, Process.EBM]

sides = st.integers(min_value=5, max_value=120).map(float)
parts = st.builds(
    lambda box, fill: PartGeometry(box_mm=box, volume_cm3=math.prod(box) / 1000 * fill),
    st.tuples(sides, sides, sides),
    st.floats(min_value=0.05, max_value=0.8),
)
hand_sized = parts.filter(lambda part: min(part.box_mm) >= 25)
quantities = st.integers(min_value=1, max_value=2000)
yields = st.floats(min_value=0.85, max_value=1)


def estimate(
    part: PartGeometry, process: Process, quantity: int, *, first_pass_yield: float = 1.0, minimum_order_minor: int = 0
) -> ProductionEstimate:
    return estimate_production(
        part=part,
        machine=a_machine(process=process, layer_fixed_s=9),
        material=a_material(process=process, refresh_ratio=0.2),
        rates=some_rates(margin=0.2, first_pass_yield=first_pass_yield, minimum_order_minor=minimum_order_minor),
        quantity=quantity,
    )


def repeating(found: ProductionEstimate) -> float:
    """Return the price of a part without the work on the file, which is done once."""
    file = next(row.amount_minor for row in found.breakdown if row.code == "file_preparation")
    return (found.price_minor - 1.2 * file) / found.quantity


@given(part=parts, process=st.sampled_from(NESTED), quantity=quantities, more=quantities, first_pass_yield=yields)
def test_in_shared_builds_the_unit_price_never_rises_with_quantity(
    part: PartGeometry, process: Process, quantity: int, more: int, first_pass_yield: float
) -> None:
    few = estimate(part, process, quantity, first_pass_yield=first_pass_yield, minimum_order_minor=5000)
    many = estimate(part, process, quantity + more, first_pass_yield=first_pass_yield, minimum_order_minor=5000)
    # Half a cent of rounding on either price is all that may be between them.
    assert many.price_minor - 0.5 <= (few.price_minor + 0.5) / quantity * (quantity + more) + 1e-6
    assert many.price_minor >= few.price_minor


@given(part=parts, process=st.sampled_from(PLATE))
def test_on_a_machine_of_its_own_a_line_jumps_in_price_at_each_new_build(part: PartGeometry, process: Process) -> None:
    full = estimate(part, process, 1).parts_per_build
    filled, opened = estimate(part, process, full), estimate(part, process, full + 1)
    assert (filled.builds, opened.builds) == (1, 2)
    assert opened.machine_minutes - filled.machine_minutes >= 180  # set-up, warm-up and unloading once more
    assert full == 1 or repeating(opened) > repeating(filled)


@given(part=hand_sized, process=st.sampled_from(list(Process)), first_pass_yield=yields)
def test_ten_thousand_parts_cost_what_a_full_build_costs(
    part: PartGeometry, process: Process, first_pass_yield: float
) -> None:
    full = estimate(part, process, 1).parts_per_build
    one_build = estimate(part, process, full, first_pass_yield=first_pass_yield)
    volume = estimate(part, process, 10_000, first_pass_yield=first_pass_yield)
    assert repeating(volume) == pytest.approx(repeating(one_build), rel=0.02, abs=2)


@given(part=parts, process=st.sampled_from(list(Process)), runs=st.integers(min_value=1, max_value=50))
def test_full_builds_repeat_and_take_as_long_each(part: PartGeometry, process: Process, runs: int) -> None:
    full = estimate(part, process, 1).parts_per_build
    runs = min(runs, MOST_PIECES // full)
    one, several = estimate(part, process, full), estimate(part, process, runs * full)
    assert several.builds == runs * one.builds
    assert several.build_minutes == one.build_minutes
    assert several.machine_minutes == pytest.approx(runs * one.machine_minutes, abs=runs)


@given(part=parts, process=st.sampled_from(list(Process)), machines=st.integers(min_value=2, max_value=8))
def test_more_machines_raise_output_and_leave_the_unit_price(
    part: PartGeometry, process: Process, machines: int
) -> None:
    full = estimate(part, process, 1).parts_per_build
    machines = min(machines, MOST_PIECES // full)
    side_by_side = [repeating(estimate(part, process, full)) for _ in range(machines)]
    one_after_the_other = repeating(estimate(part, process, machines * full))
    assert sum(side_by_side) / machines == pytest.approx(one_after_the_other, abs=2)


@given(part=parts, process=st.sampled_from(NESTED), cuts=st.lists(quantities, min_size=1, max_size=8))
def test_lines_that_share_a_build_pay_for_it_exactly_once(
    part: PartGeometry, process: Process, cuts: list[int]
) -> None:
    together = estimate(part, process, sum(cuts))
    apart = [estimate(part, process, quantity) for quantity in cuts]
    assert sum(line.quantity * repeating(line) for line in apart) == pytest.approx(
        together.quantity * repeating(together), abs=len(cuts) + 1
    )
    assert sum(line.machine_minutes for line in apart) == pytest.approx(together.machine_minutes, abs=len(cuts))


@given(part=parts, process=st.sampled_from(list(Process)), quantity=quantities, first_pass_yield=yields)
def test_every_estimate_adds_up_and_is_whole(
    part: PartGeometry, process: Process, quantity: int, first_pass_yield: float
) -> None:
    found = estimate(part, process, quantity, first_pass_yield=first_pass_yield)
    assert sum(row.amount_minor for row in found.breakdown) == found.price_minor
    assert all(row.amount_minor >= 0 for row in found.breakdown)
    assert found.builds == math.ceil(quantity / found.parts_per_build)
    assert found.machine_minutes >= 1
    assert found.material_grams >= found.net_grams


@given(part=parts, process=st.sampled_from(PLATE), builds=st.integers(min_value=1, max_value=12))
def test_on_a_machine_of_its_own_the_unit_price_is_a_saw_tooth(
    part: PartGeometry, process: Process, builds: int
) -> None:
    full = estimate(part, process, 1).parts_per_build
    opened, middle, filled, next_opened = (
        estimate(part, process, quantity)
        for quantity in (
            (builds - 1) * full + 1,
            (builds - 1) * full + (full + 1) // 2,
            builds * full,
            builds * full + 1,
        )
    )
    assert repeating(opened) + 0.01 >= repeating(middle) - 0.01 >= repeating(filled) - 0.02
    assert [opened.builds, middle.builds, filled.builds, next_opened.builds] == [builds, builds, builds, builds + 1]
    # The tooth is the fixed part of one more build, less what the average already carried of it.
    jump = repeating(next_opened) - repeating(filled)
    assert jump * (builds * full + 1) == pytest.approx(fixed_part(part, process) * (1 - 1 / full), abs=2 * builds + 4)


def fixed_part(part: PartGeometry, process: Process) -> float:
    """Return what opening a build costs before a part is in it, from two quantities of the first build."""
    full = estimate(part, process, 1).parts_per_build
    if full == 1:
        return 0.0
    one, many = estimate(part, process, 1), estimate(part, process, full)
    per_part = (many.price_minor - one.price_minor) / (full - 1)
    return one.price_minor - per_part - 1.2 * one.breakdown[0].amount_minor


@given(part=parts, quantity=quantities, more=quantities)
def test_more_parts_in_a_resin_vat_take_no_more_time(part: PartGeometry, quantity: int, more: int) -> None:
    few, many = vat(part, quantity), vat(part, quantity + more)
    assert few.build_minutes == many.build_minutes
    assert few.machine_minutes * many.builds == pytest.approx(many.machine_minutes * few.builds, abs=2 * many.builds)


def vat(part: PartGeometry, quantity: int) -> ProductionEstimate:
    """Return parts on a machine whose projector exposes a whole layer at once."""
    return estimate_production(
        part=part,
        machine=a_machine(process=Process.VPP, layer_fixed_s=5, rate_cm3_per_hour=0),
        material=a_material(process=Process.VPP),
        rates=some_rates(),
        quantity=quantity,
    )


@given(part=parts, other=parts, quantity=quantities)
def test_a_jet_fusion_bed_takes_as_long_whatever_it_holds(
    part: PartGeometry, other: PartGeometry, quantity: int
) -> None:
    first, second = jetted(part, quantity), jetted(other, 1)
    # 1,030 layers of 200 um x 9 s, and 3 h of set-up, warm-up and unloading.
    assert first.build_minutes == second.build_minutes == math.ceil((1030 * 9 / 3600 + 3) * 60)
    assert first.machine_minutes == max(1, math.ceil(334.5 * quantity / first.parts_per_build - 1e-9))


def jetted(part: PartGeometry, quantity: int) -> ProductionEstimate:
    return estimate_production(
        part=part,
        machine=a_machine(process=Process.MJF, layer_fixed_s=9, rate_cm3_per_hour=0),
        material=a_material(process=Process.MJF, refresh_ratio=0.2),
        rates=some_rates(),
        quantity=quantity,
    )


@given(height=st.integers(min_value=1, max_value=95).map(float), process=st.sampled_from(PLATE))
def test_a_part_of_twice_the_height_takes_twice_the_layers_on_the_plate(height: float, process: Process) -> None:
    def layers_hours(height_mm: float) -> float:
        box = (10.0, 10.0, height_mm)
        part = PartGeometry(box_mm=box, volume_cm3=0.05, orientation_mm=box)
        plan = plan_build(part, a_machine(process=process, layer_fixed_s=9), a_material(process=process))
        assert plan.standing_mm == box
        return plan.build.layers

    assert layers_hours(2 * height) == pytest.approx(2 * layers_hours(height))
    assert layers_hours(height) == pytest.approx(height * 5 * 9 / 3600)


def test_run_n_takes_and_costs_what_run_one_did_whatever_ran_between() -> None:
    part = PartGeometry(box_mm=(40.0, 30.0, 20.0), volume_cm3=10)
    first = estimate(part, Process.LPBF, 7)
    between = [estimate(part, process, quantity) for process in Process for quantity in range(1, 60)]
    assert estimate(part, Process.LPBF, 7) == first
    assert {found.quantity for found in between} == set(range(1, 60))
