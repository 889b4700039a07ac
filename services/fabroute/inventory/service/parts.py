"""Parts: registered, changed, found by their own number, another one, a word, or where they are installed."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.inventory.models import Part
from fabroute.inventory.repository import parts
from fabroute.inventory.repository.parts import PartFilter
from fabroute.inventory.rules import words
from fabroute.inventory.rules.conventional import (
    NOTHING_KNOWN,
    ConventionalMethod,
    conventional_columns,
    conventional_method,
    is_conventional_method,
)
from fabroute.inventory.service.moves import SYSTEM, Mover, Subject, UnknownPart, audit, require_version
from fabroute.inventory.snapshot import InstallationView, PartView, installation_view, part_conventional, part_views
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id


class InvalidPart(DomainError):
    """Facts that no part can have; each wrong field is named."""

    code = "invalid_part"
    status = 422


class PartExists(DomainError):
    """The owner has a part of that number already."""

    code = "part_exists"
    status = 409


class NumberTaken(DomainError):
    """Another part of the owner goes by that number."""

    code = "number_taken"
    status = 409


class UnknownAlias(DomainError):
    """The part has no such other number."""

    code = "unknown_alias"
    status = 404


class UnknownInstallation(DomainError):
    """The part is not installed there."""

    code = "unknown_installation"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """A spare part of an owner; ``criticality`` is the usual one of its orders. ``InvalidPart`` for what can't be."""

    organisation_id: str
    part_no: str
    name: str
    sector: str
    criticality: str
    hs_code: str
    annual_demand: int = 0
    note: str = ""
    conventional: ConventionalMethod = NOTHING_KNOWN
    part_id: str | None = None

    def __post_init__(self) -> None:
        problems = (
            *words.is_text(self.part_no, pointer="/part_no", longest=words.LONGEST_NUMBER),
            *words.is_text(self.name, pointer="/name", longest=words.LONGEST_NAME),
            *words.is_text(self.sector, pointer="/sector", longest=words.LONGEST_NUMBER),
            *words.is_one_of(self.criticality, words.CRITICALITIES, pointer="/criticality"),
            *words.is_hs_code(self.hs_code, pointer="/hs_code"),
            *words.is_text(self.note, pointer="/note", longest=words.LONGEST_NOTE, empty=True),
            *words.is_count(self.annual_demand, pointer="/annual_demand", least=0),
            *is_conventional_method(self.conventional, pointer="/conventional"),
        )
        _require_none(problems, what=f"part {self.part_no!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """New values for a part, ``None`` for those that stay; ``expected_version`` is what the caller has seen."""

    expected_version: int
    name: str | None = None
    sector: str | None = None
    criticality: str | None = None
    hs_code: str | None = None
    annual_demand: int | None = None
    note: str | None = None
    conventional: ConventionalMethod | None = None
    """Taken as a whole: what it leaves out is unknown from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlias:
    """Another number of a part: ``old``, ``supplier``, ``manufacturer`` or ``gtin``."""

    kind: str
    number: str

    def __post_init__(self) -> None:
        problems = (
            *words.is_one_of(self.kind, words.ALIAS_KINDS, pointer="/kind"),
            *words.is_text(self.number, pointer="/number", longest=words.LONGEST_NUMBER),
            *(words.is_gtin(self.number, pointer="/number") if self.kind == "gtin" else ()),
        )
        _require_none(problems, what=f"number {self.number!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstallation:
    """Where a part is installed: "pump P-17", position "4", how many there."""

    asset: str
    position: str
    quantity: int = 1
    note: str = ""

    def __post_init__(self) -> None:
        problems = (
            *words.is_text(self.asset, pointer="/asset", longest=words.LONGEST_NAME),
            *words.is_text(self.position, pointer="/position", longest=words.LONGEST_NAME, empty=True),
            *words.is_count(self.quantity, pointer="/quantity", least=1),
            *words.is_text(self.note, pointer="/note", longest=words.LONGEST_NOTE, empty=True),
        )
        _require_none(problems, what=f"place {self.asset!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartQuery:
    """What is searched for: ``text`` in number, name and other numbers; the asset and position, whole, in any case."""

    text: str = ""
    asset: str | None = None
    position: str | None = None
    cursor: str | None = None
    limit: int = 50


def register_part(session: Session, *, part: NewPart, now: datetime, actor: str = SYSTEM) -> str:
    """Save a part by its owner and part number and return its id; a known part takes the new names and figures."""
    saved = parts.upsert_parts(session, [part_row(part)])[part.part_no]
    if saved.is_new:
        _audit(session, saved.part_id, part.organisation_id, "part.registered", Mover(actor=actor, now=now))
    return saved.part_id


def create_part(session: Session, *, part: NewPart, actor: str, now: datetime) -> PartView:
    """Add a part. Raises ``PartExists``, or ``NumberTaken`` where it is another number of a part."""
    other = parts.find_alias(session, organisation_id=part.organisation_id, number=part.part_no)
    if other is not None:
        message = f"{part.part_no} is the {other.kind} number of one of your parts: remove it there first"
        raise NumberTaken(message, problems=(FieldProblem(pointer="/part_no", message=message),))
    row = part_row(part)
    if not parts.insert_part(session, row):
        message = f"you have a part {part.part_no} already: change it, or choose another number"
        raise PartExists(message, problems=(FieldProblem(pointer="/part_no", message=message),))
    _audit(session, str(row["id"]), part.organisation_id, "part.registered", Mover(actor=actor, now=now))
    return get_part(session, organisation_id=part.organisation_id, part_no=part.part_no)


def change_part(
    session: Session, *, organisation_id: str, part_no: str, change: PartChange, actor: str, now: datetime
) -> PartView:
    """Give a part new names and figures. Raises ``UnknownPart``, ``StaleVersion`` and ``InvalidPart``."""
    part = _locked(session, organisation_id, part_no)
    require_version(expected=change.expected_version, present=part.version, what=f"part {part_no}")
    known = {name: getattr(part, name) for name in _STATED} | {"conventional": part_conventional(part)}
    wanted = {name: getattr(change, name) for name in _CHANGING if getattr(change, name) is not None}
    different = {name: value for name, value in wanted.items() if value != known[name]}
    row = part_row(NewPart(**known | different))
    if different:
        for name in row.keys() - _KEPT:
            setattr(part, name, row[name])
        part.version += 1
        session.flush()
        fields = " ".join(sorted(different))
        _audit(session, part.id, organisation_id, "part.changed", Mover(actor=actor, now=now), fields=fields)
    return part_views(session, [part], details=True)[0]


def add_alias(
    session: Session, *, organisation_id: str, part_no: str, alias: NewAlias, actor: str, now: datetime
) -> PartView:
    """Give a part another number, by which it can be found and ordered from then on; the same again changes nothing.

    Raises ``UnknownPart``, and ``NumberTaken`` when a part of the owner goes by that number.
    """
    part = _locked(session, organisation_id, part_no)
    own = parts.find_parts(session, organisation_id=organisation_id, part_nos=[alias.number])
    known = parts.find_alias(session, organisation_id=organisation_id, number=alias.number)
    if own or (known is not None and known.part_id != part.id):
        message = taken_words(alias.number)
        raise NumberTaken(message, problems=(FieldProblem(pointer="/number", message=message),))
    if known is None and parts.insert_aliases(session, [alias_row(part.id, organisation_id, alias)]):
        by = Mover(actor=actor, now=now)
        _audit(session, part.id, organisation_id, "part.alias_added", by, kind=alias.kind, number=alias.number)
    return part_views(session, [part], details=True)[0]


def remove_alias(
    session: Session, *, organisation_id: str, part_no: str, number: str, actor: str, now: datetime
) -> None:
    """Take another number from a part. Raises ``UnknownPart`` and ``UnknownAlias``."""
    part = _locked(session, organisation_id, part_no)
    if not parts.delete_alias(session, part_id=part.id, number=number):
        raise UnknownAlias(f"{part_no} has no other number {number}")
    by = Mover(actor=actor, now=now)
    _audit(session, part.id, organisation_id, "part.alias_removed", by, number=number)


def install_part(
    session: Session, *, organisation_id: str, part_no: str, installation: NewInstallation, actor: str, now: datetime
) -> InstallationView:
    """Note where a part is installed; the same asset and position again take the new quantity and note."""
    part = _locked(session, organisation_id, part_no)
    row = installation_row(part.id, organisation_id, installation)
    view = installation_view(parts.upsert_installation(session, row))
    by = Mover(actor=actor, now=now)
    place = {"asset": view.asset, "position": view.position, "quantity": str(view.quantity)}
    _audit(session, part.id, organisation_id, "part.installed", by, **place)
    return view


def remove_installation(
    session: Session, *, organisation_id: str, part_no: str, installation_id: str, actor: str, now: datetime
) -> None:
    """Note that a part is installed there no more. Raises ``UnknownPart`` and ``UnknownInstallation``."""
    part = _locked(session, organisation_id, part_no)
    gone = parts.delete_installation(session, part_id=part.id, installation_id=installation_id)
    if gone is None:
        raise UnknownInstallation(f"{part_no} has no installation {installation_id}: GET the part, it lists them")
    by = Mover(actor=actor, now=now)
    _audit(session, part.id, organisation_id, "part.removed", by, asset=gone.asset, position=gone.position)


def list_parts(session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50) -> Page[PartView]:
    """Return a page of an owner's parts, in the order of part numbers, after the part number ``cursor``."""
    return search_parts(session, organisation_id=organisation_id, query=PartQuery(cursor=cursor, limit=limit))


def search_parts(session: Session, *, organisation_id: str, query: PartQuery) -> Page[PartView]:
    """Return a page of an owner's parts that a query finds, in the order of part numbers."""
    wanted = PartFilter(
        organisation_id=organisation_id,
        after=query.cursor or "",
        limit=query.limit + 1,
        contains=query.text.strip(),
        asset=query.asset,
        position=query.position,
    )
    found = part_views(session, parts.read_parts(session, wanted), details=True)
    return page_of(found, limit=query.limit, cursor_of=lambda part: part.part_no)


def get_part(session: Session, *, organisation_id: str, part_no: str) -> PartView:
    """Return an owner's part by its number or another number of it; ``UnknownPart`` (also if it is someone else's)."""
    found = _by_number(session, organisation_id, (part_no,))
    if part_no not in found:
        raise UnknownPart(f"you have no part {part_no}: GET /v1/parts lists yours")
    return part_views(session, [found[part_no]], details=True)[0]


def find_parts(
    session: Session, *, organisation_id: str, part_nos: Collection[str], details: bool = False
) -> dict[str, PartView]:
    """Return an owner's parts by the numbers that were asked for, own ones or others; unknown ones are left out.

    It takes two queries, three where a number is no part's own; ``details`` (documents, aliases and installations,
    else left out) take three more.
    """
    return _views(session, _by_number(session, organisation_id, part_nos), details=details)


def read_conventional(
    session: Session, *, organisation_id: str, part_nos: Collection[str]
) -> dict[str, ConventionalMethod]:
    """Return how an owner's parts are made conventionally, by their own numbers; those without a price are left out.

    One query, none for no part.
    """
    if not part_nos:
        return {}
    found = parts.read_conventional(session, organisation_id=organisation_id, part_nos=part_nos)
    columns = conventional_columns(NOTHING_KNOWN)
    return {row["part_no"]: conventional_method({name: row[name] for name in columns}) for row in found}


def hold_parts(
    session: Session, *, organisation_id: str, part_nos: Collection[str], details: bool = False
) -> dict[str, PartView]:
    """Return what ``find_parts`` does, as it stays until the transaction ends: others that change the parts wait.

    Whoever else holds parts of this owner is waited for first, so that what one adds is there for the next.
    """
    parts.hold_owner(session, organisation_id)
    found = _by_number(session, organisation_id, part_nos)
    parts.lock_parts(session, {part.id for part in found.values()})
    return _views(session, found, details=details)


def part_row(part: NewPart) -> dict[str, object]:
    """Return a part's columns at its first version."""
    row = asdict(part) | {"version": 1} | conventional_columns(part.conventional)
    del row["conventional"]
    row["id"] = row.pop("part_id") or new_id("part")
    return row


def alias_row(part_id: str, organisation_id: str, alias: NewAlias) -> dict[str, object]:
    """Return the columns of another number of a part."""
    return {"id": new_id("alias"), "organisation_id": organisation_id, "part_id": part_id, **asdict(alias)}


def installation_row(part_id: str, organisation_id: str, installation: NewInstallation) -> dict[str, object]:
    """Return the columns of a place of a part."""
    return {"id": new_id("inst"), "organisation_id": organisation_id, "part_id": part_id, **asdict(installation)}


def taken_words(number: str) -> str:
    """Return why a part can't have another number, and what to do."""
    return f"{number} is a number of another part of yours, or the part's own one: remove it there first"


_STATED = ("organisation_id", "part_no", "name", "sector", "criticality", "hs_code", "annual_demand", "note")
_CHANGING = (*_STATED[2:], "conventional")
_KEPT = {"id", "version"}


def _views(session: Session, found: Mapping[str, Part], *, details: bool) -> dict[str, PartView]:
    unique = list({part.id: part for part in found.values()}.values())
    views = {view.part_id: view for view in part_views(session, unique, details=details)}
    return {number: views[part.id] for number, part in found.items()}


def _by_number(session: Session, organisation_id: str, numbers: Collection[str]) -> dict[str, Part]:
    own = parts.find_parts(session, organisation_id=organisation_id, part_nos=numbers)
    found = {part.part_no: part for part in own}
    missing = [number for number in numbers if number not in found]
    others = parts.find_parts_by_alias(session, organisation_id=organisation_id, numbers=missing) if missing else {}
    return {number: part for number in numbers if (part := found.get(number) or others.get(number)) is not None}


def _locked(session: Session, organisation_id: str, part_no: str) -> Part:
    part = parts.lock_part_by_number(session, organisation_id=organisation_id, part_no=part_no)
    if part is None:
        raise UnknownPart(f"you have no part {part_no}: GET /v1/parts lists yours")
    return part


def _require_none(problems: tuple[FieldProblem, ...], *, what: str) -> None:
    if problems:
        first = f"{problems[0].pointer.removeprefix('/')} {problems[0].message}"
        raise InvalidPart(f"{what} can't be taken: {first}", problems=problems)


def _audit(session: Session, part_id: str, organisation_id: str, action: str, by: Mover, **data: str) -> None:
    audit(session, Subject(kind="part", id=part_id, organisation_id=organisation_id), action, by=by, **data)
