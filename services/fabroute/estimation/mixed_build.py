"""One build with parts of several kinds: what it fills, how long it takes, what it draws and what it costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from fabroute.estimation.breakdown import BreakdownRow, rounded_rows
from fabroute.estimation.build_time import build_time
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence, time_spread
from fabroute.estimation.facts import (
    InvalidFact,
    MachineModelFacts,
    MaterialFacts,
    NodeRates,
    PartGeometry,
    require_not_negative,
)
from fabroute.estimation.plan import plan_build
from fabroute.estimation.powder import melted_cm3
from fabroute.estimation.processes import PROCESSES

_NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """So many copies of one part."""

    part: PartGeometry
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidFact(f"a build holds 1 copy of a part or more, not {self.count}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedBuild:
    """A build as it is planned."""

    fills: tuple[Fraction, ...]
    """What each part's copies take of the bed: a copy counts one over the number that fill it."""
    height_mm: float
    """Of its tallest part; nested parts reach as high as they fill the bed."""
    printed_cm3: float
    """What it exposes, supports included."""
    machine_minutes: int
    """From the start of the set-up until the machine is free again: the median."""
    grams: tuple[int, ...]
    """What each part's copies draw from the store, rounded up."""

    @property
    def fill(self) -> Fraction:
        """What all of it takes of the bed: over 1 there is no such build."""
        return sum(self.fills, Fraction(0))


def copies_per_build(part: PartGeometry, machine: MachineModelFacts, material: MaterialFacts) -> int:
    """Return how many copies of a part one build holds; ``PartDoesNotFit`` or ``InvalidFact`` if it can't be built."""
    return plan_build(part, machine, material).parts_per_build


def mixed_build(
    copies: Sequence[Copies],
    machine: MachineModelFacts,
    material: MaterialFacts,
    *,
    evidence: Evidence = NO_EVIDENCE,
) -> MixedBuild:
    """Return what a build of these parts takes; ``PartDoesNotFit`` or ``InvalidFact`` if one of them can't be built.

    Time as everywhere: set-up, warm-up, layers, exposure, cool-down, unloading; evidence of the machine moves it.
    """
    plans = [plan_build(each.part, machine, material) for each in copies]
    fills = tuple(Fraction(each.count, plan.parts_per_build) for each, plan in zip(copies, plans, strict=True))
    tallest = max(plan.standing_mm[2] for plan in plans)
    nested = PROCESSES[machine.process].nested
    height = max(tallest, float(min(1, sum(fills))) * machine.box_mm[2]) if nested else tallest
    exposed = sum(each.count * melted_cm3(each.part, material) for each in copies)
    hours = build_time(machine, height_mm=height, melted_cm3=exposed).machine_hours * time_spread(evidence).p50_factor
    drawn = (each.count * plan.virgin_grams_per_part for each, plan in zip(copies, plans, strict=True))
    return MixedBuild(
        fills=fills,
        height_mm=height,
        printed_cm3=exposed,
        machine_minutes=max(1, _up(hours * 60)),
        grams=tuple(max(1, _up(grams)) for grams in drawn),
    )


def cost_of_build(
    machine: MachineModelFacts, material: MaterialFacts, rates: NodeRates, *, machine_minutes: int, grams: int
) -> tuple[BreakdownRow, ...]:
    """Return what a build cost its maker, in minor units, from the minutes and grams that it really took.

    The rows are those of an estimate's build, without margin: machine, attendance, set-up and unloading, consumables
    and gas, material, and finishing that is bought by the build. Work by hand on single parts is not in it.
    ``InvalidFact`` for less than no time or material.
    """
    require_not_negative("machine_minutes", machine_minutes)
    require_not_negative("grams", grams)
    process, labour, hours = PROCESSES[machine.process], rates.labour_minor_per_hour, machine_minutes / 60
    stated, per_kg = rates.machine_minor_per_hour, rates.material_minor_per_kg
    rows = {
        "machine": hours * (machine.rate_minor_per_hour if stated is None else stated),
        "operator": hours * process.attendance * labour,
        "setup_and_unloading": (machine.setup_hours + machine.unload_hours) * labour,
        "consumables_and_gas": process.consumables_minor_per_build + hours * process.gas_minor_per_hour,
        "material": grams / 1000 * (material.price_minor_per_kg if per_kg is None else per_kg),
        "post_processing": float(process.finishing_minor_per_build),
    }
    return rounded_rows(rows.items())


def _up(value: float) -> int:
    return math.ceil(value - _NOISE)
