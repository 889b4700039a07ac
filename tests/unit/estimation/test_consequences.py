"""What follows from the formulas, for any part: quantities, shares and batches."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import PartGeometry, Process
from fabroute.estimation.production import ProductionEstimate, estimate_production
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
    one, several = estimate(part, process, full), estimate(part, process, runs * full)
    assert several.builds == runs * one.builds
    assert several.build_minutes == one.build_minutes
    assert several.machine_minutes == pytest.approx(runs * one.machine_minutes, abs=runs)


@given(part=parts, process=st.sampled_from(list(Process)), machines=st.integers(min_value=2, max_value=8))
def test_more_machines_raise_output_and_leave_the_unit_price(
    part: PartGeometry, process: Process, machines: int
) -> None:
    full = estimate(part, process, 1).parts_per_build
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
