"""Where the figures of an estimate come from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from fabroute.estimation.calibration import NO_EVIDENCE, PRIOR_PRINTS, Evidence, calibrated_yield, time_spread
from fabroute.estimation.carbon import embodied_g_per_kg
from fabroute.estimation.coefficients import FINISHING_HANDS
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates
from fabroute.estimation.processes import PROCESSES, efficiency
from fabroute.estimation.rotations import FIT_MARGIN_MM


class Mark(StrEnum):
    """How far a figure can be trusted, the best first."""

    MEASURED = "measured"
    """Learnt from builds and prints of this very machine."""
    STATED = "stated"
    """By the node, of itself."""
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
_STATED_IN_PLACE: Mapping[str, str] = MappingProxyType(
    {"rate_minor_per_hour": "machine_minor_per_hour", "price_minor_per_kg": "material_minor_per_kg"}
)


def mark_of(source: str) -> Mark:
    """Return the weakest mark that a source text names (``V box; 6.2 s M`` is from memory); none: an assumption."""
    named = [_LETTERS[letter] for letter in re.findall(r"\b(V2|V|M|D)\b", source)]
    if "secondary" in source:
        named.append(Mark.SECOND_HAND)
    return max(named, key=_RANKS.index, default=Mark.ASSUMPTION)


def figures_used(
    machine: MachineModelFacts,
    material: MaterialFacts,
    rates: NodeRates | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> tuple[SourcedFigure, ...]:
    """Return every constant behind an estimate on this machine with this material, with mark and source.

    With ``rates``, what the node states of machine, material and yield is among them, in place of what would be
    assumed. Its labour, margin and minimum order are its own business and not, nor is the carbon of its grid: who
    looked that up knows where it comes from.
    """
    return (*_stated_first(_of_any_node(machine, material), rates), *_of_node(rates, evidence))


@lru_cache(maxsize=1024)
def _of_any_node(machine: MachineModelFacts, material: MaterialFacts) -> tuple[SourcedFigure, ...]:
    return (*_of_machine(machine), *_of_material(material), *_of_process(machine, material))


def _stated_first(figures: tuple[SourcedFigure, ...], rates: NodeRates | None) -> Iterator[SourcedFigure]:
    for figure in figures:
        stated = getattr(rates, _STATED_IN_PLACE.get(figure.code, ""), None)
        if stated is None:
            yield figure
        else:
            source = f"stated by the node, in place of {figure.value:g} ({figure.source})"
            yield replace(figure, value=stated, mark=Mark.STATED, source=source)


@lru_cache(maxsize=4096)
def _of_node(rates: NodeRates | None, evidence: Evidence) -> tuple[SourcedFigure, ...]:
    times = _of_times(evidence)
    return times if rates is None else (*times, _of_yield(rates.first_pass_yield, evidence))


def _of_times(evidence: Evidence) -> tuple[SourcedFigure, ...]:
    spread = time_spread(evidence)
    mark = Mark.MEASURED if evidence.builds else Mark.ASSUMPTION
    source = f"learnt from {_counted(evidence.builds, 'build')}" if evidence.builds else "before any build was timed"
    unit = "share of the estimated time"
    return (
        SourcedFigure(code="time_factor_p50", value=spread.p50_factor, unit=unit, mark=mark, source=source),
        SourcedFigure(code="time_factor_p90", value=spread.p90_factor, unit=unit, mark=mark, source=source),
    )


def _of_yield(stated: float, evidence: Evidence) -> SourcedFigure:
    prints = evidence.prints
    learnt = f"learnt from {_counted(prints, 'print')}, with the node's own {stated:g} worth {PRIOR_PRINTS}"
    return SourcedFigure(
        code="first_pass_yield",
        value=calibrated_yield(stated, evidence),
        unit="share of prints",
        mark=Mark.MEASURED if prints else Mark.STATED,
        source=learnt if prints else "stated by the node",
    )


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


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
    yield _assumed("finishing_hands", FINISHING_HANDS, "people", "finish and inspect side by side: lead time only")
    yield _assumed("embodied_g_per_kg", embodied_g_per_kg(material), "g CO2e per kg", "virgin material")
    for field in fields(constants):
        if field.name in _PROCESS_FIGURES:
            unit, note = _PROCESS_FIGURES[field.name]
            yield _assumed(field.name, getattr(constants, field.name), unit, note)


def _assumed(code: str, value: float, unit: str, note: str) -> SourcedFigure:
    return SourcedFigure(code=code, value=value, unit=unit, mark=Mark.ASSUMPTION, source=note)
