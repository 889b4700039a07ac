"""A build of several parts: what it fills, takes and costs, beside estimates of one part and sums by hand."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fabroute.estimation.calibration import time_spread
from fabroute.estimation.facts import InvalidFact, MachineModelFacts, MaterialFacts, NodeRates, PartGeometry, Process
from fabroute.estimation.mixed_build import Copies, copies_per_build, cost_of_build, mixed_build
from fabroute.estimation.plan import plan_build
from fabroute.estimation.processes import PROCESSES
from fabroute.estimation.production import estimate_production
from fabroute.estimation.rotations import PartDoesNotFit
from fabroute.network.service import machine_facts, material_facts
from tests.factories.estimation import evidence_of, reference_machine, reference_material, reference_part
from tests.factories.spares import ASA, CAP_CM3, CAP_MINUTES, CAP_MM, CAP_PRINTER, OPENING_MINUTES

PRINTER, PLASTIC = machine_facts(CAP_PRINTER), material_facts(ASA)
CAP = PartGeometry(box_mm=CAP_MM, volume_cm3=CAP_CM3)
FREE_HANDS = NodeRates(
    labour_minor_per_hour=0,
    margin=0,
    minimum_order_minor=0,
    first_pass_yield=1,
    grid_g_co2_per_kwh=0,
    material_minor_per_kg=0,
)


def caps(count: int) -> Copies:
    return Copies(part=CAP, count=count)


@pytest.mark.parametrize(("count", "fill"), [(1, Fraction(1, 28)), (28, Fraction(1)), (42, Fraction(3, 2))])
def test_a_copy_takes_one_over_those_that_fill_the_bed(count: int, fill: Fraction) -> None:
    build = mixed_build([caps(count)], PRINTER, PLASTIC)

    assert build.fill == fill
    assert build.machine_minutes == round(OPENING_MINUTES + count * CAP_MINUTES + 0.4999)
    assert build.height_mm == CAP_MM[2]
    assert copies_per_build(CAP, PRINTER, PLASTIC) == 28


@pytest.mark.parametrize("counts", [(28,), (4,) * 7, (1, 20, 7)])
def test_the_same_caps_take_the_same_however_many_orders_they_are_of(counts: tuple[int, ...]) -> None:
    build = mixed_build([caps(count) for count in counts], PRINTER, PLASTIC)

    assert (build.fill, build.machine_minutes) == (Fraction(1), 443)
    assert build.fills == tuple(Fraction(count, 28) for count in counts)
    assert build.printed_cm3 == pytest.approx(28 * CAP_CM3)
    assert sum(build.grams) == pytest.approx(28 * CAP_CM3 * 1.07 * 1.05, abs=len(counts))


def test_a_plate_is_as_high_as_its_tallest_part() -> None:
    tall = PartGeometry(box_mm=(44.0, 44.0, 100.0), volume_cm3=20, orientation_mm=(44.0, 44.0, 100.0))
    layered = replace(PRINTER, layer_fixed_s=9.0)

    low = mixed_build([caps(4)], layered, PLASTIC)
    mixed = mixed_build([caps(4), Copies(part=tall, count=1)], layered, PLASTIC)

    assert (low.height_mm, mixed.height_mm) == (36, 100)
    # 500 layers instead of 180, 9 s each; 20 cm3 at 135 cm3/h.
    assert mixed.machine_minutes - low.machine_minutes == pytest.approx(320 * 9 / 60 + 20 / 135 * 60, abs=1)


def test_a_nested_build_is_as_high_as_it_is_filled() -> None:
    machine, powder, part = reference_machine("EOS P 396"), reference_material("PA12-SLS"), reference_part("RL-0001")
    most = copies_per_build(part, machine, powder)
    half = mixed_build([Copies(part=part, count=most // 2)], machine, powder)
    one = mixed_build([Copies(part=part, count=1)], machine, powder)

    assert half.height_mm == pytest.approx(machine.box_mm[2] / 2, rel=0.01)
    assert one.height_mm == min(plan_build(part, machine, powder).standing_mm[2], machine.box_mm[2])
    assert one.machine_minutes < half.machine_minutes


def test_what_a_machine_has_taught_moves_its_builds() -> None:
    taught = evidence_of([1.3] * 10)
    build = mixed_build([caps(28)], PRINTER, PLASTIC, evidence=taught)

    assert build.machine_minutes == pytest.approx(442.8 * time_spread(taught).p50_factor, abs=1)
    assert build.machine_minutes > 500


def test_s2_costs_what_its_estimate_says() -> None:
    """7.38 hours at 10.00 and 2.00 of consumables: 75.80."""
    estimate = estimate_production(part=CAP, machine=PRINTER, material=PLASTIC, rates=FREE_HANDS, quantity=28)
    rows = cost_of_build(PRINTER, PLASTIC, FREE_HANDS, machine_minutes=443, grams=467)

    assert estimate.price_minor == 75_80
    assert sum(row.amount_minor for row in rows) == 75_83 == round(443 / 60 * 10_00 + 2_00)
    assert {row.code: row.amount_minor for row in rows if row.amount_minor} == {
        "machine": 73_83,
        "consumables_and_gas": 2_00,
    }


def test_every_row_is_what_its_hours_and_grams_come_to() -> None:
    machine, powder = a_metal_bench()
    rates = replace(FREE_HANDS, labour_minor_per_hour=60_00, material_minor_per_kg=None, machine_minor_per_hour=90_00)
    rows = {
        row.code: row.amount_minor for row in cost_of_build(machine, powder, rates, machine_minutes=600, grams=1_500)
    }

    assert rows["machine"] == 10 * 90_00
    assert rows["material"] == pytest.approx(1.5 * powder.price_minor_per_kg, abs=1)
    assert rows["setup_and_unloading"] == pytest.approx((machine.setup_hours + machine.unload_hours) * 60_00, abs=1)
    process = PROCESSES[machine.process]
    assert rows["operator"] == pytest.approx(10 * process.attendance * 60_00, abs=1)
    assert rows["post_processing"] == process.finishing_minor_per_build


def a_metal_bench() -> tuple[MachineModelFacts, MaterialFacts]:
    machine = reference_machine("EOS M 290")
    assert machine.process is Process.LPBF
    return machine, reference_material("316L")


@pytest.mark.parametrize(("minutes", "grams"), [(-1, 0), (0, -1)])
def test_no_build_takes_less_than_nothing(minutes: int, grams: int) -> None:
    with pytest.raises(InvalidFact, match="0 or more"):
        cost_of_build(PRINTER, PLASTIC, FREE_HANDS, machine_minutes=minutes, grams=grams)


def test_parts_that_can_not_be_built_are_refused() -> None:
    with pytest.raises(PartDoesNotFit):
        mixed_build([Copies(part=PartGeometry(box_mm=(900, 20, 20), volume_cm3=10), count=1)], PRINTER, PLASTIC)
    with pytest.raises(InvalidFact, match="1 copy of a part or more"):
        caps(0)
