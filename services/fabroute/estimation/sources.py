"""Where the figures of an estimate come from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from fabroute.estimation.carbon import embodied_g_per_kg
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts
from fabroute.estimation.processes import PROCESSES, efficiency
from fabroute.estimation.rotations import FIT_MARGIN_MM


class Mark(StrEnum):
    """How far a figure can be trusted, the best first."""

    VENDOR = "vendor"
    SECOND_HAND = "second-hand"
    MEMORY = "memory"
    ASSUMPTION = "assumption"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedFigure:
    """One constant behind an estimate: its value, its unit and how we know it."""

    code: str
    value: float
    unit: str
    mark: Mark
    source: str


_LETTERS = MappingProxyType({"V": Mark.VENDOR, "V2": Mark.SECOND_HAND, "M": Mark.MEMORY, "D": Mark.ASSUMPTION})
_RANKS = tuple(Mark)

_PROCESS_FIGURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "part_gap_mm": ("mm", "free space between parts"),
        "nesting_density": ("share of the bed", "a well nested build"),
        "preparation_hours": ("h per order line", "work on the file"),
        "attendance": ("share of machine time", "an operator stands by"),
        "consumables_minor_per_build": ("EUR cent per build", "plates, recoaters, filters, agents"),
        "gas_minor_per_hour": ("EUR cent per h", "argon, nitrogen or helium"),
        "loss_fraction": ("share of what is melted", "where the material does not say"),
        "post_hours_per_part": ("h per part", "support removal and cleaning"),
        "inspection_hours_per_part": ("h per part", "visual and dimensional check"),
        "finishing_hours_per_build": ("h per build", "curing, sintering or stress relief beside the machine"),
        "finishing_minor_per_build": ("EUR cent per build", "heat treatment and wire cutting as bought"),
        "finishing_kwh_per_build": ("kWh per build", "furnace"),
    }
)
_MACHINE_FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "layer_um": "um",
        "layer_fixed_s": "s per layer",
        "rate_cm3_per_hour": "cm3 per h",
        "warmup_hours": "h",
        "cooldown_hours": "h",
        "setup_hours": "h",
        "unload_hours": "h",
        "rate_minor_per_hour": "EUR cent per h",
        "power_kw": "kW",
    }
)
_MATERIAL_FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "density_g_per_cm3": "g per cm3",
        "bulk_density_g_per_cm3": "g per cm3",
        "price_minor_per_kg": "EUR cent per kg",
        "refresh_ratio": "share",
        "support_fraction": "share of the part's volume",
    }
)


def mark_of(source: str) -> Mark:
    """Return the weakest mark that a source text names (``V box; 6.2 s M`` is from memory); none: an assumption."""
    named = [_LETTERS[letter] for letter in re.findall(r"\b(V2|V|M|D)\b", source)]
    if "secondary" in source:
        named.append(Mark.SECOND_HAND)
    return max(named, key=_RANKS.index, default=Mark.ASSUMPTION)


@lru_cache(maxsize=1024)
def figures_used(machine: MachineModelFacts, material: MaterialFacts) -> tuple[SourcedFigure, ...]:
    """Return every constant behind an estimate on this machine with this material, with mark and source."""
    return (*_of_machine(machine), *_of_material(material), *_of_process(machine, material))


def _of_machine(machine: MachineModelFacts) -> Iterator[SourcedFigure]:
    for code, unit in _MACHINE_FIGURES.items():
        yield SourcedFigure(
            code=code,
            value=getattr(machine, code),
            unit=unit,
            mark=mark_of(machine.source),
            source=f"{machine.model}: {machine.source}",
        )


def _of_material(material: MaterialFacts) -> Iterator[SourcedFigure]:
    for code, unit in _MATERIAL_FIGURES.items():
        value = getattr(material, code)
        if value is not None:
            yield SourcedFigure(
                code=code,
                value=value,
                unit=unit,
                mark=mark_of(material.source),
                source=f"{material.code}: {material.source}",
            )


def _of_process(machine: MachineModelFacts, material: MaterialFacts) -> Iterator[SourcedFigure]:
    constants = PROCESSES[machine.process]
    yield _assumed("efficiency", efficiency(machine), "share of the volume rate", "scan vectors and travel cost time")
    yield _assumed("fit_margin_mm", FIT_MARGIN_MM, "mm", "free on each side of the build volume")
    yield _assumed("embodied_g_per_kg", embodied_g_per_kg(material), "g CO2e per kg", "virgin material")
    for field in fields(constants):
        if field.name in _PROCESS_FIGURES:
            unit, note = _PROCESS_FIGURES[field.name]
            yield _assumed(field.name, getattr(constants, field.name), unit, note)


def _assumed(code: str, value: float, unit: str, note: str) -> SourcedFigure:
    return SourcedFigure(code=code, value=value, unit=unit, mark=Mark.ASSUMPTION, source=note)
