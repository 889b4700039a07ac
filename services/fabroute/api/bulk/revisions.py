"""The table of revisions: what is printed, and what a node has to prove before it may."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, RowRefused, TableKind, collecting, judged
from fabroute.api.schemas.imports import Outcome, RevisionRow
from fabroute.inventory import service as inventory
from fabroute.inventory.service import Characteristic, NewRevision, PartView, RevisionView
from fabroute.kernel.errors import DomainError, FieldProblem

COLUMNS = (
    Column(name="part_no", required=True),
    Column(name="revision", required=True),
    Column(name="box_x_mm", kind="number"),
    Column(name="box_y_mm", kind="number"),
    Column(name="box_z_mm", kind="number"),
    Column(name="volume_cm3", kind="number"),
    Column(name="process_materials", kind="texts"),
    Column(name="required_certificates", kind="texts"),
    Column(name="part_qualification", kind="flag"),
    Column(name="export_class"),
    Column(name="ip_zone"),
    Column(name="parameter_sets", kind="texts"),
    Column(name="qualified_orientation"),
    Column(name="inspection_level"),
    Column(name="inspection_plan", kind="objects"),
    Column(name="packaging"),
    Column(name="ip_countries", kind="texts"),
    Column(name="ip_nodes", kind="texts"),
    Column(name="ip_kinds", kind="texts"),
    Column(name="ip_share_cap", kind="number"),
    Column(name="licence_required", kind="flag"),
)
_SIZES = ("box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3")
_FACTS = tuple(column.name for column in COLUMNS if column.name not in ("part_no", "revision"))
_DEFAULTS: Mapping[str, Any] = {
    field.name: None if field.default is MISSING else field.default for field in fields(NewRevision)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """New facts of a revision that is there; none where it has them all."""

    known: RevisionView
    values: Mapping[str, Any]


_Judged = NewRevision | _Change | DomainError


def take_revisions(session: Session, rows: Sequence[RevisionRow], terms: ImportTerms) -> list[Outcome | DomainError]:
    """Add the revisions of a table, and change drafts that are there already."""
    owner, actor, now = terms.caller.organisation_id, terms.caller.key_id, terms.now
    parts = inventory.hold_parts(session, organisation_id=owner, part_nos={row.part_no for row in rows})
    found = _each_once(judged(lambda row: _stated(row, parts.get(row.part_no)), rows))
    added = [item for item in found if isinstance(item, NewRevision)]
    inventory.add_revisions(session, organisation_id=owner, added=added, actor=actor, now=now)
    changes = {item.known.revision_id: _change_of(item) for item in found if isinstance(item, _Change) and item.values}
    refused = inventory.change_revisions(session, organisation_id=owner, changes=changes, actor=actor, now=now)
    return [_outcome(item, refused) for item in found]


def _stated(row: RevisionRow, part: PartView | None) -> NewRevision | _Change:
    wanted = _facts_in(row)
    if part is None:
        raise _without_part(row, wanted)
    known = next((it for it in part.revisions if it.revision == row.revision), None)
    if known is None:
        return NewRevision(part_id=part.part_id, revision=row.revision, **{"process_materials": (), **wanted})
    present = _facts_of(known)
    different = {name: value for name, value in wanted.items() if value != present[name]}
    if set(different) & set(_SIZES):
        different |= {name: wanted[name] for name in _SIZES if name in wanted}
    return _Change(known=known, values=different)


def _without_part(row: RevisionRow, wanted: Mapping[str, Any]) -> DomainError:
    """Return everything that is wrong with a row of a part that is not there."""
    message = f"you have no part {row.part_no}: import the parts first"
    unknown = inventory.UnknownPart(message, problems=(FieldProblem(pointer="/part_no", message=message),))
    refusals: list[DomainError] = [unknown]
    with collecting(refusals):
        NewRevision(part_id="", revision=row.revision, **{"process_materials": (), **wanted})
    return unknown if len(refusals) == 1 else RowRefused(refusals)


def _each_once(found: Sequence[_Judged]) -> list[_Judged]:
    """Return what was found, but a refusal where a row names a part by another number than a row before it."""
    seen: set[tuple[str, str]] = set()
    return [item if isinstance(item, DomainError) else _once(item, seen) for item in found]


def _once(item: NewRevision | _Change, seen: set[tuple[str, str]]) -> _Judged:
    what = item.known if isinstance(item, _Change) else item
    if (what.part_id, what.revision) in seen:
        message = f"revision {what.revision} stands in a row before, under another number of the part"
        return inventory.RevisionExists(f"{message}: one row is enough")
    seen.add((what.part_id, what.revision))
    return item


def _change_of(item: _Change) -> inventory.RevisionChange:
    return inventory.RevisionChange(expected_version=item.known.version, values=item.values)


def _outcome(item: _Judged, refused: Mapping[str, DomainError]) -> Outcome | DomainError:
    if isinstance(item, DomainError):
        return item
    if isinstance(item, NewRevision):
        return "created"
    return refused.get(item.known.revision_id) or ("changed" if item.values else "unchanged")


REVISIONS = TableKind(
    columns=COLUMNS,
    model=RevisionRow,
    key_of=lambda row: f"revision {row.revision} of {row.part_no}",
    take=take_revisions,
    together=frozenset(_SIZES),
)


def revision_rows(parts: Sequence[PartView]) -> Iterator[dict[str, object]]:
    """Yield the rows of the parts' revisions, as an import takes them."""
    for part in parts:
        for revision in part.revisions:
            facts = {name: _plain(value) for name, value in _facts_of(revision).items()}
            yield {"part_no": part.part_no, "revision": revision.revision, **facts}


def _facts_in(row: RevisionRow) -> dict[str, Any]:
    """Return what a row states, an empty cell as what a revision has by default."""
    stated: dict[str, Any] = {}
    for name in row.model_fields_set & set(_FACTS):
        value = getattr(row, name)
        if name == "inspection_plan":
            value = tuple(Characteristic(**dict(item)) for item in value)
        elif isinstance(value, list):
            value = tuple(value)
        stated[name] = _DEFAULTS[name] if value is None else value
    return stated


def _facts_of(revision: RevisionView) -> dict[str, Any]:
    sizes = dict.fromkeys(_SIZES) if revision.size is None else asdict(revision.size)
    return {name: sizes[name] if name in _SIZES else getattr(revision, name) for name in _FACTS}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [asdict(item) if isinstance(item, Characteristic) else item for item in value]
    return value
