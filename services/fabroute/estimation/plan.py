"""What a part needs on a machine in a material, before any node's rates: the same for every node and quantity."""

from dataclasses import dataclass
from functools import lru_cache

from fabroute.estimation.build_time import BuildTime, build_time, exposure_hours
from fabroute.estimation.carbon import build_kwh
from fabroute.estimation.facts import Box, InvalidFact, MachineModelFacts, MaterialFacts, PartGeometry
from fabroute.estimation.packing import pack
from fabroute.estimation.powder import material_per_part, melted_cm3
from fabroute.estimation.processes import PROCESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """A build of one part: how many copies, what the build takes by itself, and what each part adds."""

    standing_mm: Box
    shared: bool
    """Whether the build is filled up with other orders, so that a line pays for its share of it only."""
    parts_per_build: int
    build: BuildTime
    """Of the build without any exposure."""
    build_kwh: float
    exposure_hours_per_part: float
    virgin_grams_per_part: float
    net_grams_per_part: float
    """The finished part's own mass."""

    def builds(self, quantity: int) -> float:
        """Return the builds that ``quantity`` parts pay for: a share of a shared one, otherwise whole ones."""
        if self.shared:
            return quantity / self.parts_per_build
        return float(self.build_count(quantity))

    def build_count(self, quantity: int) -> int:
        """Return the whole builds over which ``quantity`` parts are spread."""
        return -(-quantity // self.parts_per_build)

    def hours_of_a_build(self, quantity: int) -> float:
        """Return how long the fullest of the builds of ``quantity`` parts keeps the machine."""
        parts = self.parts_per_build if self.shared else min(quantity, self.parts_per_build)
        return self.build.machine_hours + parts * self.exposure_hours_per_part


@lru_cache(maxsize=4096)
def plan_build(part: PartGeometry, machine: MachineModelFacts, material: MaterialFacts) -> BuildPlan:
    """Return how a part is built; ``PartDoesNotFit`` or ``InvalidFact`` if it can't be.

    A shared (nested) build is as high as the bed. One copy counts as the share of the bed that it occupies when the
    bed is filled with copies of it: so n lines with the same part in one build pay for that build exactly once.
    """
    if material.process is not machine.process:
        raise InvalidFact(
            f"{material.code} is a material for {material.process}, {machine.model} prints {machine.process}"
        )
    packing = pack(part, machine)
    shared = PROCESSES[machine.process].nested
    height_mm = machine.box_mm[2] if shared else packing.standing_mm[2]
    build = build_time(machine, height_mm=height_mm, melted_cm3=0)
    return BuildPlan(
        standing_mm=packing.standing_mm,
        shared=shared,
        parts_per_build=packing.copies,
        build=build,
        build_kwh=build_kwh(machine, build),
        exposure_hours_per_part=exposure_hours(melted_cm3(part, material), machine),
        virgin_grams_per_part=material_per_part(part, machine, material, copies=packing.copies),
        net_grams_per_part=part.volume_cm3 * material.density_g_per_cm3,
    )
