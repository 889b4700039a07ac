"""Facts are checked at birth."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fabroute.estimation.facts import InvalidFact, MachineModelFacts, NodeRates
from tests.factories.estimation import a_machine, a_material, a_part, some_rates


@pytest.mark.parametrize("side", [0.0, -1.0, float("nan"), float("inf")])
def test_a_box_needs_three_sides_above_zero(side: float) -> None:
    with pytest.raises(InvalidFact, match="side of the box"):
        a_part(box_mm=(side, 30.0, 20.0))
    with pytest.raises(InvalidFact, match="side of the build volume"):
        a_machine(box_mm=(200.0, side, 200.0))


def test_a_part_holds_no_more_than_its_box() -> None:
    assert a_part(box_mm=(10.0, 10.0, 10.0), volume_cm3=1.0).volume_cm3 == 1.0
    with pytest.raises(InvalidFact, match=r"more than the 1 cm3 of the bounding box: check the units"):
        a_part(box_mm=(10.0, 10.0, 10.0), volume_cm3=1.01)
    with pytest.raises(InvalidFact, match="volume_cm3 must be a number above 0"):
        a_part(volume_cm3=0)


def test_an_orientation_is_a_rotation_of_the_box() -> None:
    assert a_part(box_mm=(40.0, 30.0, 20.0), orientation_mm=(20.0, 30.0, 40.0)).orientation_mm == (20.0, 30.0, 40.0)
    with pytest.raises(InvalidFact, match="is not a rotation"):
        a_part(box_mm=(40.0, 30.0, 20.0), orientation_mm=(40.0, 30.0, 21.0))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("layer_fixed_s", lambda: replace(a_machine(), layer_fixed_s=-1)),
        ("rate_cm3_per_hour", lambda: replace(a_machine(), rate_cm3_per_hour=-1)),
        ("warmup_hours", lambda: replace(a_machine(), warmup_hours=-1)),
        ("cooldown_hours", lambda: replace(a_machine(), cooldown_hours=-1)),
        ("setup_hours", lambda: replace(a_machine(), setup_hours=-1)),
        ("unload_hours", lambda: replace(a_machine(), unload_hours=-1)),
        ("rate_minor_per_hour", lambda: replace(a_machine(), rate_minor_per_hour=-1)),
        ("power_kw", lambda: replace(a_machine(), power_kw=-1)),
    ],
)
def test_no_figure_of_a_machine_is_negative(name: str, changed: Callable[[], MachineModelFacts]) -> None:
    with pytest.raises(InvalidFact, match=f"{name} must be a number, 0 or more"):
        changed()


def test_a_machine_takes_time_by_layer_or_by_volume() -> None:
    with pytest.raises(InvalidFact, match="prints in no time"):
        a_machine(layer_fixed_s=0, rate_cm3_per_hour=0)
    with pytest.raises(InvalidFact, match="layer_um must be a number above 0"):
        a_machine(layer_um=0)
    assert a_machine(layer_fixed_s=5, rate_cm3_per_hour=0).rate_cm3_per_hour == 0


def test_a_material_has_densities_above_zero_and_shares_up_to_one() -> None:
    with pytest.raises(InvalidFact, match="density_g_per_cm3"):
        replace(a_material(), density_g_per_cm3=0)
    with pytest.raises(InvalidFact, match="bulk_density_g_per_cm3"):
        a_material(bulk_density_g_per_cm3=0)
    with pytest.raises(InvalidFact, match="refresh_ratio must be a share"):
        a_material(refresh_ratio=1.1)
    with pytest.raises(InvalidFact, match="support_fraction"):
        a_material(support_fraction=-0.1)
    with pytest.raises(InvalidFact, match="price_minor_per_kg"):
        replace(a_material(), price_minor_per_kg=-1)
    assert a_material(bulk_density_g_per_cm3=None, refresh_ratio=None).refresh_ratio is None


@pytest.mark.parametrize("first_pass_yield", [0, -0.5, 1.5])
def test_a_yield_is_a_share_above_zero(first_pass_yield: float) -> None:
    with pytest.raises(InvalidFact, match="first_pass_yield"):
        some_rates(first_pass_yield=first_pass_yield)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("labour_minor_per_hour", lambda: some_rates(labour_minor_per_hour=-1)),
        ("margin", lambda: some_rates(margin=-0.1)),
        ("minimum_order_minor", lambda: some_rates(minimum_order_minor=-1)),
        ("grid_g_co2_per_kwh", lambda: some_rates(grid_g_co2_per_kwh=-1)),
    ],
)
def test_no_rate_of_a_node_is_negative(name: str, changed: Callable[[], NodeRates]) -> None:
    with pytest.raises(InvalidFact, match=f"{name} must be a number, 0 or more"):
        changed()
