"""What a revision is and may ask of the nodes that print it, and of those who inspect and pack it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fabroute.inventory.rules import words
from fabroute.inventory.rules.sizes import Size
from fabroute.kernel.errors import DomainError, FieldProblem

MEASURED_KINDS = ("length", "diameter", "radius", "position", "flatness", "roundness")
OTHER_KINDS = ("visual", "thread", "roughness", "hardness", "density", "report")
CHARACTERISTIC_KINDS = MEASURED_KINDS + OTHER_KINDS
"""What an inspection plan may list; the first ones are measured in mm and always have limits."""
LONGEST_PLAN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """Something to be inspected, with its limits where it is measured."""

    name: str
    kind: str
    nominal_mm: float | None = None
    lower_mm: float | None = None
    upper_mm: float | None = None


class InvalidRevision(DomainError):
    """Facts or requirements that no revision can have; each wrong field is named."""

    code = "invalid_revision"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """What is printed (mm, cm³), of what (``PROCESS:MATERIAL`` pairs), and what a node must prove before it may.

    Without a box and a volume the print file's count. ``InvalidRevision`` names everything that can't be.
    """

    part_id: str
    revision: str
    process_materials: tuple[str, ...]
    box_x_mm: float | None = None
    box_y_mm: float | None = None
    box_z_mm: float | None = None
    volume_cm3: float | None = None
    required_certificates: tuple[str, ...] = ()
    part_qualification: bool = False
    export_class: str = "none"
    ip_zone: str = "any"
    parameter_sets: tuple[str, ...] = ()
    qualified_orientation: str | None = None
    inspection_level: str = "visual"
    inspection_plan: tuple[Characteristic, ...] = ()
    packaging: str = "plain"
    ip_countries: tuple[str, ...] = ()
    ip_nodes: tuple[str, ...] = ()
    ip_kinds: tuple[str, ...] = ()
    ip_share_cap: float | None = None
    licence_required: bool = False
    revision_id: str | None = None

    def __post_init__(self) -> None:
        problems = tuple(requirement_problems(self))
        if problems:
            first = f"{problems[0].pointer.removeprefix('/')} {problems[0].message}"
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise InvalidRevision(f"revision {self.revision!r} can't be taken: {first}{more}", problems=problems)

    @property
    def size(self) -> Size | None:
        """The stated size."""
        x, y, z, volume = self.box_x_mm, self.box_y_mm, self.box_z_mm, self.volume_cm3
        if x is None or y is None or z is None or volume is None:
            return None
        return Size(box_x_mm=x, box_y_mm=y, box_z_mm=z, volume_cm3=volume)


def requirement_problems(facts: NewRevision) -> tuple[FieldProblem, ...]:
    """Return everything that is wrong with what is stated about a revision; empty if nothing is."""
    return (
        *words.is_text(facts.revision, pointer="/revision", longest=words.LONGEST_NUMBER),
        *_size_problems(facts),
        *words.are_process_materials(facts.process_materials, pointer="/process_materials"),
        *words.are_different(facts.process_materials, pointer="/process_materials"),
        *_names(facts.required_certificates, "/required_certificates"),
        *_names(facts.parameter_sets, "/parameter_sets"),
        *_property_problems(facts),
        *_making_problems(facts),
    )


def _size_problems(facts: NewRevision) -> Iterable[FieldProblem]:
    sizes = {name: getattr(facts, name) for name in ("box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3")}
    stated = {name: value for name, value in sizes.items() if value is not None}
    if stated and len(stated) < len(sizes):
        missing = ", ".join(name for name in sizes if name not in stated)
        yield FieldProblem(pointer="/box_x_mm", message=f"{missing} is missing: state box and volume, or neither")
    for name, value in stated.items():
        if not (math.isfinite(value) and value > 0):
            yield FieldProblem(pointer=f"/{name}", message=f"is {value:g}: box and volume must be over 0")


def _property_problems(facts: NewRevision) -> Iterable[FieldProblem]:
    yield from words.is_one_of(facts.export_class, words.EXPORT_CLASSES, pointer="/export_class")
    yield from words.is_one_of(facts.ip_zone, words.IP_ZONES, pointer="/ip_zone")
    yield from words.are_countries(facts.ip_countries, pointer="/ip_countries")
    yield from words.are_different(facts.ip_countries, pointer="/ip_countries")
    yield from _names(facts.ip_nodes, "/ip_nodes")
    yield from words.are_some_of(facts.ip_kinds, words.NODE_KINDS, pointer="/ip_kinds")
    yield from words.are_different(facts.ip_kinds, pointer="/ip_kinds")
    cap = facts.ip_share_cap
    if cap is not None and not 0 < cap <= 1:
        message = f"is {cap:g}: a share is over 0 and at most 1, e.g. 0.5 for half of the prints"
        yield FieldProblem(pointer="/ip_share_cap", message=message)


def _making_problems(facts: NewRevision) -> Iterable[FieldProblem]:
    if facts.qualified_orientation is not None:
        yield from words.is_one_of(facts.qualified_orientation, words.ORIENTATIONS, pointer="/qualified_orientation")
    yield from words.is_one_of(facts.packaging, words.PACKAGINGS, pointer="/packaging")
    yield from words.is_one_of(facts.inspection_level, words.INSPECTION_LEVELS, pointer="/inspection_level")
    plan = facts.inspection_plan
    if len(plan) > LONGEST_PLAN:
        message = f"holds {len(plan)} characteristics: {LONGEST_PLAN} are allowed"
        yield FieldProblem(pointer="/inspection_plan", message=message)
    yield from words.are_different([item.name for item in plan[:LONGEST_PLAN]], pointer="/inspection_plan")
    for index, item in enumerate(plan[:LONGEST_PLAN]):
        yield from _characteristic_problems(item, f"/inspection_plan/{index}")


def _characteristic_problems(item: Characteristic, pointer: str) -> Iterable[FieldProblem]:
    yield from words.is_text(item.name, pointer=f"{pointer}/name", longest=words.LONGEST_NAME)
    yield from words.is_one_of(item.kind, CHARACTERISTIC_KINDS, pointer=f"{pointer}/kind")
    limits = (item.lower_mm, item.nominal_mm, item.upper_mm)
    known = [limit for limit in limits if limit is not None]
    if item.kind in MEASURED_KINDS and len(known) < len(limits):
        message = f"a {item.kind} needs nominal_mm, lower_mm and upper_mm"
        yield FieldProblem(pointer=pointer, message=message)
    elif any(not math.isfinite(limit) for limit in known) or known != sorted(known):
        shown = ", ".join("none" if limit is None else f"{limit:g}" for limit in limits)
        message = f"lower, nominal and upper limit must rise in this order, not {shown}"
        yield FieldProblem(pointer=pointer, message=message)


def _names(values: Sequence[str], pointer: str) -> Iterable[FieldProblem]:
    yield from words.are_names(values, pointer=pointer)
    yield from words.are_different(values, pointer=pointer)
