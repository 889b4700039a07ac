"""Parts and revisions as other rooms see them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory import repository
from fabroute.inventory.models import Part, PrintFile
from fabroute.inventory.repository import RevisionRow


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A part revision with its part's names and its print file: all that routing asks about it."""

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
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    process_materials: tuple[str, ...]
    required_certificates: tuple[str, ...]
    part_qualification: bool
    export_class: str
    ip_zone: str
    released_at: datetime | None
    file: PrintFileView | None

    @property
    def file_validated(self) -> bool:
        """Whether a print file passed its checks."""
        return self.file is not None and self.file.validated_at is not None

    @property
    def file_sha256(self) -> str | None:
        """The address of the print file, ``None`` without one."""
        return None if self.file is None else self.file.sha256


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

    @property
    def released(self) -> RevisionView | None:
        """The revision that is printed when an order names none."""
        return next((revision for revision in self.revisions if revision.state == "released"), None)


def part_views(session: Session, parts: Collection[Part]) -> tuple[PartView, ...]:
    """Return views of ``parts`` in their order, with revisions, by one more query."""
    rows = repository.read_revisions_of_parts(session, [part.id for part in parts])
    return tuple(_part_view(part, (row for row in rows if row[1].id == part.id)) for part in parts)


def revision_view(row: RevisionRow) -> RevisionView:
    """Return the view of a revision with its part and file."""
    revision, part, print_file = row
    return RevisionView(
        revision_id=revision.id,
        part_id=part.id,
        organisation_id=part.organisation_id,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality=part.criticality,
        hs_code=part.hs_code,
        revision=revision.revision,
        state=revision.state,
        box_x_mm=revision.box_x_mm,
        box_y_mm=revision.box_y_mm,
        box_z_mm=revision.box_z_mm,
        volume_cm3=revision.volume_cm3,
        process_materials=tuple(revision.process_materials),
        required_certificates=tuple(revision.required_certificates),
        part_qualification=revision.part_qualification,
        export_class=revision.export_class,
        ip_zone=revision.ip_zone,
        released_at=revision.released_at,
        file=None if print_file is None else _file_view(print_file),
    )


def _part_view(part: Part, rows: Iterable[RevisionRow]) -> PartView:
    return PartView(
        part_id=part.id,
        organisation_id=part.organisation_id,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality=part.criticality,
        hs_code=part.hs_code,
        annual_demand=part.annual_demand,
        note=part.note,
        revisions=tuple(revision_view(row) for row in rows),
    )


def _file_view(print_file: PrintFile) -> PrintFileView:
    return PrintFileView(
        sha256=print_file.sha256,
        size_bytes=print_file.size_bytes,
        media_type=print_file.media_type,
        box_x_mm=print_file.box_x_mm,
        box_y_mm=print_file.box_y_mm,
        box_z_mm=print_file.box_z_mm,
        volume_cm3=print_file.volume_cm3,
        triangles=print_file.triangles,
        validated_at=print_file.validated_at,
    )
