"""The estimate of an order line, against figures worked by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.estimation.facts import InvalidFact, MachineModelFacts, Process
from fabroute.estimation.production import MOST_PIECES, ProductionEstimate, estimate_production
from fabroute.estimation.sources import figures_used
from tests.factories.estimation import a_machine, a_material, a_part, evidence_of, some_rates


def extruded(
    *,
    quantity: int = 20,
    margin: float = 0.0,
    minimum_order_minor: int = 0,
    first_pass_yield: float = 1.0,
    machine_minor_per_hour: int | None = None,
    material_minor_per_kg: int | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> ProductionEstimate:
    """Return an estimate for a plate of 20: 3.5 h around the build, 2/3 h of exposure a part."""
    return estimate_production(
        part=a_part(),
        machine=a_machine(),
        material=a_material(),
        rates=some_rates(
            margin=margin,
            minimum_order_minor=minimum_order_minor,
            first_pass_yield=first_pass_yield,
            machine_minor_per_hour=machine_minor_per_hour,
            material_minor_per_kg=material_minor_per_kg,
        ),
        quantity=quantity,
        evidence=evidence,
    )


def jetted(*, quantity: int = 16, refresh_ratio: float = 0.2, first_pass_yield: float = 1.0) -> ProductionEstimate:
    """Return an estimate for parts of which 160 fill a bed that takes 4.03 h."""
    return estimate_production(
        part=a_part(volume_cm3=5),
        machine=a_machine(process=Process.MJF, layer_fixed_s=3.6, rate_cm3_per_hour=0),
        material=a_material(process=Process.MJF, refresh_ratio=refresh_ratio),
        rates=some_rates(first_pass_yield=first_pass_yield),
        quantity=quantity,
    )


def rows(estimate: ProductionEstimate) -> dict[str, int]:
    return {row.code: row.amount_minor for row in estimate.breakdown}


# ---------------------------------------------------------------- a build of its own


def test_every_row_of_a_price_is_worked_out() -> None:
    estimate = extruded()
    assert rows(estimate) == {
        "file_preparation": 1000,  # 0.25 h at 40.00
        "machine": 16833,  # 16.8333 h at 10.00
        "operator": 1347,  # 2 % of it at 40.00
        "setup_and_unloading": 8000,  # 2 h
        "consumables_and_gas": 200,
        "material": 1050,  # 20 x 10 g and 5 % lost, at 50.00
        "post_processing": 6400,  # 20 x 0.08 h
        "inspection": 1600,  # 20 x 0.02 h
        "yield_loss": 0,
        "margin": 0,
        "minimum_order_top_up": 0,
    }
    assert estimate.price_minor == sum(rows(estimate).values()) == 36430


def test_times_and_masses_of_a_build_of_its_own() -> None:
    estimate = extruded()
    assert (estimate.parts_per_build, estimate.builds) == (20, 1)
    assert estimate.machine_minutes == estimate.build_minutes == 1010
    assert estimate.off_machine_minutes == 60  # 20 x 0.1 h by two people
    assert (estimate.material_grams, estimate.net_grams) == (210, 200)
    assert estimate.standing_mm[2] == 20.0


def test_one_part_more_than_a_build_holds_opens_the_next() -> None:
    full, more = extruded(quantity=20), extruded(quantity=21)
    assert more.builds == 2
    assert more.machine_minutes == 1010 + 210 + 40
    assert more.build_minutes == full.build_minutes
    assert rows(more)["setup_and_unloading"] == 16000


def test_electricity_and_carbon_of_a_build_of_its_own() -> None:
    estimate = extruded()
    # 2 kW for 1.5 h around the build and 13.333 h of exposure; 0.21 kg of material at 5 kg.
    assert estimate.energy_wh == 29667
    assert estimate.co2_g == 12917
    assert extruded(first_pass_yield=0.5).energy_wh == 59334


# ---------------------------------------------------------------- yield, margin, minimum order


def test_what_fails_is_paid_for_but_the_file_is_prepared_once() -> None:
    estimate = extruded(first_pass_yield=0.8)
    assert rows(estimate)["file_preparation"] == 1000
    assert rows(estimate)["yield_loss"] == 8858  # 35,430 x 0.25 = 8,857.5
    assert estimate.price_minor == 45288
    assert estimate.machine_minutes == 1263  # 1,010 / 0.8
    assert (estimate.material_grams, estimate.net_grams) == (263, 200)
    assert estimate.off_machine_minutes == 75


def test_the_margin_is_on_all_that_the_line_costs() -> None:
    estimate = extruded(first_pass_yield=0.8, margin=0.1)
    assert rows(estimate)["margin"] == 4528
    assert estimate.price_minor == 49816  # 45,287.5 x 1.1 = 49,816.25
    assert estimate.minimum_top_up_minor == 0


def test_a_small_order_is_topped_up_to_the_minimum_in_a_row_of_its_own() -> None:
    estimate = extruded(minimum_order_minor=40000)
    assert estimate.price_minor == 40000
    assert estimate.minimum_top_up_minor == rows(estimate)["minimum_order_top_up"] == 3570
    assert sum(rows(estimate).values()) == 40000
    assert extruded(minimum_order_minor=36430).minimum_top_up_minor == 0


# ---------------------------------------------------------------- a share of a shared build


def test_a_line_pays_for_the_share_of_the_bed_that_it_fills() -> None:
    estimate = jetted(quantity=16)
    # A tenth of 4.03 h at 10.00; 3 % of it and a tenth of 2 h at 40.00; 16 x 0.03 h and 16 x 0.01 h of hand work.
    assert rows(estimate) == {
        "file_preparation": 1000,
        "machine": 403,
        "operator": 48,
        "setup_and_unloading": 800,
        "consumables_and_gas": 150,
        "material": 477,
        "post_processing": 1920,
        "inspection": 640,
        "yield_loss": 0,
        "margin": 0,
        "minimum_order_top_up": 0,
    }
    assert estimate.price_minor == 5438


def test_a_share_takes_little_of_the_machine_but_waits_for_the_whole_build() -> None:
    estimate = jetted(quantity=16)
    assert (estimate.parts_per_build, estimate.builds) == (160, 1)
    assert estimate.machine_minutes == 25  # 24.18
    assert estimate.build_minutes == 242  # 241.8
    assert estimate.off_machine_minutes == 50  # 30 minutes of cooling and 16 x 2.4 minutes by two people
    assert jetted(quantity=161).builds == 2


def test_a_share_draws_the_powder_around_its_parts() -> None:
    # 8,741.816 cm3 / 160 less 5 cm3 of part leave 49.636 cm3 of powder, 24.818 g.
    thin, aged = jetted(refresh_ratio=0.2), jetted(refresh_ratio=0.5)
    assert thin.material_grams == 96  # 16 x 0.2 x 29.818 = 95.42
    assert aged.material_grams == 239  # 16 x 0.5 x 29.818 = 238.54
    assert thin.net_grams == aged.net_grams == 80


def test_even_the_smallest_share_takes_a_minute() -> None:
    tiny = estimate_production(
        part=a_part(box_mm=(5.0, 5.0, 5.0), volume_cm3=0.05),
        machine=a_machine(process=Process.MJF, layer_fixed_s=3.6),
        material=a_material(process=Process.MJF, refresh_ratio=0.2),
        rates=some_rates(),
        quantity=1,
    )
    assert tiny.machine_minutes == 1
    assert tiny.material_grams == 1


# ---------------------------------------------------------------- the median and the late cases


def test_without_evidence_one_build_in_ten_is_a_quarter_later() -> None:
    estimate = extruded()
    assert (estimate.build_minutes, estimate.build_minutes_p90) == (1010, 1263)  # 1,262.5
    assert estimate.machine_minutes_p90 == 1263
    # t(4) at 70 % over t(4) at 90 %, 0.568649 / 1.533206, of ln 1.25 is a factor of 1.086283: 1,097.1 minutes.
    assert estimate.delays_minutes == (0, 0, 0, 88, 253)


def test_builds_that_took_longer_move_the_hours_and_what_they_cost() -> None:
    before, after = extruded(), extruded(evidence=evidence_of([1.44] * 4))
    assert after.machine_minutes == after.build_minutes == 1212  # 1,010 x 1.2
    assert rows(after)["machine"] == 20200
    assert rows(after)["operator"] == 1616
    assert rows(after)["setup_and_unloading"] == rows(before)["setup_and_unloading"]
    assert after.energy_wh == 35600  # 29,666.7 x 1.2
    assert (after.material_grams, after.off_machine_minutes) == (before.material_grams, before.off_machine_minutes)


def test_failed_prints_move_what_is_made_and_paid() -> None:
    learnt = extruded(first_pass_yield=0.9, evidence=evidence_of(good=10, failed=10))
    stated = extruded(first_pass_yield=0.7)
    assert (learnt.price_minor, learnt.machine_minutes) == (stated.price_minor, stated.machine_minutes)
    assert learnt.material_grams == stated.material_grams == 300
    assert learnt.build_minutes == 1010


def test_a_stated_price_of_the_hour_is_charged() -> None:
    stated = extruded(machine_minor_per_hour=2000, material_minor_per_kg=10_000)
    assert rows(stated)["machine"] == 33667
    assert rows(stated)["material"] == 2100
    assert stated.price_minor == 54313  # 36,430 + 16,833.33 + 1,050
    assert stated.machine_minutes == extruded().machine_minutes


@given(
    quantity=st.integers(min_value=1, max_value=500),
    ratios=st.lists(st.floats(min_value=0.3, max_value=3), max_size=12),
)
def test_late_cases_rise_from_the_median_and_end_at_the_p90(quantity: int, ratios: list[float]) -> None:
    estimate = extruded(quantity=quantity, evidence=evidence_of(ratios))
    assert len(estimate.delays_minutes) == 5
    assert list(estimate.delays_minutes) == sorted(estimate.delays_minutes)
    assert estimate.delays_minutes[:3] == (0, 0, 0)
    assert estimate.build_minutes_p90 == estimate.build_minutes + estimate.delays_minutes[-1]
    assert estimate.machine_minutes_p90 > estimate.machine_minutes


@given(quantity=st.integers(min_value=1, max_value=500))
def test_without_evidence_nothing_but_the_late_cases_is_said_of_time(quantity: int) -> None:
    with_none, said = extruded(quantity=quantity), extruded(quantity=quantity, evidence=evidence_of())
    assert with_none == said
    assert with_none.build_minutes_p90 == pytest.approx(1.25 * with_none.build_minutes, abs=2)


# ---------------------------------------------------------------- beside the machine, and what is refused


def test_sintering_and_stress_relief_are_lead_time() -> None:
    sintered = estimate_production(
        part=a_part(volume_cm3=5),
        machine=a_machine(process=Process.BJT, layer_fixed_s=3.6, rate_cm3_per_hour=0),
        material=a_material(process=Process.BJT, refresh_ratio=0.02),
        rates=some_rates(),
        quantity=16,
    )
    melted = estimate_production(
        part=a_part(),
        machine=a_machine(process=Process.LPBF),
        material=a_material(process=Process.LPBF, refresh_ratio=0.05),
        rates=some_rates(),
        quantity=2,
    )
    assert sintered.off_machine_minutes == 36 * 60 + 120  # and 16 x 0.25 h by two people
    assert melted.off_machine_minutes == 8 * 60 + 36  # and 2 x 0.6 h by two people


def test_an_estimate_names_its_constants_and_repeats_exactly() -> None:
    assert extruded() == extruded()
    assert extruded().figures == figures_used(a_machine(), a_material(), some_rates())


@pytest.mark.parametrize("quantity", [0, -1, -(10**12)])
def test_nothing_can_not_be_estimated(quantity: int) -> None:
    with pytest.raises(InvalidFact, match=f"quantity must be 1 or more, not {quantity}") as caught:
        extruded(quantity=quantity)
    assert (caught.value.code, caught.value.status) == ("estimation_fact_invalid", 422)


def test_the_largest_line_is_estimated_all_the_same() -> None:
    estimate = extruded(quantity=100_000)
    assert (estimate.builds, MOST_PIECES) == (5_000, 100_000)
    assert estimate.price_minor == sum(rows(estimate).values())
    assert estimate.machine_minutes == 5_000 * 1010


@pytest.mark.parametrize("quantity", [100_001, 10**18])
def test_a_line_beyond_what_anybody_prints_is_refused_with_what_to_do(quantity: int) -> None:
    with pytest.raises(InvalidFact, match=f"quantity is {quantity:,}, a line holds 100,000 pieces at most") as caught:
        extruded(quantity=quantity)
    assert str(caught.value).endswith("ask for less, or for several lines")


def test_the_most_absurd_facts_that_pass_still_give_a_finite_estimate() -> None:
    slow = MachineModelFacts(
        model="Slowest",
        process=Process.MEX,
        box_mm=(100_000, 100_000, 100_000),
        layer_um=0.1,
        layer_fixed_s=86_400,
        rate_cm3_per_hour=0.001,
        warmup_hours=1000,
        cooldown_hours=1000,
        setup_hours=1000,
        unload_hours=1000,
        rate_minor_per_hour=10_000_000,
        power_kw=10_000,
    )
    estimate = estimate_production(
        part=a_part(box_mm=(99_000, 99_000, 99_000), volume_cm3=900_000_000_000.0),
        machine=slow,
        material=replace(a_material(support_fraction=5), density_g_per_cm3=25, price_minor_per_kg=100_000_000),
        rates=some_rates(margin=10, first_pass_yield=0.001),
        quantity=100_000,
    )
    assert estimate.price_minor == sum(rows(estimate).values())
    assert estimate.builds == 100_000
    assert estimate.machine_minutes_p90 == pytest.approx(1.25 * estimate.machine_minutes)


def test_the_smallest_facts_that_pass_still_give_an_estimate() -> None:
    estimate = estimate_production(
        part=a_part(box_mm=(0.01, 0.01, 0.01), volume_cm3=1e-9),
        machine=a_machine(process=Process.SLS, layer_fixed_s=9),
        material=a_material(process=Process.SLS, refresh_ratio=0.0),
        rates=some_rates(),
        quantity=1,
    )
    assert (estimate.machine_minutes, estimate.material_grams, estimate.net_grams) == (1, 1, 1)
    assert estimate.price_minor == 1000 + 120 + 40  # the file, and hand work of 0.03 and 0.01 h
