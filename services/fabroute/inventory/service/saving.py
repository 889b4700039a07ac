"""Save many parts at once, with their other numbers and places, as imports do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.inventory.repository import parts as repository
from fabroute.inventory.service.moves import Mover, Subject, audit_record
from fabroute.inventory.service.parts import (
    NewAlias,
    NewInstallation,
    NewPart,
    NumberTaken,
    alias_row,
    installation_row,
    part_row,
    taken_words,
)
from fabroute.inventory.snapshot import InstallationView, PartView
from fabroute.kernel.errors import FieldProblem

Outcome = Literal["created", "changed", "unchanged"]
_FIGURES = ("name", "sector", "criticality", "hs_code", "annual_demand", "note", "conventional")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPart:
    """A part as it is to be: other numbers and places that are ``None`` stay, those that are not named go."""

    part: NewPart
    aliases: tuple[NewAlias, ...] | None = None
    installations: tuple[NewInstallation, ...] | None = None


def save_parts(
    session: Session, *, stated: Sequence[StatedPart], held: Mapping[str, PartView], actor: str, now: datetime
) -> tuple[Outcome | NumberTaken, ...]:
    """Add and change parts of one owner, and return what became of each, in a dozen statements a thousand.

    ``held`` is what ``hold_parts`` returned for their numbers, with details. Each part is judged as the ones before
    have left the numbers: ``NumberTaken`` points to each that it can't have. Where any is refused, roll back.
    """
    numbers = _read_numbers(session, stated)
    judged = [_judged(item, held.get(item.part.part_no), numbers) for item in stated]
    plans = [item for item in judged if isinstance(item, _Plan)]
    lost = _write(session, plans, Mover(actor=actor, now=now))
    return tuple(_refused(item, lost) or item.outcome if isinstance(item, _Plan) else item for item in judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is different about one part."""

    stated: StatedPart
    known: PartView | None
    fields: tuple[str, ...]
    lost: tuple[str, ...]
    gained: tuple[NewAlias, ...]
    gone: tuple[InstallationView, ...]
    placed: tuple[NewInstallation, ...]

    @property
    def part(self) -> NewPart:
        """The part as it is to be."""
        return self.stated.part

    @property
    def outcome(self) -> Outcome:
        """What becomes of the part."""
        if self.known is None:
            return "created"
        different = self.fields or self.lost or self.gained or self.gone or self.placed
        return "changed" if different else "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Which numbers the owner's parts go by, as the parts that were judged so far leave them."""

    own: set[str]
    others: dict[str, str]
    """The part number of the part whose other number it is."""

    def refusal(self, plan: _Plan) -> NumberTaken | None:
        """Return the refusal of all numbers of a part that it can't have."""
        part_no = plan.part.part_no
        if plan.known is None and part_no in self.others:
            return _number_taken({"/part_no": part_no})
        taken = [alias.number for alias in plan.gained if self._is_taken(alias.number, part_no)]
        return _number_taken(_places(plan, taken)) if taken else None

    def take(self, plan: _Plan) -> None:
        """Note the numbers of a part that was judged well."""
        self.own.add(plan.part.part_no)
        for number in plan.lost:
            self.others.pop(number, None)
        self.others.update({alias.number: plan.part.part_no for alias in plan.gained})

    def _is_taken(self, number: str, part_no: str) -> bool:
        return number == part_no or number in self.own or self.others.get(number, part_no) != part_no


def _read_numbers(session: Session, stated: Sequence[StatedPart]) -> _Numbers:
    wanted = {alias.number for item in stated for alias in item.aliases or ()}
    if not wanted:
        return _Numbers(own=set(), others={})
    owner = stated[0].part.organisation_id
    own = repository.find_parts(session, organisation_id=owner, part_nos=wanted)
    others = repository.find_parts_by_alias(session, organisation_id=owner, numbers=wanted)
    return _Numbers(
        own={part.part_no for part in own}, others={number: part.part_no for number, part in others.items()}
    )


def _judged(stated: StatedPart, known: PartView | None, numbers: _Numbers) -> _Plan | NumberTaken:
    plan = _plan(stated, known)
    refusal = numbers.refusal(plan)
    if refusal is None:
        numbers.take(plan)
    return refusal or plan


def _plan(stated: StatedPart, known: PartView | None) -> _Plan:
    aliases = {alias.number: alias.kind for alias in known.aliases} if known else {}
    places = {(place.asset, place.position): place for place in known.installations} if known else {}
    kept = {alias.number: alias.kind for alias in stated.aliases} if stated.aliases is not None else aliases
    named = {(it.asset, it.position) for it in stated.installations} if stated.installations is not None else places
    return _Plan(
        stated=stated,
        known=known,
        fields=tuple(name for name in _FIGURES if known and getattr(stated.part, name) != getattr(known, name)),
        lost=tuple(number for number, kind in aliases.items() if kept.get(number) != kind),
        gained=tuple(alias for alias in stated.aliases or () if aliases.get(alias.number) != alias.kind),
        gone=tuple(place for key, place in places.items() if key not in named),
        placed=tuple(it for it in stated.installations or () if _is_new(it, places.get((it.asset, it.position)))),
    )


def _is_new(place: NewInstallation, there: InstallationView | None) -> bool:
    return there is None or (there.quantity, there.note) != (place.quantity, place.note)


def _write(session: Session, plans: Sequence[_Plan], by: Mover) -> frozenset[str]:
    """Do what is planned; return the other numbers that someone else has taken in the meantime."""
    if not plans:
        return frozenset()
    owner = plans[0].part.organisation_id
    rows = [part_row(plan.part) for plan in plans if plan.known is None or plan.fields]
    saved = repository.upsert_parts(session, rows)
    ids = {plan.part.part_no: plan.known.part_id for plan in plans if plan.known}
    ids |= {part_no: part.part_id for part_no, part in saved.items()}
    wanted = _write_aliases(session, owner, plans, ids)
    _write_installations(session, owner, plans, ids)
    new = {part.part_id for part in saved.values() if part.is_new}
    record_audits(session, entries=[entry for plan in plans for entry in _entries(plan, ids, new, by)])
    return wanted


def _write_aliases(session: Session, owner: str, plans: Sequence[_Plan], ids: Mapping[str, str]) -> frozenset[str]:
    repository.delete_aliases(session, organisation_id=owner, numbers=[it for plan in plans for it in plan.lost])
    rows = [alias_row(ids[plan.part.part_no], owner, alias) for plan in plans for alias in plan.gained]
    return frozenset(str(row["number"]) for row in rows) - repository.insert_aliases(session, rows)


def _write_installations(session: Session, owner: str, plans: Sequence[_Plan], ids: Mapping[str, str]) -> None:
    repository.delete_installations(session, [it.installation_id for plan in plans for it in plan.gone])
    rows = [installation_row(ids[plan.part.part_no], owner, place) for plan in plans for place in plan.placed]
    repository.upsert_installations(session, rows)


def _entries(plan: _Plan, ids: Mapping[str, str], new: set[str], by: Mover) -> Iterator[AuditRecord]:
    part = Subject(kind="part", id=ids[plan.part.part_no], organisation_id=plan.part.organisation_id)
    if part.id in new:
        yield audit_record(part, "part.registered", by=by)
    if plan.fields:
        yield audit_record(part, "part.changed", by=by, fields=" ".join(sorted(plan.fields)))
    for number in plan.lost:
        yield audit_record(part, "part.alias_removed", by=by, number=number)
    for alias in plan.gained:
        yield audit_record(part, "part.alias_added", by=by, **asdict(alias))
    for gone in plan.gone:
        yield audit_record(part, "part.removed", by=by, asset=gone.asset, position=gone.position)
    for place in plan.placed:
        where = {"asset": place.asset, "position": place.position, "quantity": str(place.quantity)}
        yield audit_record(part, "part.installed", by=by, **where)


def _refused(plan: _Plan, lost: frozenset[str]) -> NumberTaken | None:
    taken = [alias.number for alias in plan.gained if alias.number in lost]
    return _number_taken(_places(plan, taken)) if taken else None


def _places(plan: _Plan, numbers: Sequence[str]) -> dict[str, str]:
    listed = [alias.number for alias in plan.stated.aliases or ()]
    return {f"/aliases/{listed.index(number)}/number": number for number in numbers}


def _number_taken(places: Mapping[str, str]) -> NumberTaken:
    problems = tuple(FieldProblem(pointer=at, message=taken_words(number)) for at, number in places.items())
    return NumberTaken(problems[0].message, problems=problems)
