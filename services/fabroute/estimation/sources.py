"""Where the figures of an estimate come from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

from fabroute.estimation.calibration import (
    MOST_LEARNT_RATIO,
    NO_EVIDENCE,
    P90_BEFORE_EVIDENCE,
    PRIOR_BUILDS,
    PRIOR_PRINTS,
    Evidence,
    calibrated_yield,
    time_spread,
)
from fabroute.estimation.carbon import embodied_g_per_kg
from fabroute.estimation.coefficients import FINISHING_HANDS
from fabroute.estimation.crossover import ADDITIVE_BELOW, CONVENTIONAL_ABOVE
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts, NodeRates, Process
from fabroute.estimation.processes import (
    MULTI_LASER_EFFICIENCY,
    MULTI_LASER_RATE_CM3_PER_HOUR,
    PROCESSES,
    ProcessConstants,
    efficiency,
)
from fabroute.estimation.rates import CAPITAL_INTEREST, CAPITAL_YEARS, MACHINE_HOURS_PER_YEAR
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
    subject: str = ""
    """The machine model, material or process that it is a figure of; empty: of every estimate, or of the node."""


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
_EFFICIENCY_NOTE = "scan vectors and travel cost time"
_OF_EVERY_ESTIMATE: tuple[tuple[str, float, str, str], ...] = (
    ("prior_builds", PRIOR_BUILDS, "builds", "what the data sheet's time is worth against timed builds"),
    ("p90_before_evidence", P90_BEFORE_EVIDENCE, "share of P50", "P90 of a build's time before any build was timed"),
    ("most_learnt_ratio", MOST_LEARNT_RATIO, "times the estimate", "as far as one timed build counts"),
    ("prior_prints", PRIOR_PRINTS, "prints", "what a node's stated yield is worth against judged prints"),
    ("multi_laser_efficiency", MULTI_LASER_EFFICIENCY, "share of the volume rate", "of machines with four lasers"),
    ("crossover_additive_below", ADDITIVE_BELOW, "share of the crossover", "print below it"),
    ("crossover_conventional_above", CONVENTIONAL_ABOVE, "share of the crossover", "make conventionally above it"),
)
_PUBLISHED_RATES = "the inputs of published machine rates, not read at their source"
_OF_KNOWN_SOURCE: tuple[tuple[str, float, str, Mark, str], ...] = (
    (
        "multi_laser_from",
        MULTI_LASER_RATE_CM3_PER_HOUR,
        "cm3 per h",
        Mark.VENDOR,
        "the lowest volume rate on data sheets of machines with four lasers",
    ),
    ("capital_interest", CAPITAL_INTEREST, "share per year", Mark.SECOND_HAND, _PUBLISHED_RATES),
    ("capital_years", CAPITAL_YEARS, "years", Mark.SECOND_HAND, _PUBLISHED_RATES),
    ("machine_hours_per_year", MACHINE_HOURS_PER_YEAR, "h per year", Mark.SECOND_HAND, _PUBLISHED_RATES),
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
    figures, of_node = _of_any_node(machine, material), _of_node(rates, evidence)
    if rates is None or (rates.machine_minor_per_hour is None and rates.material_minor_per_kg is None):
        return figures + of_node
    return (*_stated_first(figures, rates), *of_node)


@lru_cache(maxsize=1024)
def _of_any_node(machine: MachineModelFacts, material: MaterialFacts) -> tuple[SourcedFigure, ...]:
    return (*_of_machine(machine), *_of_material(material), *_of_process(machine, material))


def _stated_first(figures: tuple[SourcedFigure, ...], rates: NodeRates) -> Iterator[SourcedFigure]:
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


def all_constants(
    machines: Iterable[MachineModelFacts], materials: Iterable[MaterialFacts]
) -> tuple[SourcedFigure, ...]:
    """Return every constant that any estimate may stand on, with value, unit, mark and source.

    Those of all estimates first, then of each process, machine model and material; ``subject`` and ``code`` together
    name one. What nodes state and what was learnt is in the figures of their estimates (``figures_used``).
    """
    of_models = chain.from_iterable(_of_machine(machine) for machine in machines)
    of_materials = chain.from_iterable((*_of_material(each), _embodied(each)) for each in materials)
    of_processes = chain.from_iterable(_of_every(process) for process in Process)
    listed = (*_of_every_estimate(), *of_processes, *of_models, *of_materials)
    return tuple({(figure.subject, figure.code): figure for figure in listed}.values())


def _of_every_estimate() -> Iterator[SourcedFigure]:
    yield _fit_margin()
    yield _finishing_hands()
    for code, value, unit, note in _OF_EVERY_ESTIMATE:
        yield _assumed(code, value, unit, note)
    for code, value, unit, mark, source in _OF_KNOWN_SOURCE:
        yield SourcedFigure(code=code, value=value, unit=unit, mark=mark, source=source)


def _of_every(process: Process) -> Iterator[SourcedFigure]:
    constants = PROCESSES[process]
    yield _assumed("efficiency", constants.efficiency, "share of the volume rate", _EFFICIENCY_NOTE, process)
    yield from _of_constants(constants, process)


def _of_machine(machine: MachineModelFacts) -> Iterator[SourcedFigure]:
    mark = mark_of(machine.source)
    for code, unit in _MACHINE_FIGURES.items():
        yield SourcedFigure(
            code=code,
            value=getattr(machine, code),
            unit=unit,
            mark=mark,
            source=f"{machine.model}: {machine.source}",
            subject=machine.model,
        )


def _of_material(material: MaterialFacts) -> Iterator[SourcedFigure]:
    mark = mark_of(material.source)
    for code, unit in _MATERIAL_FIGURES.items():
        value = getattr(material, code)
        if value is not None:
            yield SourcedFigure(
                code=code,
                value=value,
                unit=unit,
                mark=mark,
                source=f"{material.code}: {material.source}",
                subject=material.code,
            )


def _of_process(machine: MachineModelFacts, material: MaterialFacts) -> Iterator[SourcedFigure]:
    process = machine.process
    yield _assumed("efficiency", efficiency(machine), "share of the volume rate", _EFFICIENCY_NOTE, process)
    yield _fit_margin()
    yield _finishing_hands()
    yield _embodied(material)
    yield from _of_constants(PROCESSES[process], process)


def _of_constants(constants: ProcessConstants, process: Process) -> Iterator[SourcedFigure]:
    for code, (unit, note) in _PROCESS_FIGURES.items():
        yield _assumed(code, getattr(constants, code), unit, note, process)


def _fit_margin() -> SourcedFigure:
    return _assumed("fit_margin_mm", FIT_MARGIN_MM, "mm", "free on each side of the build volume")


def _finishing_hands() -> SourcedFigure:
    return _assumed("finishing_hands", FINISHING_HANDS, "people", "finish and inspect side by side: lead time only")


def _embodied(material: MaterialFacts) -> SourcedFigure:
    return _assumed("embodied_g_per_kg", embodied_g_per_kg(material), "g CO2e per kg", "virgin material", material.code)


def _assumed(code: str, value: float, unit: str, note: str, subject: str = "") -> SourcedFigure:
    return SourcedFigure(code=code, value=value, unit=unit, mark=Mark.ASSUMPTION, source=note, subject=str(subject))
