"""Facts are checked at birth."""

from collections.abc import Callable
from dataclasses import fields, replace

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


# ---------------------------------------------------------------- absurd figures


@pytest.mark.parametrize("side", [1e9, 100_001.0])
def test_a_side_longer_than_any_printer_is_a_mistaken_unit(side: float) -> None:
    with pytest.raises(InvalidFact, match=r"a side of the box in mm is .*, more than 100,000, .*: check its unit"):
        a_part(box_mm=(side, 30.0, 20.0))
    with pytest.raises(InvalidFact, match=r"a side of the build volume in mm is .*, more than 100,000"):
        a_machine(box_mm=(200.0, 200.0, side))


def test_a_side_finer_than_any_printer_is_a_mistaken_unit() -> None:
    with pytest.raises(InvalidFact, match=r"a side of the box in mm is 0\.001, less than 0\.01, .*: check its unit"):
        a_part(box_mm=(0.001, 30.0, 20.0), volume_cm3=1e-6)
    with pytest.raises(InvalidFact, match=r"volume_cm3 is 1e-10, less than 1e-09"):
        a_part(volume_cm3=1e-10)
    assert a_part(box_mm=(0.01, 0.01, 0.01), volume_cm3=1e-9).volume_cm3 == 1e-9


@pytest.mark.parametrize("volume", [float("nan"), float("inf"), -1.0])
def test_a_volume_is_a_number(volume: float) -> None:
    with pytest.raises(InvalidFact, match="volume_cm3 must be a number above 0, not") as caught:
        a_part(volume_cm3=volume)
    assert caught.value.status == 422


def test_an_orientation_of_no_numbers_is_refused() -> None:
    with pytest.raises(InvalidFact, match="is not a rotation"):
        a_part(orientation_mm=(float("nan"), 30.0, 20.0))
    with pytest.raises(InvalidFact, match="is not a rotation"):
        a_part(orientation_mm=(40.0, 40.0, 20.0))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer_um", 100_001.0),
        ("layer_fixed_s", 86_401.0),
        ("rate_cm3_per_hour", 1_000_001.0),
        ("warmup_hours", 1001.0),
        ("cooldown_hours", 1001.0),
        ("setup_hours", 1001.0),
        ("unload_hours", 1001.0),
        ("rate_minor_per_hour", 10_000_001),
        ("power_kw", 10_001.0),
    ],
)
def test_no_machine_has_figures_beyond_all_machines(name: str, value: float) -> None:
    with pytest.raises(InvalidFact, match=rf"{name} is .*, more than .*, which nothing has: check its unit"):
        machine_with(name, value)
    with pytest.raises(InvalidFact, match=rf"{name} must be a number"):
        machine_with(name, float("nan"))


def machine_with(name: str, value: float) -> MachineModelFacts:
    figures = {field.name: getattr(a_machine(), field.name) for field in fields(MachineModelFacts)}
    return MachineModelFacts(**{**figures, name: value})


def test_a_layer_or_a_rate_next_to_nothing_is_refused() -> None:
    with pytest.raises(InvalidFact, match=r"layer_um is 0\.05, less than 0\.1"):
        a_machine(layer_um=0.05)
    with pytest.raises(InvalidFact, match=r"rate_cm3_per_hour is 1e-300, less than 0\.001"):
        a_machine(rate_cm3_per_hour=1e-300)


def test_a_machine_without_a_rate_is_refused_and_says_how_to_give_it_away() -> None:
    with pytest.raises(InvalidFact, match="Model MEX has no rate: give rate_minor_per_hour, or let a node state 0"):
        replace(a_machine(), rate_minor_per_hour=0)
    assert some_rates(machine_minor_per_hour=0).machine_minor_per_hour == 0


def test_a_material_without_a_price_is_refused_and_says_how_to_give_it_away() -> None:
    with pytest.raises(InvalidFact, match="STUFF has no price: give price_minor_per_kg, or let a node state 0"):
        replace(a_material(), price_minor_per_kg=0)
    assert some_rates(material_minor_per_kg=0).material_minor_per_kg == 0


def test_a_density_in_kg_per_cubic_metre_is_a_mistaken_unit() -> None:
    with pytest.raises(InvalidFact, match=r"density_g_per_cm3 is 1,010, more than 25, .*: check its unit"):
        replace(a_material(), density_g_per_cm3=1010)
    with pytest.raises(InvalidFact, match=r"density_g_per_cm3 is 0\.0001, less than 0\.001"):
        replace(a_material(), density_g_per_cm3=0.0001)


def test_loose_powder_is_no_denser_than_what_it_melts_to() -> None:
    assert a_material(bulk_density_g_per_cm3=1.0).bulk_density_g_per_cm3 == 1.0
    with pytest.raises(InvalidFact, match=r"bulk_density_g_per_cm3 is 1\.1, more than 1"):
        a_material(bulk_density_g_per_cm3=1.1)


def test_supports_and_prices_beyond_reason_are_refused() -> None:
    with pytest.raises(InvalidFact, match="support_fraction is 6, more than 5"):
        a_material(support_fraction=6)
    with pytest.raises(InvalidFact, match=r"price_minor_per_kg is 1e\+09, more than 1e\+08"):
        replace(a_material(), price_minor_per_kg=1_000_000_000)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("labour_minor_per_hour", 10_000_000),
        ("margin", 10),
        ("minimum_order_minor", 1_000_000_000),
        ("grid_g_co2_per_kwh", 5_000),
        ("machine_minor_per_hour", 10_000_000),
        ("material_minor_per_kg", 100_000_000),
    ],
)
def test_no_rate_is_beyond_all_rates(name: str, most: int) -> None:
    assert getattr(rates_with(name, most), name) == most
    with pytest.raises(InvalidFact, match=f"{name} is .*, more than"):
        rates_with(name, most * 2)
    with pytest.raises(InvalidFact, match=f"{name} must be a number, 0 or more, not -1"):
        rates_with(name, -1)


def rates_with(name: str, value: int) -> NodeRates:
    figures = {field.name: getattr(some_rates(), field.name) for field in fields(NodeRates)}
    return NodeRates(**{**figures, name: value})


def test_a_node_that_never_gets_a_part_right_is_refused() -> None:
    with pytest.raises(InvalidFact, match=r"first_pass_yield is 0\.0001, less than 0\.001"):
        some_rates(first_pass_yield=0.0001)
    with pytest.raises(InvalidFact, match="first_pass_yield must be a share"):
        some_rates(first_pass_yield=float("nan"))
