"""The estimate of an order line at a node: time, price with its rows, material, electricity and carbon."""

import math
from dataclasses import dataclass

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.estimation.carbon import embodied_g_per_kg, production_co2_g
from fabroute.estimation.facts import Box, InvalidFact, MachineModelFacts, MaterialFacts, NodeRates, PartGeometry
from fabroute.estimation.plan import BuildPlan, plan_build
from fabroute.estimation.processes import PROCESSES
from fabroute.estimation.sources import SourcedFigure, figures_used

FINISHING_HANDS = 2
"""People who finish and inspect parts side by side (assumption): lead time only, their pay is counted in full."""
_NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionEstimate:
    """What it takes to make an order line at one node. Times in minutes, masses in grams, money in EUR minor units."""

    quantity: int
    standing_mm: Box
    """The part's box as it stands in the machine, height last."""
    parts_per_build: int
    builds: int
    """Builds over which the good parts are spread; shared ones hold other orders too."""
    machine_minutes: int
    """What the line takes of the machine's capacity: its share of shared builds, otherwise whole builds; at least 1."""
    build_minutes: int
    """How long the fullest build keeps the machine from set-up to unloading: a part of it can't leave earlier."""
    off_machine_minutes: int
    """Cooling, curing, sintering, stress relief, finishing and inspection after the build: lead time only."""
    material_grams: int
    """Virgin material drawn from the store, rounded up."""
    net_grams: int
    """Mass of the good parts, as they are shipped, rounded up."""
    breakdown: tuple[BreakdownRow, ...]
    """Rows that add up to ``price_minor``, the node's margin and the top-up to its minimum order among them."""
    price_minor: int
    minimum_top_up_minor: int
    """What the minimum order adds to the price; 0 where the price reaches it."""
    energy_wh: int
    co2_g: int
    """Of electricity and virgin material; transport is not in it."""
    figures: tuple[SourcedFigure, ...]
    """Every constant behind the estimate, with its mark."""


def estimate_production(
    *, part: PartGeometry, machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, quantity: int
) -> ProductionEstimate:
    """Return what ``quantity`` good parts take on a machine of a node.

    For every good part ``1 / first_pass_yield`` parts are made, as an expectation: time, material, money and carbon
    are divided by the yield, except for the work on the file. ``InvalidFact`` or ``PartDoesNotFit`` if there is no
    estimate. The same input always gives the same estimate.
    """
    if quantity < 1:
        raise InvalidFact(f"quantity must be 1 or more, not {quantity}")
    plan = plan_build(part, machine, material)
    tries = 1 / rates.first_pass_yield
    hours = _machine_hours(plan, quantity)
    energy_wh = _kwh(plan, machine, quantity) * 1000 * tries
    virgin_grams = plan.virgin_grams_per_part * quantity * tries
    breakdown = _priced_rows(_cost_rows(plan, machine, material, rates, quantity), rates)
    co2_g = production_co2_g(
        energy_wh=energy_wh,
        grid_g_per_kwh=rates.grid_g_co2_per_kwh,
        virgin_grams=virgin_grams,
        embodied=embodied_g_per_kg(material),
    )
    return ProductionEstimate(
        quantity=quantity,
        standing_mm=plan.standing_mm,
        parts_per_build=plan.parts_per_build,
        builds=plan.build_count(quantity),
        machine_minutes=max(1, _up(hours * tries * 60)),
        build_minutes=max(1, _up(plan.hours_of_a_build(quantity) * 60)),
        off_machine_minutes=_up(_off_machine_hours(plan, machine, quantity * tries) * 60),
        material_grams=_up(virgin_grams),
        net_grams=_up(plan.net_grams_per_part * quantity),
        breakdown=breakdown,
        price_minor=sum(row.amount_minor for row in breakdown),
        minimum_top_up_minor=breakdown[-1].amount_minor,
        energy_wh=_up(energy_wh),
        co2_g=_up(co2_g),
        figures=figures_used(machine, material),
    )


def _machine_hours(plan: BuildPlan, quantity: int) -> float:
    return plan.builds(quantity) * plan.build.machine_hours + quantity * plan.exposure_hours_per_part


def _kwh(plan: BuildPlan, machine: MachineModelFacts, quantity: int) -> float:
    return plan.builds(quantity) * plan.build_kwh + quantity * plan.exposure_hours_per_part * machine.power_kw


def _off_machine_hours(plan: BuildPlan, machine: MachineModelFacts, made: float) -> float:
    process = PROCESSES[machine.process]
    by_hand = made * (process.post_hours_per_part + process.inspection_hours_per_part)
    return plan.build.cooldown_off_machine + process.finishing_hours_per_build + by_hand / FINISHING_HANDS


def _cost_rows(
    plan: BuildPlan, machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, quantity: int
) -> list[tuple[str, float]]:
    """Return what the line costs the node, in exact minor units: the work on the file, then all that repeats."""
    process = PROCESSES[machine.process]
    builds, hours, labour = plan.builds(quantity), _machine_hours(plan, quantity), rates.labour_minor_per_hour
    repeating = [
        ("machine", hours * machine.rate_minor_per_hour),
        ("operator", hours * process.attendance * labour),
        ("setup_and_unloading", builds * (machine.setup_hours + machine.unload_hours) * labour),
        ("consumables_and_gas", builds * process.consumables_minor_per_build + hours * process.gas_minor_per_hour),
        ("material", plan.virgin_grams_per_part * quantity / 1000 * material.price_minor_per_kg),
        (
            "post_processing",
            quantity * process.post_hours_per_part * labour + builds * process.finishing_minor_per_build,
        ),
        ("inspection", quantity * process.inspection_hours_per_part * labour),
    ]
    scrap = sum(amount for _, amount in repeating) * (1 / rates.first_pass_yield - 1)
    return [("file_preparation", process.preparation_hours * labour), *repeating, ("yield_loss", scrap)]


def _priced_rows(costs: list[tuple[str, float]], rates: NodeRates) -> tuple[BreakdownRow, ...]:
    """Return the rows of the price: costs, margin, and what is missing to the node's minimum order."""
    margin = sum(amount for _, amount in costs) * rates.margin
    rows = rounded_rows([*costs, ("margin", margin)])
    missing = max(0, rates.minimum_order_minor - sum(row.amount_minor for row in rows))
    return (*rows, BreakdownRow(code="minimum_order_top_up", amount_minor=missing))


def _up(value: float) -> int:
    return math.ceil(value - _NOISE)
