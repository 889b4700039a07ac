"""Rows of a spare-part list as they are kept, and with what the inventory knows of the same parts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fabroute.advice.rules.screening_parts import ScreenedPart
from fabroute.inventory.service import PartView, RevisionView

_TUPLES = ("history", "box_mm", "process_materials", "required_certificates")
_METHOD = {
    "unit_price_minor": "unit_minor",
    "tooling_minor": "tooling_minor",
    "minimum_quantity": "minimum_quantity",
    "lead_days": "lead_days",
}
"""What the inventory calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPart:
    """A row of a list: the part in EUR, its name, and the currency in which its amounts were given."""

    part: ScreenedPart
    name: str = ""
    currency: str = "EUR"
    per_eur: float = 1.0


def given_document(listed: ListedPart) -> dict[str, Any]:
    """Return what is kept of a row: plain JSON."""
    given = asdict(listed.part)
    del given["part_no"]
    return given | {"name": listed.name, "currency": listed.currency, "per_eur": listed.per_eur}


def listed_part(part_no: str, given: Mapping[str, Any]) -> ScreenedPart:
    """Return the part of a row that was kept."""
    known: dict[str, Any] = {field.name: given[field.name] for field in fields(ScreenedPart) if field.name in given}
    lists: dict[str, Any] = {name: None if known[name] is None else tuple(known[name]) for name in _TUPLES}
    return ScreenedPart(part_no=part_no, **(known | lists))


def with_inventory(part: ScreenedPart, known: PartView | None) -> tuple[ScreenedPart, tuple[str, ...]]:
    """Return a part with what the inventory knows and its row leaves out, and the words that say what that was."""
    if known is None:
        return part, ()
    revision = _telling_revision(known)
    found = _of_method(part, known) | _of_demand(part, known)
    if revision is not None:
        found |= _of_revision(part, revision)
    taken = tuple(f"{name.removesuffix('_minor')}: from your inventory" for name in found if name != "has_print_file")
    return replace(part, **found), taken


def _telling_revision(known: PartView) -> RevisionView | None:
    """Return the released revision, else the last one with a size, else the last one."""
    measured = [revision for revision in known.revisions if revision.size is not None]
    last = (measured or [*known.revisions])[-1:]
    return known.released or (last[0] if last else None)


def _of_method(part: ScreenedPart, known: PartView) -> dict[str, Any]:
    stated = {name: getattr(known.conventional, other) for name, other in _METHOD.items()}
    return {name: value for name, value in stated.items() if value is not None and getattr(part, name) is None}


def _of_demand(part: ScreenedPart, known: PartView) -> dict[str, Any]:
    is_stated = part.demand is not None or part.history or part.need is not None
    return {} if is_stated or not known.annual_demand else {"demand": float(known.annual_demand)}


def _of_revision(part: ScreenedPart, revision: RevisionView) -> dict[str, Any]:
    found: dict[str, Any] = {"has_print_file": True} if revision.file_validated else {}
    size = revision.size
    if size is not None and (part.box_mm is None or (part.volume_cm3 is None and part.mass_g is None)):
        found |= {"box_mm": (size.box_x_mm, size.box_y_mm, size.box_z_mm), "volume_cm3": size.volume_cm3}
    for name in ("process_materials", "required_certificates"):
        if not getattr(part, name) and getattr(revision, name):
            found[name] = tuple(getattr(revision, name))
    return found
