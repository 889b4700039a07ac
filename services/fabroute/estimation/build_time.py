"""How long one build takes: layers, exposure and what stands around them."""

import math
from dataclasses import dataclass

from fabroute.estimation.facts import MachineModelFacts
from fabroute.estimation.processes import PROCESSES, efficiency


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTime:
    """The parts of one build's time, in hours. All but ``cooldown_off_machine`` occupy the machine."""

    setup: float
    warmup: float
    layers: float
    exposure: float
    cooldown: float
    unload: float
    cooldown_off_machine: float

    @property
    def machine_hours(self) -> float:
        """Return the hours from the start of the set-up until the machine is free again."""
        return self.setup + self.warmup + self.layers + self.exposure + self.cooldown + self.unload


def layer_count(height_mm: float, *, layer_um: float) -> int:
    """Return the layers of a build: its height over the layer thickness, rounded up."""
    # A millionth of a layer is noise of the division, no further layer.
    return math.ceil(round(height_mm * 1000 / layer_um, 6))


def exposure_hours(melted_cm3: float, machine: MachineModelFacts) -> float:
    """Return the time to expose a volume (supports included): adds up on serial machines, 0 on parallel ones."""
    if machine.rate_cm3_per_hour == 0:
        return 0.0
    return melted_cm3 / (machine.rate_cm3_per_hour * efficiency(machine))


def build_time(machine: MachineModelFacts, *, height_mm: float, melted_cm3: float) -> BuildTime:
    """Return the time of a build of this height that exposes this volume, supports included.

    ``setup + warm-up + layers x layer time + exposure + cool-down + unload``; powder-bed polymer builds cool beside
    the machine. The same build takes as long the hundredth time as the first.
    """
    off_machine = PROCESSES[machine.process].cools_off_machine
    return BuildTime(
        setup=machine.setup_hours,
        warmup=machine.warmup_hours,
        layers=layer_count(height_mm, layer_um=machine.layer_um) * machine.layer_fixed_s / 3600,
        exposure=exposure_hours(melted_cm3, machine),
        cooldown=0.0 if off_machine else machine.cooldown_hours,
        unload=machine.unload_hours,
        cooldown_off_machine=machine.cooldown_hours if off_machine else 0.0,
    )
