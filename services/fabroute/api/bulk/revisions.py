"""The table of revisions: what is printed, and what a node has to prove before it may."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from typing import Any

from sqlmodel import Session

from fabroute.api.bulk.cells import Column
from fabroute.api.bulk.importing import ImportTerms, RowRefused, TableKind, collecting
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


class RevisionTaker:
    """Adds the revisions of a table, and changes drafts that are there already."""

    def __init__(self, session: Session, rows: Sequence[RevisionRow], terms: ImportTerms) -> None:
        self._session = session
        self._owner = terms.caller.organisation_id
        self._actor = terms.caller.key_id
        self._now = terms.now
        self._parts = inventory.find_parts(session, organisation_id=self._owner, part_nos={row.part_no for row in rows})

    def take(self, row: RevisionRow) -> Outcome:
        """Add one revision, or change it while it is a draft."""
        part, wanted = self._parts.get(row.part_no), _stated(row)
        if part is None:
            raise self._without_part(row, wanted)
        known = next((it for it in part.revisions if it.revision == row.revision), None)
        return self._add(part, row.revision, wanted) if known is None else self._change(known, wanted)

    def _without_part(self, row: RevisionRow, wanted: Mapping[str, Any]) -> DomainError:
        """Return everything that is wrong with a row of a part that is not there."""
        message = f"you have no part {row.part_no}: import the parts first"
        unknown = inventory.UnknownPart(message, problems=(FieldProblem(pointer="/part_no", message=message),))
        refusals: list[DomainError] = [unknown]
        with collecting(refusals):
            NewRevision(part_id="", revision=row.revision, **{"process_materials": (), **wanted})
        return unknown if len(refusals) == 1 else RowRefused(refusals)

    def _add(self, part: PartView, name: str, wanted: Mapping[str, Any]) -> Outcome:
        facts = {"process_materials": ()} | dict(wanted)
        revision = NewRevision(part_id=part.part_id, revision=name, **facts)
        inventory.add_revision(self._session, revision=revision, actor=self._actor, now=self._now)
        return "created"

    def _change(self, known: RevisionView, wanted: Mapping[str, Any]) -> Outcome:
        present = _facts_of(known)
        different = {name: value for name, value in wanted.items() if value != present[name]}
        if not different:
            return "unchanged"
        if set(different) & set(_SIZES):
            different |= {name: wanted[name] for name in _SIZES if name in wanted}
        change = inventory.RevisionChange(expected_version=known.version, values=different)
        inventory.change_revision(
            self._session,
            organisation_id=self._owner,
            revision_id=known.revision_id,
            change=change,
            actor=self._actor,
            now=self._now,
        )
        return "changed"


REVISIONS = TableKind(
    columns=COLUMNS,
    model=RevisionRow,
    key_of=lambda row: f"revision {row.revision} of {row.part_no}",
    taker=RevisionTaker,
    together=frozenset(_SIZES),
)


def revision_rows(parts: Sequence[PartView]) -> Iterator[dict[str, object]]:
    """Yield the rows of the parts' revisions, as an import takes them."""
    for part in parts:
        for revision in part.revisions:
            facts = {name: _plain(value) for name, value in _facts_of(revision).items()}
            yield {"part_no": part.part_no, "revision": revision.revision, **facts}


def _stated(row: RevisionRow) -> dict[str, Any]:
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
