"""Virgin material: what became parts, what is lost, and what refreshing takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import InvalidFact, Process
from fabroute.estimation.powder import material_per_part, melted_cm3, packing_without_waste, virgin_grams
from tests.factories.estimation import a_machine, a_material, a_part

shares = st.floats(min_value=0.01, max_value=0.9)
densities = st.floats(min_value=0.2, max_value=9)


def test_a_thin_build_is_ruled_by_refreshing_and_a_dense_one_by_the_parts() -> None:
    thin = virgin_grams(part_grams=100, loss_grams=5, loose_grams=900, refresh_ratio=0.2)
    dense = virgin_grams(part_grams=100, loss_grams=5, loose_grams=300, refresh_ratio=0.2)
    assert thin == pytest.approx(200)
    assert dense == pytest.approx(105)


@pytest.mark.parametrize(
    ("refresh_ratio", "bulk_density", "part_density", "percent"), [(0.20, 0.425, 1.01, 9.5), (0.50, 0.45, 0.93, 32.6)]
)
def test_the_packing_above_which_no_powder_is_wasted(
    refresh_ratio: float, bulk_density: float, part_density: float, percent: float
) -> None:
    threshold = packing_without_waste(refresh_ratio=refresh_ratio, bulk_density=bulk_density, part_density=part_density)
    assert round(threshold * 100, 1) == percent
    assert 0 < threshold < 1


@given(refresh_ratio=shares, bulk_density=densities, heavier=st.floats(min_value=1.1, max_value=4))
def test_at_the_threshold_parts_and_refreshing_take_the_same(
    refresh_ratio: float, bulk_density: float, heavier: float
) -> None:
    part_density = bulk_density * heavier
    packing = packing_without_waste(refresh_ratio=refresh_ratio, bulk_density=bulk_density, part_density=part_density)
    part_grams, loose_grams = packing * part_density, (1 - packing) * bulk_density
    assert part_grams == pytest.approx(refresh_ratio * (part_grams + loose_grams))


@pytest.mark.parametrize(
    ("refresh_ratio", "bulk_density", "part_density", "threshold"),
    [(0.20, 0.425, 1.01, 0.095), (0.50, 0.45, 0.93, 0.326)],
)
def test_a_bed_wastes_powder_below_the_threshold_and_none_above_it(
    refresh_ratio: float, bulk_density: float, part_density: float, threshold: float
) -> None:
    def wasted(packing: float) -> float:
        """Return the virgin grams beyond the parts, of a bed of one cm3."""
        parts, loose = packing * part_density, (1 - packing) * bulk_density
        return virgin_grams(part_grams=parts, loss_grams=0, loose_grams=loose, refresh_ratio=refresh_ratio) - parts

    sparser = [wasted(threshold - 0.001 - step * threshold / 20) for step in range(19)]
    assert [wasted(threshold + 0.001 + step / 20) for step in range(12)] == [0] * 12
    assert sparser == sorted(sparser)
    assert sparser[0] == pytest.approx(wasted(threshold - 0.001), abs=1e-12)
    assert 0 < sparser[0] < sparser[-1] < refresh_ratio * bulk_density
    assert wasted(0) == pytest.approx(refresh_ratio * bulk_density)


@given(packing=st.floats(min_value=0, max_value=1), refresh_ratio=shares, part_density=densities)
def test_virgin_powder_never_falls_short_of_the_parts_or_of_the_refresh(
    packing: float, refresh_ratio: float, part_density: float
) -> None:
    parts, loose = packing * part_density, (1 - packing) * part_density / 2
    virgin = virgin_grams(part_grams=parts, loss_grams=0.01, loose_grams=loose, refresh_ratio=refresh_ratio)
    assert virgin >= parts + 0.01
    assert virgin >= refresh_ratio * (parts + loose)
    assert virgin in (parts + 0.01, refresh_ratio * (parts + loose))


def test_more_of_a_part_in_the_bed_never_draws_more_powder_each() -> None:
    machine, material = a_machine(process=Process.MJF), a_material(process=Process.MJF, refresh_ratio=0.2)
    each = [material_per_part(a_part(), machine, material, copies=copies) for copies in range(1, 200)]
    assert each == sorted(each, reverse=True)
    # 8,741.816 cm3 of bed for one copy, and 10.2 g for it alone once the bed is full.
    assert each[0] == pytest.approx(0.2 * (10 + 8731.816 * 0.5))
    assert each[-1] == pytest.approx(10.2)


@pytest.mark.parametrize("name", ["part_grams", "loss_grams", "loose_grams"])
@pytest.mark.parametrize("grams", [-1.0, float("nan"), float("inf")])
def test_masses_that_nothing_has_are_refused(name: str, grams: float) -> None:
    masses = {"part_grams": 1.0, "loss_grams": 1.0, "loose_grams": 1.0, name: grams}
    with pytest.raises(InvalidFact, match=f"{name} must be a number, 0 or more") as caught:
        virgin_grams(**masses, refresh_ratio=0.2)
    assert caught.value.status == 422


def test_a_refresh_ratio_is_a_share_and_densities_are_above_zero() -> None:
    with pytest.raises(InvalidFact, match="refresh_ratio must be a share"):
        virgin_grams(part_grams=1, loss_grams=1, loose_grams=1, refresh_ratio=1.5)
    with pytest.raises(InvalidFact, match="refresh_ratio must be a share"):
        packing_without_waste(refresh_ratio=float("nan"), bulk_density=0.4, part_density=1)
    with pytest.raises(InvalidFact, match="bulk_density must be a number above 0"):
        packing_without_waste(refresh_ratio=0.2, bulk_density=0, part_density=1)
    with pytest.raises(InvalidFact, match="part_density must be a number above 0"):
        packing_without_waste(refresh_ratio=0.2, bulk_density=0.4, part_density=0)


def test_a_nested_part_pays_for_the_powder_around_it() -> None:
    machine = a_machine(process=Process.SLS)
    # A hundredth of 8,741.816 cm3: 10 cm3 of part, 77.41816 of powder at 0.5 g; half of 48.70908 g is virgin.
    grams = material_per_part(a_part(), machine, a_material(process=Process.SLS, refresh_ratio=0.5), copies=100)
    assert grams == pytest.approx(0.5 * (10 + 38.70908))
    # Well packed, it is the part itself and 2 % losses.
    tight = material_per_part(a_part(), machine, a_material(process=Process.SLS, refresh_ratio=0.1), copies=100)
    assert tight == pytest.approx(10.2)


def test_the_bed_around_a_part_is_never_less_than_nothing() -> None:
    block = a_part(box_mm=(200.0, 200.0, 200.0), volume_cm3=8000.0)
    material = a_material(process=Process.SLS, refresh_ratio=0.9)
    assert material_per_part(block, a_machine(process=Process.SLS), material, copies=2) == pytest.approx(8160)


def test_other_processes_lose_a_share_of_what_they_melt() -> None:
    supported = a_material(support_fraction=0.2)
    metal = a_material(process=Process.LPBF, support_fraction=0.2, refresh_ratio=0.1)
    assert melted_cm3(a_part(), supported) == pytest.approx(12)
    assert material_per_part(a_part(), a_machine(), supported, copies=1) == pytest.approx(12 * 1.05)
    assert material_per_part(a_part(), a_machine(process=Process.LPBF), metal, copies=1) == pytest.approx(12 * 1.1)


def test_reused_powder_without_its_figures_is_refused() -> None:
    machine = a_machine(process=Process.MJF)
    for material in (
        a_material(process=Process.MJF, refresh_ratio=None),
        a_material(process=Process.MJF, refresh_ratio=0.2, bulk_density_g_per_cm3=None),
    ):
        with pytest.raises(InvalidFact, match="MJF reuses powder"):
            material_per_part(a_part(), machine, material, copies=1)
