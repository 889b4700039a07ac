"""The table of parts: names and figures, other numbers, and where they are installed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, TableKind, collecting, raise_all, within
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.imports import Outcome, PartRow
from fabroute.api.schemas.parts import InstallationIn, new_alias, new_installation
from fabroute.inventory import service as inventory
from fabroute.inventory.service import InstallationView, NewAlias, NewInstallation, NewPart, PartView
from fabroute.kernel.errors import DomainError, FieldProblem

COLUMNS = (
    Column(name="part_no", required=True),
    Column(name="name"),
    Column(name="sector"),
    Column(name="criticality"),
    Column(name="hs_code"),
    Column(name="annual_demand", kind="whole"),
    Column(name="note"),
    Column(name="aliases", kind="texts"),
    Column(name="installations", kind="texts"),
)
_FIGURES = ("name", "sector", "criticality", "hs_code", "annual_demand", "note")
_NEEDED = ("name", "sector", "hs_code")
_STAND_INS: Mapping[str, Any] = {"name": "-", "sector": "-", "criticality": "routine", "hs_code": "0000"}
"""For what a new part's row leaves out, so that the rest of it can be judged."""
_AT, _TIMES = "@", "*"


class PartTaker:
    """Adds the parts of a table, and changes those that are there already."""

    def __init__(self, session: Session, rows: Sequence[PartRow], terms: ImportTerms) -> None:
        self._session = session
        self._owner = terms.caller.organisation_id
        self._actor = terms.caller.key_id
        self._now = terms.now
        self._known = inventory.find_parts(
            session, organisation_id=self._owner, part_nos={row.part_no for row in rows}, details=True
        )

    def take(self, row: PartRow) -> Outcome:
        """Add or change one part."""
        known = self._known.get(row.part_no)
        if known is not None and known.part_no != row.part_no:
            message = f"{row.part_no} is another number of your part {known.part_no}: name it by its own one"
            raise inventory.NumberTaken(message, problems=(FieldProblem(pointer="/part_no", message=message),))
        wanted = {name: getattr(row, name) for name in row.model_fields_set & set(_FIGURES)}
        figures = {name: value for name, value in wanted.items() if value is not None}
        self._check(row, figures, known)
        if known is None:
            self._add(row.part_no, figures)
        changes = [
            known is not None and self._change(known, figures),
            self._set_aliases(row, known),
            self._set_installations(row, known),
        ]
        if known is None:
            return "created"
        return "changed" if any(changes) else "unchanged"

    def _check(self, row: PartRow, figures: Mapping[str, Any], known: PartView | None) -> None:
        """Raise everything that is wrong with a row in itself."""
        refusals: list[DomainError] = []
        with collecting(refusals):
            _require([name for name in _NEEDED if known is None and name not in figures])
        base = _STAND_INS if known is None else {name: getattr(known, name) for name in _FIGURES}
        with collecting(refusals):
            NewPart(organisation_id=self._owner, part_no=row.part_no, **{**base, **figures})
        for index, alias in enumerate(row.aliases):
            with collecting(refusals), within(f"aliases/{index}"):
                new_alias(alias)
        for index, place in enumerate(row.installations):
            with collecting(refusals), within(f"installations/{index}"):
                new_installation(place)
        with collecting(refusals):
            _require_different([alias.number for alias in row.aliases], "aliases")
        with collecting(refusals):
            _require_different([_place(it) for it in row.installations], "installations")
        raise_all(refusals)

    def _add(self, part_no: str, figures: Mapping[str, Any]) -> None:
        facts = {"criticality": "routine"} | dict(figures)
        part = NewPart(organisation_id=self._owner, part_no=part_no, **facts)
        inventory.register_part(self._session, part=part, actor=self._actor, now=self._now)

    def _change(self, known: PartView, figures: Mapping[str, Any]) -> bool:
        different = {name: value for name, value in figures.items() if value != getattr(known, name)}
        if different:
            change = inventory.PartChange(expected_version=known.version, **different)
            inventory.change_part(
                self._session,
                organisation_id=self._owner,
                part_no=known.part_no,
                change=change,
                actor=self._actor,
                now=self._now,
            )
        return bool(different)

    def _set_aliases(self, row: PartRow, known: PartView | None) -> bool:
        if "aliases" not in row.model_fields_set:
            return False
        held = {alias.number: alias.kind for alias in known.aliases} if known else {}
        wanted = {alias.number: alias.kind for alias in row.aliases}
        for number in (number for number, kind in held.items() if wanted.get(number) != kind):
            inventory.remove_alias(
                self._session,
                organisation_id=self._owner,
                part_no=row.part_no,
                number=number,
                actor=self._actor,
                now=self._now,
            )
        refusals: list[DomainError] = []
        for index, alias in enumerate(row.aliases):
            if held.get(alias.number) != alias.kind:
                with collecting(refusals), within(f"aliases/{index}"):
                    self._add_alias(row.part_no, new_alias(alias))
        raise_all(refusals)
        return held != wanted

    def _add_alias(self, part_no: str, alias: NewAlias) -> None:
        inventory.add_alias(
            self._session,
            organisation_id=self._owner,
            part_no=part_no,
            alias=alias,
            actor=self._actor,
            now=self._now,
        )

    def _set_installations(self, row: PartRow, known: PartView | None) -> bool:
        if "installations" not in row.model_fields_set:
            return False
        held = {_place(it): it for it in known.installations} if known else {}
        gone = [it for place, it in held.items() if place not in {_place(new) for new in row.installations}]
        for installation in gone:
            self._remove_installation(row.part_no, installation)
        changed = bool(gone)
        for item in row.installations:
            there = held.get(_place(item))
            if there is None or (there.quantity, there.note) != (item.quantity, item.note):
                changed = True
                self._install(row.part_no, new_installation(item))
        return changed

    def _install(self, part_no: str, installation: NewInstallation) -> None:
        inventory.install_part(
            self._session,
            organisation_id=self._owner,
            part_no=part_no,
            installation=installation,
            actor=self._actor,
            now=self._now,
        )

    def _remove_installation(self, part_no: str, installation: InstallationView) -> None:
        inventory.remove_installation(
            self._session,
            organisation_id=self._owner,
            part_no=part_no,
            installation_id=installation.installation_id,
            actor=self._actor,
            now=self._now,
        )


PARTS = TableKind(columns=COLUMNS, model=PartRow, key_of=lambda row: f"part {row.part_no}", taker=PartTaker)


def part_rows(parts: Sequence[PartView]) -> Iterator[dict[str, object]]:
    """Yield the rows of parts, as an import takes them."""
    for part in parts:
        yield {
            "part_no": part.part_no,
            **{name: getattr(part, name) for name in _FIGURES},
            "aliases": [f"{alias.kind}:{alias.number}" for alias in part.aliases],
            "installations": [_installation_cell(place) for place in part.installations],
        }


def _installation_cell(place: InstallationView) -> object:
    if place.note or any(sign in place.asset + place.position for sign in (_AT, _TIMES)):
        return {"asset": place.asset, "position": place.position, "quantity": place.quantity, "note": place.note}
    times = f"{_TIMES}{place.quantity}" if place.quantity > 1 else ""
    return f"{place.asset}{_AT}{place.position}{times}"


def _place(item: InstallationView | InstallationIn) -> str:
    return f"{item.asset}{_AT}{item.position}"


def _require(missing: Sequence[str]) -> None:
    if missing:
        message = "is required for a new part"
        raise ValidationFailed(
            message, problems=tuple(FieldProblem(pointer=f"/{name}", message=message) for name in missing)
        )


def _require_different(values: Sequence[str], field: str) -> None:
    twice = [index for index, value in enumerate(values) if value in values[:index]]
    if twice:
        message = "stands there twice"
        raise ValidationFailed(
            message, problems=tuple(FieldProblem(pointer=f"/{field}/{index}", message=message) for index in twice)
        )
