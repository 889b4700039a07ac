"""The table of parts: names and figures, other numbers, and where they are installed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, TableKind, collecting, judged, raise_all, within
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.imports import Outcome, PartRow
from fabroute.api.schemas.parts import new_alias, new_installation
from fabroute.inventory import service as inventory
from fabroute.inventory.service import ConventionalMethod, InstallationView, NewPart, PartView, StatedPart
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.money import minor_from_major

COLUMNS = (
    Column(name="part_no", required=True),
    Column(name="name"),
    Column(name="sector"),
    Column(name="criticality"),
    Column(name="hs_code"),
    Column(name="annual_demand", kind="whole"),
    Column(name="note"),
    Column(name="conventional_unit_eur", kind="number"),
    Column(name="conventional_tooling_eur", kind="number"),
    Column(name="conventional_minimum_quantity", kind="whole"),
    Column(name="conventional_lead_days", kind="whole"),
    Column(name="aliases", kind="texts"),
    Column(name="installations", kind="texts"),
)
_FIGURES = ("name", "sector", "criticality", "hs_code", "annual_demand", "note")
_NEEDED = ("name", "sector", "hs_code")
_STAND_INS: Mapping[str, Any] = {"name": "-", "sector": "-", "criticality": "routine", "hs_code": "0000"}
"""For what a new part's row leaves out, so that the rest of it can be judged."""
_AT, _TIMES = "@", "*"

Said = TypeVar("Said")
Piece = TypeVar("Piece")


def take_parts(session: Session, rows: Sequence[PartRow], terms: ImportTerms) -> list[Outcome | DomainError]:
    """Add the parts of a table, and change those that are there already."""
    owner = terms.caller.organisation_id
    numbers = {row.part_no for row in rows}
    held = inventory.hold_parts(session, organisation_id=owner, part_nos=numbers, details=True)
    found = judged(lambda row: _stated(row, owner, held.get(row.part_no)), rows)
    stated = [item for item in found if isinstance(item, StatedPart)]
    saved = iter(inventory.save_parts(session, stated=stated, held=held, actor=terms.caller.key_id, now=terms.now))
    return [next(saved) if isinstance(item, StatedPart) else item for item in found]


def _stated(row: PartRow, owner: str, known: PartView | None) -> StatedPart:
    """Return the part that a row states; everything that is wrong with the row in itself is raised."""
    if known is not None and known.part_no != row.part_no:
        message = f"{row.part_no} is another number of your part {known.part_no}: name it by its own one"
        raise inventory.NumberTaken(message, problems=(FieldProblem(pointer="/part_no", message=message),))
    refusals: list[DomainError] = []
    parts = list(_parts_of(row, owner, known, refusals))
    aliases = tuple(_pieces("aliases", row.aliases, new_alias, refusals))
    installations = tuple(_pieces("installations", row.installations, new_installation, refusals))
    with collecting(refusals):
        _require_different([alias.number for alias in row.aliases], "aliases")
    with collecting(refusals):
        _require_different([(it.asset, it.position) for it in row.installations], "installations")
    raise_all(refusals)
    return StatedPart(
        part=parts[0],
        aliases=aliases if "aliases" in row.model_fields_set else None,
        installations=installations if "installations" in row.model_fields_set else None,
    )


def _parts_of(row: PartRow, owner: str, known: PartView | None, refusals: list[DomainError]) -> Iterator[NewPart]:
    """Yield the part with a row's figures, and where it states none with those that it has, if that can be."""
    wanted = {name: getattr(row, name) for name in row.model_fields_set & set(_FIGURES)}
    figures = {name: value for name, value in wanted.items() if value is not None}
    base = _STAND_INS if known is None else {name: getattr(known, name) for name in _FIGURES}
    with collecting(refusals):
        _require([name for name in _NEEDED if known is None and name not in figures])
    with collecting(refusals):
        conventional = _conventional(row, ConventionalMethod() if known is None else known.conventional)
        yield NewPart(organisation_id=owner, part_no=row.part_no, conventional=conventional, **{**base, **figures})


def _conventional(row: PartRow, known: ConventionalMethod) -> ConventionalMethod:
    """Return what is known of the conventional method with what a row states; empty cells leave it as it is."""
    stated = {
        "unit_minor": _minor(row.conventional_unit_eur),
        "tooling_minor": _minor(row.conventional_tooling_eur),
        "minimum_quantity": row.conventional_minimum_quantity,
        "lead_days": row.conventional_lead_days,
    }
    return replace(known, **{name: value for name, value in stated.items() if value is not None})


def _minor(euro: float | None) -> int | None:
    return None if euro is None else minor_from_major(str(euro))


def _pieces(
    field: str, said: Sequence[Said], make: Callable[[Said], Piece], refusals: list[DomainError]
) -> Iterator[Piece]:
    for index, item in enumerate(said):
        with collecting(refusals), within(f"{field}/{index}"):
            yield make(item)


PARTS = TableKind(columns=COLUMNS, model=PartRow, key_of=lambda row: f"part {row.part_no}", take=take_parts)


def part_rows(parts: Sequence[PartView]) -> Iterator[dict[str, object]]:
    """Yield the rows of parts, as an import takes them."""
    for part in parts:
        yield {
            "part_no": part.part_no,
            **{name: getattr(part, name) for name in _FIGURES},
            "conventional_unit_eur": _euro(part.conventional.unit_minor),
            "conventional_tooling_eur": _euro(part.conventional.tooling_minor),
            "conventional_minimum_quantity": part.conventional.minimum_quantity,
            "conventional_lead_days": part.conventional.lead_days,
            "aliases": [f"{alias.kind}:{alias.number}" for alias in part.aliases],
            "installations": [_installation_cell(place) for place in part.installations],
        }


def _euro(minor: int | None) -> float | None:
    return None if minor is None else float(Decimal(minor) / 100)


def _installation_cell(place: InstallationView) -> object:
    if place.note or any(sign in place.asset + place.position for sign in (_AT, _TIMES)):
        return {"asset": place.asset, "position": place.position, "quantity": place.quantity, "note": place.note}
    times = f"{_TIMES}{place.quantity}" if place.quantity > 1 else ""
    return f"{place.asset}{_AT}{place.position}{times}"


def _require(missing: Sequence[str]) -> None:
    if missing:
        message = "is required for a new part"
        raise ValidationFailed(
            message, problems=tuple(FieldProblem(pointer=f"/{name}", message=message) for name in missing)
        )


def _require_different(values: Sequence[object], field: str) -> None:
    twice = sorted(set(range(len(values))) - {values.index(value) for value in set(values)})
    if twice:
        message = "stands there twice"
        raise ValidationFailed(
            message, problems=tuple(FieldProblem(pointer=f"/{field}/{index}", message=message) for index in twice)
        )
