"""An order line's costs and needs as straight lines in its builds and its quantity.

The scalar estimate works from these coefficients, so that whoever evaluates them for many quantities at once comes to
the same cents and minutes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fabroute.estimation.calibration import Evidence, calibrated_yield, time_spread
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates
from fabroute.estimation.plan import BuildPlan
from fabroute.estimation.processes import PROCESSES

FINISHING_HANDS = 2
"""People who finish and inspect parts side by side (assumption): lead time only, their pay is counted in full."""

_Terms = tuple[float, float, float]
"""Once, per build and per part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCost:
    """What a line costs with the node's margin, before rounding and the minimum order, in exact minor units.

    Row ``i`` of ``quantity`` parts in ``builds`` builds (``BuildPlan.builds``) is
    ``fixed[i] + per_build[i] * builds + per_part[i] * quantity``, evaluated in this order.
    """

    codes: tuple[str, ...]
    fixed: tuple[float, ...]
    per_build: tuple[float, ...]
    per_part: tuple[float, ...]

    def rows(self, *, builds: float, quantity: int) -> list[tuple[str, float]]:
        """Return the rows of a quantity, each with its exact amount."""
        terms = zip(self.codes, self.fixed, self.per_build, self.per_part, strict=True)
        return [(code, once + build * builds + part * quantity) for code, once, build, part in terms]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNeeds:
    """What a line takes besides money: median times, electricity and material; each method for ``quantity`` parts."""

    tries: float
    """Parts made for a good one."""
    hours_per_build: float
    hours_per_part: float
    """Of exposure."""
    kwh_per_build: float
    power_kw: float
    virgin_grams_per_part: float
    hours_beside_the_machine: float
    """Cooling, curing, sintering, stress relief."""
    hand_hours_per_part: float

    def machine_hours(self, *, builds: float, quantity: int) -> float:
        """Return the machine's hours, reprints included."""
        return (builds * self.hours_per_build + quantity * self.hours_per_part) * self.tries

    def energy_wh(self, *, builds: float, quantity: int) -> float:
        """Return the electricity in Wh, reprints included."""
        kwh = builds * self.kwh_per_build + quantity * self.hours_per_part * self.power_kw
        return kwh * 1000 * self.tries

    def virgin_grams(self, *, quantity: int) -> float:
        """Return the virgin material in grams, reprints included."""
        return self.virgin_grams_per_part * quantity * self.tries

    def off_machine_hours(self, *, quantity: int) -> float:
        """Return the lead time after the build: beside the machine, then finishing and inspection by several hands."""
        by_hand = quantity * self.tries * self.hand_hours_per_part
        return self.hours_beside_the_machine + by_hand / FINISHING_HANDS


def line_cost(
    plan: BuildPlan, machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, evidence: Evidence
) -> LineCost:
    """Return what a line costs: the work on the file once, then what repeats, then failed prints and the margin.

    What the node states goes before the figures of the machine model and the material; evidence moves the machine's
    hours and the yield.
    """
    once: _Terms = (PROCESSES[machine.process].preparation_hours * rates.labour_minor_per_hour, 0.0, 0.0)
    repeating = _repeating(plan, machine, material, rates, time_spread(evidence).p50_factor)
    scrap = _share(repeating.values(), _tries(rates, evidence) - 1)
    costs = {"file_preparation": once, **repeating, "yield_loss": scrap}
    rows = {**costs, "margin": _share(costs.values(), rates.margin)}
    fixed, per_build, per_part = zip(*rows.values(), strict=True)
    return LineCost(codes=tuple(rows), fixed=fixed, per_build=per_build, per_part=per_part)


def line_needs(plan: BuildPlan, machine: MachineModelFacts, rates: NodeRates, evidence: Evidence) -> LineNeeds:
    """Return what a line takes besides money; electricity goes with the hours that the machine really runs."""
    process, factor = PROCESSES[machine.process], time_spread(evidence).p50_factor
    of_the_machine = plan.build_kwh - process.finishing_kwh_per_build
    return LineNeeds(
        tries=_tries(rates, evidence),
        hours_per_build=plan.build.machine_hours * factor,
        hours_per_part=plan.exposure_hours_per_part * factor,
        kwh_per_build=plan.build_kwh + of_the_machine * (factor - 1),
        power_kw=machine.power_kw,
        virgin_grams_per_part=plan.virgin_grams_per_part,
        hours_beside_the_machine=plan.build.cooldown_off_machine + process.finishing_hours_per_build,
        hand_hours_per_part=process.post_hours_per_part + process.inspection_hours_per_part,
    )


def _repeating(
    plan: BuildPlan, machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, factor: float
) -> dict[str, _Terms]:
    process, labour = PROCESSES[machine.process], rates.labour_minor_per_hour
    build, part = plan.build.machine_hours * factor, plan.exposure_hours_per_part * factor
    standing_by, gas = process.attendance * labour, process.gas_minor_per_hour
    rate = _stated_or(machine.rate_minor_per_hour, rates.machine_minor_per_hour)
    per_kg = _stated_or(material.price_minor_per_kg, rates.material_minor_per_kg)
    return {
        "machine": (0.0, build * rate, part * rate),
        "operator": (0.0, build * standing_by, part * standing_by),
        "setup_and_unloading": (0.0, (machine.setup_hours + machine.unload_hours) * labour, 0.0),
        "consumables_and_gas": (0.0, process.consumables_minor_per_build + build * gas, part * gas),
        "material": (0.0, 0.0, plan.virgin_grams_per_part / 1000 * per_kg),
        "post_processing": (0.0, float(process.finishing_minor_per_build), process.post_hours_per_part * labour),
        "inspection": (0.0, 0.0, process.inspection_hours_per_part * labour),
    }


def _share(rows: Iterable[_Terms], share: float) -> _Terms:
    """Return a share of the sum of rows, term by term."""
    once, build, part = (sum(terms) * share for terms in zip(*rows, strict=True))
    return once, build, part


def _stated_or(usual: int, stated: int | None) -> int:
    return usual if stated is None else stated


def _tries(rates: NodeRates, evidence: Evidence) -> float:
    return 1 / calibrated_yield(rates.first_pass_yield, evidence)
