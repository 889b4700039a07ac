"""What a part needs before rates and quantity are known."""

import pytest

from fabroute.estimation.facts import InvalidFact, Process
from fabroute.estimation.plan import plan_build
from fabroute.estimation.rotations import PartDoesNotFit
from tests.factories.estimation import a_machine, a_material, a_part


def test_a_plate_build_is_as_high_as_the_part_and_its_own() -> None:
    plan = plan_build(a_part(), a_machine(layer_fixed_s=36), a_material(support_fraction=0.5))
    # 100 layers x 36 s = 1 h; exposure 15 cm3 / (20 x 0.75) = 1 h a part; 3.5 h stand around them.
    assert (plan.shared, plan.parts_per_build, plan.standing_mm[2]) == (False, 20, 20.0)
    assert plan.build.machine_hours == pytest.approx(4.5)
    assert plan.exposure_hours_per_part == pytest.approx(1)
    assert plan.net_grams_per_part == 10
    assert plan.virgin_grams_per_part == pytest.approx(15 * 1.05)


def test_a_nested_build_is_as_high_as_the_bed_and_shared() -> None:
    machine = a_machine(process=Process.MJF, layer_fixed_s=3.6, rate_cm3_per_hour=0)
    plan = plan_build(a_part(volume_cm3=5), machine, a_material(process=Process.MJF, refresh_ratio=0.2))
    # 1,030 layers x 3.6 s = 1.03 h, and 3 h of set-up, warm-up and unloading.
    assert (plan.shared, plan.parts_per_build) == (True, 160)
    assert plan.build.machine_hours == pytest.approx(4.03)
    assert plan.exposure_hours_per_part == 0


def test_a_line_pays_for_whole_builds_of_its_own_and_for_a_share_of_shared_ones() -> None:
    own = plan_build(a_part(), a_machine(), a_material())
    shared = plan_build(
        a_part(volume_cm3=5), a_machine(process=Process.MJF), a_material(process=Process.MJF, refresh_ratio=0.2)
    )
    assert [own.builds(quantity) for quantity in (1, 20, 21, 41)] == [1, 1, 2, 3]
    assert [shared.builds(quantity) for quantity in (1, 80, 160, 400)] == [1 / 160, 0.5, 1, 2.5]
    assert [shared.build_count(quantity) for quantity in (1, 160, 161)] == [1, 1, 2]


def test_the_fullest_build_says_how_long_a_part_has_to_wait() -> None:
    own = plan_build(a_part(), a_machine(), a_material())
    assert own.hours_of_a_build(3) == pytest.approx(3.5 + 3 * 2 / 3)
    assert own.hours_of_a_build(20) == own.hours_of_a_build(50) == pytest.approx(3.5 + 20 * 2 / 3)
    sls = plan_build(
        a_part(volume_cm3=5), a_machine(process=Process.SLS), a_material(process=Process.SLS, refresh_ratio=0.2)
    )
    # A shared build is full, whoever fills it: 160 x 5 cm3 at 20 x 0.8 cm3/h.
    assert sls.hours_of_a_build(1) == pytest.approx(3 + 160 * 5 / 16)


def test_the_same_part_is_planned_once() -> None:
    first = plan_build(a_part(), a_machine(), a_material())
    assert plan_build(a_part(), a_machine(), a_material()) is first
    assert plan_build(a_part(volume_cm3=11), a_machine(), a_material()) is not first


def test_a_material_of_another_process_is_refused() -> None:
    with pytest.raises(InvalidFact, match="STUFF is a material for SLS, Model MEX prints MEX"):
        plan_build(a_part(), a_machine(), a_material(process=Process.SLS))


def test_a_part_that_does_not_fit_has_no_plan() -> None:
    with pytest.raises(PartDoesNotFit):
        plan_build(a_part(box_mm=(999.0, 30.0, 20.0)), a_machine(), a_material())
