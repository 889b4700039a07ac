"""Costs and needs as straight lines: the same cents and minutes as the estimate."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.breakdown import rounded_rows
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence, time_spread
from fabroute.estimation.coefficients import LineCost, LineNeeds, line_cost, line_needs
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates, Process
from fabroute.estimation.plan import BuildPlan, plan_build
from fabroute.estimation.production import ProductionEstimate, estimate_production
from tests.factories.estimation import a_machine, a_material, a_part, evidence_of, some_rates

processes = st.sampled_from(list(Process))
quantities = st.integers(min_value=1, max_value=100_000)
evidences = st.builds(
    lambda ratios, good, failed: evidence_of(ratios, good=good, failed=failed),
    st.lists(st.floats(min_value=0.5, max_value=2), max_size=5),
    st.integers(min_value=0, max_value=200),
    st.integers(min_value=0, max_value=20),
)
rates = st.builds(
    some_rates,
    labour_minor_per_hour=st.integers(min_value=0, max_value=9000),
    margin=st.floats(min_value=0, max_value=1),
    minimum_order_minor=st.integers(min_value=0, max_value=20_000),
    first_pass_yield=st.floats(min_value=0.5, max_value=1),
    machine_minor_per_hour=st.none() | st.integers(min_value=0, max_value=20_000),
    material_minor_per_kg=st.none() | st.integers(min_value=0, max_value=50_000),
)


def machine_for(process: Process) -> MachineModelFacts:
    return a_machine(process=process, layer_fixed_s=9)


def material_for(process: Process) -> MaterialFacts:
    return a_material(process=process, refresh_ratio=0.2, support_fraction=0.1)


def planned(process: Process) -> BuildPlan:
    return plan_build(a_part(), machine_for(process), material_for(process))


def cost(process: Process, node: NodeRates, evidence: Evidence = NO_EVIDENCE) -> LineCost:
    return line_cost(planned(process), machine_for(process), material_for(process), node, evidence)


def needs(process: Process, node: NodeRates, evidence: Evidence = NO_EVIDENCE) -> LineNeeds:
    return line_needs(planned(process), machine_for(process), node, evidence)


def estimate(process: Process, node: NodeRates, quantity: int, evidence: Evidence = NO_EVIDENCE) -> ProductionEstimate:
    return estimate_production(
        part=a_part(),
        machine=machine_for(process),
        material=material_for(process),
        rates=node,
        quantity=quantity,
        evidence=evidence,
    )


def row(lines: LineCost, code: str) -> tuple[float, float, float]:
    """Return what a row costs once, per build and per part."""
    index = lines.codes.index(code)
    return lines.fixed[index], lines.per_build[index], lines.per_part[index]


def up(value: float) -> int:
    return math.ceil(value - 1e-9)


# ---------------------------------------------------------------- worked by hand


def test_every_row_of_an_extruded_line_has_its_coefficients() -> None:
    lines = line_cost(
        plan_build(a_part(), a_machine(), a_material()),
        a_machine(),
        a_material(),
        some_rates(margin=0.1, first_pass_yield=0.8),
        NO_EVIDENCE,
    )
    # 3.5 h around a build and 2/3 h of exposure a part at 10.00; 2 % of them, 2 h and the hand work at 40.00.
    repeating = {
        "machine": (0, 3500, 2000 / 3),
        "operator": (0, 280, 160 / 3),
        "setup_and_unloading": (0, 8000, 0),
        "consumables_and_gas": (0, 200, 0),
        "material": (0, 0, 52.5),
        "post_processing": (0, 0, 320),
        "inspection": (0, 0, 80),
    }
    assert {code: row(lines, code) for code in repeating} == {
        code: pytest.approx(terms) for code, terms in repeating.items()
    }
    assert row(lines, "file_preparation") == (1000, 0, 0)
    assert row(lines, "yield_loss") == pytest.approx((0, 11_980 / 4, 1172.5 / 4))
    assert row(lines, "margin") == pytest.approx((100, 1497.5, 146.5625))
    assert lines.codes == ("file_preparation", *repeating, "yield_loss", "margin")


def test_needs_of_an_extruded_line_have_their_coefficients() -> None:
    extruded = line_needs(
        plan_build(a_part(), a_machine(), a_material()), a_machine(), some_rates(first_pass_yield=0.8), NO_EVIDENCE
    )
    assert extruded.tries == 1.25
    assert (extruded.hours_per_build, extruded.hours_per_part) == pytest.approx((3.5, 2 / 3))
    assert (extruded.kwh_per_build, extruded.power_kw) == (3.0, 2)
    assert extruded.machine_hours(builds=1, quantity=20) == pytest.approx(1.25 * (3.5 + 40 / 3))
    assert extruded.energy_wh(builds=1, quantity=20) == pytest.approx(1.25 * (3000 + 80_000 / 3))
    assert extruded.virgin_grams(quantity=20) == pytest.approx(262.5)
    assert extruded.off_machine_hours(quantity=20) == pytest.approx(1.25)


# ---------------------------------------------------------------- the same as the estimate


@given(process=processes, quantity=quantities, node=rates, evidence=evidences)
def test_coefficients_give_the_cents_of_the_estimate(
    process: Process, quantity: int, node: NodeRates, evidence: Evidence
) -> None:
    found, lines = estimate(process, node, quantity, evidence), cost(process, node, evidence)
    builds = planned(process).builds(quantity)
    exact = [
        (code, lines.fixed[i] + lines.per_build[i] * builds + lines.per_part[i] * quantity)
        for i, code in enumerate(lines.codes)
    ]
    assert rounded_rows(exact) == found.breakdown[:-1]
    assert lines.rows(builds=builds, quantity=quantity) == exact
    assert found.price_minor == max(node.minimum_order_minor, sum(each.amount_minor for each in rounded_rows(exact)))


@given(process=processes, quantity=quantities, node=rates, evidence=evidences)
def test_needs_give_the_minutes_and_grams_of_the_estimate(
    process: Process, quantity: int, node: NodeRates, evidence: Evidence
) -> None:
    found, line = estimate(process, node, quantity, evidence), needs(process, node, evidence)
    builds = planned(process).builds(quantity)
    assert found.machine_minutes == max(1, up(line.machine_hours(builds=builds, quantity=quantity) * 60))
    assert found.off_machine_minutes == up(line.off_machine_hours(quantity=quantity) * 60)
    assert found.material_grams == up(line.virgin_grams(quantity=quantity))
    assert found.energy_wh == up(line.energy_wh(builds=builds, quantity=quantity))


# ---------------------------------------------------------------- evidence and stated rates


@given(process=processes, ratios=st.lists(st.floats(min_value=0.5, max_value=2), min_size=1, max_size=9))
def test_learnt_times_scale_what_the_machine_s_hours_cost_and_nothing_else(
    process: Process, ratios: list[float]
) -> None:
    factor = time_spread(evidence_of(ratios)).p50_factor
    before, after = cost(process, some_rates()), cost(process, some_rates(), evidence_of(ratios))
    for code in ("machine", "operator"):
        assert row(after, code) == pytest.approx([factor * each for each in row(before, code)])
    for code in ("file_preparation", "setup_and_unloading", "material", "post_processing", "inspection"):
        assert row(after, code) == row(before, code)


def test_electricity_goes_with_the_hours_and_the_furnace_does_not() -> None:
    evidence = evidence_of([1.44] * 4)
    before, after = needs(Process.LPBF, some_rates()), needs(Process.LPBF, some_rates(), evidence)
    assert after.kwh_per_build - 25 == pytest.approx(1.2 * (before.kwh_per_build - 25))
    assert after.hours_per_part == pytest.approx(1.2 * before.hours_per_part)
    assert after.hours_beside_the_machine == before.hours_beside_the_machine == 8


def test_gas_goes_with_the_hours_and_plates_do_not() -> None:
    before = row(cost(Process.LPBF, some_rates()), "consumables_and_gas")
    after = row(cost(Process.LPBF, some_rates(), evidence_of([1.44] * 4)), "consumables_and_gas")
    assert after[1] - 4000 == pytest.approx(1.2 * (before[1] - 4000))
    assert after[2] == pytest.approx(1.2 * before[2])


def test_a_stated_machine_hour_and_kilogram_go_before_the_usual_ones() -> None:
    usual = cost(Process.SLS, some_rates())
    stated = cost(Process.SLS, some_rates(machine_minor_per_hour=2500, material_minor_per_kg=10_000))
    assert row(stated, "machine") == pytest.approx([2.5 * each for each in row(usual, "machine")])
    assert row(stated, "material") == pytest.approx([2 * each for each in row(usual, "material")])
    assert row(stated, "operator") == row(usual, "operator")


def test_a_stated_price_of_nothing_is_a_price() -> None:
    free = cost(Process.MEX, some_rates(machine_minor_per_hour=0, material_minor_per_kg=0))
    assert row(free, "machine") == row(free, "material") == (0, 0, 0)
    assert row(free, "operator") == row(cost(Process.MEX, some_rates()), "operator")


def test_learnt_prints_move_the_tries_and_the_yield_loss() -> None:
    learnt = evidence_of(good=10, failed=10)
    assert needs(Process.MEX, some_rates(first_pass_yield=0.9), learnt).tries == pytest.approx(1 / 0.7)
    lost = row(cost(Process.MEX, some_rates(first_pass_yield=0.9), learnt), "yield_loss")
    assert lost == pytest.approx(row(cost(Process.MEX, some_rates(first_pass_yield=0.7)), "yield_loss"))
