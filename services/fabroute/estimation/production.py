"""The estimate of an order line at a node: time, price with its rows, material, electricity and carbon."""

import math
from dataclasses import dataclass

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence, TimeSpread, time_spread
from fabroute.estimation.carbon import embodied_g_per_kg, production_co2_g
from fabroute.estimation.coefficients import LineCost, LineNeeds, line_cost, line_needs
from fabroute.estimation.facts import Box, InvalidFact, MachineModelFacts, MaterialFacts, NodeRates, PartGeometry
from fabroute.estimation.plan import BuildPlan, plan_build
from fabroute.estimation.sources import SourcedFigure, figures_used

MOST_PIECES = 100_000
"""The largest order line: beyond it, nobody prints."""
WHOLE_BUILD = 10**9
"""Room of a build: a part takes this over the number of copies that one build holds."""
_NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOpening:
    """What a line pays and takes for one build before any part is in it, and how much of that build it fills."""

    cost_minor: int
    """Set-up, warm-up, layers, unloading and consumables, with yield and margin; never what would bring the price
    under the node's minimum order. Part of ``price_minor``."""
    minutes: int
    """Part of ``machine_minutes``."""
    volume: int
    """Of ``WHOLE_BUILD``: what the parts in the last build occupy of its plate."""


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
    """What the line takes of the machine's capacity: its share of shared builds, otherwise whole builds; at least 1.

    The median (P50), as every figure here that does not say otherwise.
    """
    machine_minutes_p90: int
    """The same if the builds of the line are late together: on the safe side where they are many."""
    build_minutes: int
    """How long the fullest build keeps the machine from set-up to unloading: a part of it can't leave earlier."""
    build_minutes_p90: int
    delays_minutes: tuple[int, ...]
    """How much later than that the fullest build ends at 10, 30, 50, 70 and 90 %: each stands for a fifth of cases."""
    off_machine_minutes: int
    """Cooling, curing, sintering, stress relief, finishing and inspection after the build: lead time only."""
    material_grams: int
    """Virgin material drawn from the store, rounded up; at least 1."""
    net_grams: int
    """Mass of the good parts, as they are shipped, rounded up; at least 1."""
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
    opening: BuildOpening | None = None
    """Of the last of its builds, where other lines may share it; ``None`` where the line pays for a share already."""


def estimate_production(
    *,
    part: PartGeometry,
    machine: MachineModelFacts,
    material: MaterialFacts,
    rates: NodeRates,
    quantity: int,
    evidence: Evidence = NO_EVIDENCE,
) -> ProductionEstimate:
    """Return what ``quantity`` good parts take on a machine of a node.

    For every good part ``1 / first_pass_yield`` parts are made, as an expectation: time, material, money and carbon
    are divided by the yield, except for the work on the file. Evidence of the machine with this parameter set moves
    its hours and the yield, with what they cost and draw; without it they are what the data say. ``InvalidFact`` or
    ``PartDoesNotFit`` if there is no estimate. The same input always gives the same estimate.
    """
    require_quantity(quantity)
    plan = plan_build(part, machine, material)
    needs, costs = line_needs(plan, machine, rates, evidence), line_cost(plan, machine, material, rates, evidence)
    line = _Line(quantity=quantity, plan=plan, needs=needs, costs=costs, rates=rates)
    times = _times(line, time_spread(evidence))
    return _estimate(line, times, _footprint(line, material), figures_used(machine, material, rates, evidence))


def require_quantity(quantity: int) -> None:
    """Check how many pieces are asked for: 1 to ``MOST_PIECES``; ``InvalidFact`` otherwise."""
    if quantity < 1:
        raise InvalidFact(f"quantity must be 1 or more, not {quantity}")
    if quantity > MOST_PIECES:
        raise InvalidFact(
            f"quantity is {quantity:,}, a line holds {MOST_PIECES:,} pieces at most: ask for less, or for several lines"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line at a node: how its parts stand in builds, and what each build and each part takes."""

    quantity: int
    plan: BuildPlan
    needs: LineNeeds
    costs: LineCost
    rates: NodeRates

    def hours(self) -> float:
        return self.needs.machine_hours(builds=self.plan.builds(self.quantity), quantity=self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    machine: int
    machine_p90: int
    build: int
    delays: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Footprint:
    energy_wh: float
    virgin_grams: float
    co2_g: float


def _estimate(
    line: _Line, times: _Times, footprint: _Footprint, figures: tuple[SourcedFigure, ...]
) -> ProductionEstimate:
    plan, quantity = line.plan, line.quantity
    breakdown = _priced_rows(line.costs.rows(builds=plan.builds(quantity), quantity=quantity), line.rates)
    return ProductionEstimate(
        quantity=quantity,
        standing_mm=plan.standing_mm,
        parts_per_build=plan.parts_per_build,
        builds=plan.build_count(quantity),
        machine_minutes=times.machine,
        machine_minutes_p90=times.machine_p90,
        build_minutes=times.build,
        build_minutes_p90=times.build + times.delays[-1],
        delays_minutes=times.delays,
        off_machine_minutes=_up(line.needs.off_machine_hours(quantity=quantity) * 60),
        material_grams=max(1, _up(footprint.virgin_grams)),
        net_grams=max(1, _up(plan.net_grams_per_part * quantity)),
        breakdown=breakdown,
        price_minor=sum(row.amount_minor for row in breakdown),
        minimum_top_up_minor=breakdown[-1].amount_minor,
        energy_wh=_up(footprint.energy_wh),
        co2_g=_up(footprint.co2_g),
        figures=figures,
        opening=_opening(line, most_minor=_over_minimum(breakdown, line.rates)),
    )


def _times(line: _Line, spread: TimeSpread) -> _Times:
    """Return the minutes of the machine and of the fullest build at the median, and how much later it may end."""
    hours, fullest = line.hours(), line.plan.hours_of_a_build(line.quantity)
    build = max(1, _up(fullest * spread.p50_factor * 60))
    return _Times(
        machine=max(1, _up(hours * 60)),
        machine_p90=max(1, _up(hours * (spread.p90_factor / spread.p50_factor) * 60)),
        build=build,
        delays=tuple(max(0, _up(fullest * factor * 60) - build) for factor in spread.quantile_factors),
    )


def _footprint(line: _Line, material: MaterialFacts) -> _Footprint:
    """Return the electricity and the virgin material of the line, and the carbon of both."""
    energy_wh = line.needs.energy_wh(builds=line.plan.builds(line.quantity), quantity=line.quantity)
    virgin_grams = line.needs.virgin_grams(quantity=line.quantity)
    co2_g = production_co2_g(
        energy_wh=energy_wh,
        grid_g_per_kwh=line.rates.grid_g_co2_per_kwh,
        virgin_grams=virgin_grams,
        embodied=embodied_g_per_kg(material),
    )
    return _Footprint(energy_wh=energy_wh, virgin_grams=virgin_grams, co2_g=co2_g)


def _opening(line: _Line, *, most_minor: int) -> BuildOpening | None:
    """Return what opens the last build; rounded down, so that what stays with the line is never too little."""
    plan, needs = line.plan, line.needs
    alone = line.quantity % plan.parts_per_build
    if plan.shared or not alone:
        return None
    opening_minutes = math.floor(needs.hours_per_build * needs.tries * 60 + _NOISE)
    return BuildOpening(
        cost_minor=min(math.floor(sum(line.costs.per_build) + _NOISE), most_minor),
        minutes=min(opening_minutes, max(1, _up(line.hours() * 60)) - 1),
        volume=alone * WHOLE_BUILD // plan.parts_per_build,
    )


def _over_minimum(breakdown: tuple[BreakdownRow, ...], rates: NodeRates) -> int:
    return sum(row.amount_minor for row in breakdown) - rates.minimum_order_minor


def _priced_rows(costs: list[tuple[str, float]], rates: NodeRates) -> tuple[BreakdownRow, ...]:
    """Return the rows of the price, and what is missing to the node's minimum order."""
    rows = rounded_rows(costs)
    missing = max(0, rates.minimum_order_minor - sum(row.amount_minor for row in rows))
    return (*rows, BreakdownRow(code="minimum_order_top_up", amount_minor=missing))


def _up(value: float) -> int:
    return math.ceil(value - _NOISE)
