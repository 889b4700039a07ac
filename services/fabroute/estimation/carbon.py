"""Electricity and carbon of production: fixed per build, per layer and per volume, never one figure per kilogram."""

from collections.abc import Mapping
from types import MappingProxyType

from fabroute.estimation.build_time import BuildTime
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, Process
from fabroute.estimation.processes import PROCESSES

_EMBODIED_BY_PROCESS: Mapping[Process, int] = MappingProxyType(
    {
        Process.MEX: 5_000,
        Process.VPP: 6_000,
        Process.SLS: 8_000,
        Process.MJF: 8_000,
        Process.LPBF: 8_000,
        Process.EBM: 45_000,
        Process.BJT: 8_000,
    }
)
_EMBODIED_BY_MATERIAL: Mapping[str, int] = MappingProxyType(
    {
        "PLA": 2_500,
        "PETG": 3_500,
        "ULTEM-9085": 12_000,
        "ONYX": 9_000,
        "PEKK-Antero": 15_000,
        "PA11-SLS": 5_000,
        "TPU-SLS": 5_000,
        "PP-MJF": 2_500,
        "TPU-MJF": 5_000,
        "ALSI10MG": 14_000,
        "TI64": 45_000,
        "IN718": 20_000,
        "COCR": 20_000,
    }
)
"""Titanium sponge, aluminium and nickel differ too much from steel, and bio-based from other polymers."""


def embodied_g_per_kg(material: MaterialFacts) -> int:
    """Return the grams of CO2e in a kilogram of virgin material (assumption), its process's figure if none is known."""
    return _EMBODIED_BY_MATERIAL.get(material.code, _EMBODIED_BY_PROCESS[material.process])


def build_kwh(machine: MachineModelFacts, time: BuildTime) -> float:
    """Return the electricity of a build without its exposure: heating, layers, cooling on the machine, finishing."""
    hours = time.warmup + time.layers + time.cooldown
    return machine.power_kw * hours + PROCESSES[machine.process].finishing_kwh_per_build


def production_co2_g(*, energy_wh: float, grid_g_per_kwh: float, virgin_grams: float, embodied: int) -> float:
    """Return the grams of CO2e of electricity and virgin material (``embodied`` in g per kg)."""
    return energy_wh / 1000 * grid_g_per_kwh + virgin_grams / 1000 * embodied
