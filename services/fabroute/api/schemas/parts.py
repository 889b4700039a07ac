"""Parts of the digital inventory over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.inventory.service import PartView, PrintFileView, RevisionView


class BoxOut(ResponseModel):
    """Outer dimensions in millimetres."""

    x_mm: float
    y_mm: float
    z_mm: float


class PrintFileOut(ResponseModel):
    """The file that nodes print, as it was measured."""

    sha256: str
    size_bytes: int
    media_type: str
    box: BoxOut
    volume_cm3: float
    triangles: int
    validated_at: AwareDatetime | None


class RevisionOut(ResponseModel):
    """What is printed, and what a node has to prove before it may."""

    id: str
    revision: str
    state: str = Field(description="`draft`, `validated`, `released` (can be ordered), `superseded` or `withdrawn`.")
    box: BoxOut
    volume_cm3: float
    process_materials: list[str] = Field(description="Allowed PROCESS:MATERIAL pairs.")
    required_certificates: list[str]
    part_qualification: bool = Field(description="Whether a node needs an approved first article of this revision.")
    export_class: str
    ip_zone: str = Field(description="Where the file may go.")
    released_at: AwareDatetime | None
    print_file: PrintFileOut | None


class PartOut(ResponseModel):
    """A part with its revisions."""

    id: str
    part_no: str
    name: str
    sector: str
    criticality: str = Field(description="The usual one; an order may say another.")
    hs_code: str
    annual_demand: int
    note: str
    released_revision: str | None = Field(description="The revision that an order means when it names none.")
    revisions: list[RevisionOut]


def part_out(part: PartView) -> PartOut:
    """Return a part for an answer."""
    return PartOut(
        id=part.part_id,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality=part.criticality,
        hs_code=part.hs_code,
        annual_demand=part.annual_demand,
        note=part.note,
        released_revision=None if part.released is None else part.released.revision,
        revisions=[_revision_out(revision) for revision in part.revisions],
    )


def _revision_out(revision: RevisionView) -> RevisionOut:
    return RevisionOut(
        id=revision.revision_id,
        revision=revision.revision,
        state=revision.state,
        box=_box_out(revision),
        volume_cm3=revision.volume_cm3,
        process_materials=list(revision.process_materials),
        required_certificates=list(revision.required_certificates),
        part_qualification=revision.part_qualification,
        export_class=revision.export_class,
        ip_zone=revision.ip_zone,
        released_at=revision.released_at,
        print_file=None if revision.file is None else _print_file_out(revision.file),
    )


def _print_file_out(file: PrintFileView) -> PrintFileOut:
    return PrintFileOut(
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        box=_box_out(file),
        volume_cm3=file.volume_cm3,
        triangles=file.triangles,
        validated_at=file.validated_at,
    )


def _box_out(thing: RevisionView | PrintFileView) -> BoxOut:
    return BoxOut(x_mm=thing.box_x_mm, y_mm=thing.box_y_mm, z_mm=thing.box_z_mm)
