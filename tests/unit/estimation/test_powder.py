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
