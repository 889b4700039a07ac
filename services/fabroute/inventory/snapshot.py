"""Parts and revisions as other rooms see them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from sqlmodel import Session

from fabroute.inventory.models import AssetPosition, Part, PartRevision, PrintFile, RevisionDocument
from fabroute.inventory.repository import documents, parts, revisions
from fabroute.inventory.repository.revisions import RevisionRow
from fabroute.inventory.rules.conventional import (
    NOTHING_KNOWN,
    ConventionalMethod,
    conventional_columns,
    conventional_method,
)
from fabroute.inventory.rules.requirements import Characteristic
from fabroute.inventory.rules.sizes import Size
from fabroute.kernel.errors import DomainError

RevisionSize = Size
_Item = TypeVar("_Item")


class RevisionNotMeasured(DomainError):
    """A revision has no size yet: none was stated, and no print file was measured."""

    code = "revision_not_measured"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintFileView:
    """A print file in the store, addressed by its SHA-256; sizes in mm and cm³."""

    sha256: str
    size_bytes: int
    media_type: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    triangles: int
    validated_at: datetime | None
    submission_id: str | None = None
    source_sha256: str | None = None
    """Of the file as it was uploaded."""
    area_cm2: float | None = None
    bodies: int | None = None
    thinnest_wall_mm: float | None = None
    preview_sha256: str | None = None
    """A PNG."""
    model_sha256: str | None = None
    """A GLB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A drawing, bill of materials or finish instruction in the store."""

    document_id: str
    revision_id: str
    kind: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A part revision with its part's names, its print file and all that it asks of those who make it."""

    revision_id: str
    part_id: str
    organisation_id: str
    part_no: str
    name: str
    sector: str
    criticality: str
    hs_code: str
    revision: str
    state: str
    size: RevisionSize | None
    """As stated, else as its print file was measured; known once it is validated."""
    process_materials: tuple[str, ...]
    required_certificates: tuple[str, ...]
    part_qualification: bool
    export_class: str
    ip_zone: str
    released_at: datetime | None
    file: PrintFileView | None
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
    created_by: str = ""
    created_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    approval_reason: str = ""
    approved_sha256: str | None = None
    released_by: str | None = None
    release_statement: str | None = None
    release_signature: str | None = None
    release_public_key: str | None = None
    on_hold_since: datetime | None = None
    """Since when nobody may print it, because somebody found a fault."""
    on_hold_reason: str = ""
    version: int = 1
    documents: tuple[DocumentView, ...] = ()
    """Read with parts and single revisions, left out where many revisions are read for routing."""

    @property
    def file_validated(self) -> bool:
        """Whether a print file passed its checks."""
        return self.file is not None and self.file.validated_at is not None

    @property
    def file_sha256(self) -> str | None:
        """The address of the print file, ``None`` without one."""
        return None if self.file is None else self.file.sha256

    @property
    def measured(self) -> RevisionSize:
        """The size; ``RevisionNotMeasured`` if there is none."""
        if self.size is None:
            raise RevisionNotMeasured(
                f"revision {self.revision} of {self.part_no} has no size yet: upload its print file, or state its box"
            )
        return self.size

    @property
    def box_x_mm(self) -> float:
        """The box along x; ``RevisionNotMeasured`` without a size, as for the three below."""
        return self.measured.box_x_mm

    @property
    def box_y_mm(self) -> float:
        """The box along y."""
        return self.measured.box_y_mm

    @property
    def box_z_mm(self) -> float:
        """The box along z."""
        return self.measured.box_z_mm

    @property
    def volume_cm3(self) -> float:
        """The volume."""
        return self.measured.volume_cm3


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasView:
    """Another number of a part."""

    kind: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationView:
    """Where a part is installed, and how many of it."""

    installation_id: str
    asset: str
    position: str
    quantity: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part with all its revisions, in the order of their names."""

    part_id: str
    organisation_id: str
    part_no: str
    name: str
    sector: str
    criticality: str
    hs_code: str
    annual_demand: int
    note: str
    revisions: tuple[RevisionView, ...]
    version: int = 1
    conventional: ConventionalMethod = NOTHING_KNOWN
    aliases: tuple[AliasView, ...] = ()
    installations: tuple[InstallationView, ...] = ()

    @property
    def released(self) -> RevisionView | None:
        """The revision that is printed when an order names none."""
        return next((revision for revision in self.revisions if revision.state == "released"), None)


def part_views(session: Session, found: Collection[Part], *, details: bool) -> tuple[PartView, ...]:
    """Return views of parts in their order, with their revisions by one more query.

    ``details`` are documents, aliases and installations, by three more; without them those fields are empty.
    """
    ids = [part.id for part in found]
    rows = revisions.read_of_parts(session, ids)
    views = revision_views(session, rows) if details else tuple(revision_view(row) for row in rows)
    of_part = _grouped(views, by="part_id")
    aliases = _grouped(parts.read_aliases(session, ids) if details else (), by="part_id")
    installations = _grouped(parts.read_installations(session, ids) if details else (), by="part_id")
    return tuple(
        PartView(
            part_id=part.id,
            **{name: getattr(part, name) for name in _PART_FIELDS},
            conventional=part_conventional(part),
            revisions=tuple(of_part.get(part.id, ())),
            aliases=tuple(AliasView(kind=it.kind, number=it.number) for it in aliases.get(part.id, ())),
            installations=tuple(installation_view(it) for it in installations.get(part.id, ())),
        )
        for part in found
    )


def part_conventional(part: Part) -> ConventionalMethod:
    """Return how a part is made conventionally, as far as that is known."""
    return conventional_method({name: getattr(part, name) for name in _CONVENTIONAL})


def revision_views(session: Session, rows: Sequence[RevisionRow]) -> tuple[RevisionView, ...]:
    """Return views of revisions with their documents, by one more query."""
    added = _grouped(documents.read_of_revisions(session, [row[0].id for row in rows]), by="revision_id")
    return tuple(revision_view(row, documents=added.get(row[0].id, ())) for row in rows)


def revision_view(row: RevisionRow, *, documents: Iterable[RevisionDocument] = ()) -> RevisionView:
    """Return the view of a revision with its part, file and the documents that are given."""
    revision, part, print_file = row
    lists: dict[str, Any] = {name: tuple(getattr(revision, name)) for name in _OF_REVISION_LISTS}
    return RevisionView(
        revision_id=revision.id,
        **{name: getattr(part, name) for name in _OF_REVISION_PART},
        **{name: getattr(revision, name) for name in _REVISION_FIELDS},
        **lists,
        size=revision_size(revision),
        inspection_plan=tuple(Characteristic(**item) for item in revision.inspection_plan),
        file=None if print_file is None else _file_view(print_file),
        documents=tuple(document_view(document) for document in documents),
    )


def revision_size(revision: PartRevision) -> RevisionSize | None:
    """Return the size of a revision, ``None`` if it is not known yet."""
    x, y, z, volume = revision.box_x_mm, revision.box_y_mm, revision.box_z_mm, revision.volume_cm3
    if x is None or y is None or z is None or volume is None:
        return None
    return RevisionSize(box_x_mm=x, box_y_mm=y, box_z_mm=z, volume_cm3=volume)


def document_view(document: RevisionDocument) -> DocumentView:
    """Return the view of a document."""
    return DocumentView(document_id=document.id, **{name: getattr(document, name) for name in _DOCUMENT_FIELDS})


def installation_view(place: AssetPosition) -> InstallationView:
    """Return the view of a place where a part is installed."""
    fields = {name: getattr(place, name) for name in _INSTALLATION_FIELDS}
    return InstallationView(installation_id=place.id, **fields)


def _file_view(print_file: PrintFile) -> PrintFileView:
    return PrintFileView(**{name: getattr(print_file, name) for name in _FILE_FIELDS})


def _grouped(items: Iterable[_Item], *, by: str) -> Mapping[str, Sequence[_Item]]:
    key = attrgetter(by)
    groups: dict[str, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


_OF_REVISION_LISTS = (
    *("process_materials", "required_certificates", "parameter_sets"),
    *("ip_countries", "ip_nodes", "ip_kinds"),
)
_OF_REVISION_PART = ("organisation_id", "part_no", "name", "sector", "criticality", "hs_code")
_OF_REVISION_ELSE = ("revision_id", "size", "inspection_plan", "file", "documents")
_REVISION_FIELDS = tuple(
    name
    for name in RevisionView.__dataclass_fields__
    if name not in _OF_REVISION_LISTS + _OF_REVISION_PART + _OF_REVISION_ELSE
)
_OF_PART_ELSE = ("part_id", "revisions", "conventional", "aliases", "installations")
_PART_FIELDS = tuple(name for name in PartView.__dataclass_fields__ if name not in _OF_PART_ELSE)
_CONVENTIONAL = tuple(conventional_columns(NOTHING_KNOWN))
_FILE_FIELDS = tuple(PrintFileView.__dataclass_fields__)
_DOCUMENT_FIELDS = tuple(name for name in DocumentView.__dataclass_fields__ if name != "document_id")
_INSTALLATION_FIELDS = ("asset", "position", "quantity", "note")
