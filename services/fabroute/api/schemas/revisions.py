"""Revisions of parts over the wire: what is printed, and what a node has to prove before it may."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from fabroute.api.schemas.base import Label, RequestModel, ResponseModel, Sentence
from fabroute.inventory.service import (
    Characteristic,
    DocumentView,
    HistoryEntry,
    NewRevision,
    PrintFileView,
    RevisionView,
)
from fabroute.kernel.events import JsonScalar
from fabroute.orders.rules import Packaging

ExportClass = Literal["none", "dual_use", "itar"]
IpZone = Literal["any", "EU", "US", "EU_US", "same_country"]
InspectionLevel = Literal["none", "visual", "dimensional", "ct", "test_report"]
Orientation = Literal["x", "y", "z"]
Millimetres = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
CubicCentimetres = Annotated[float, Field(gt=0, le=100_000_000, allow_inf_nan=False)]
Names = Annotated[list[Label], Field(max_length=200)]


class BoxIn(RequestModel):
    """Outer dimensions in millimetres."""

    x_mm: Millimetres
    y_mm: Millimetres
    z_mm: Millimetres


class CharacteristicBody(RequestModel):
    """Something to be inspected, with its limits in mm where it is measured."""

    name: Label
    kind: Label = Field(
        description="`length`, `diameter`, `radius`, `position`, `flatness`, … or `visual`, `report`, …"
    )
    nominal_mm: float | None = None
    lower_mm: float | None = None
    upper_mm: float | None = None


class RequirementsIn(RequestModel):
    """What may be stated of a revision. Size: box and volume, or neither; then the print file's counts."""

    box: BoxIn | None = None
    volume_cm3: CubicCentimetres | None = None
    process_materials: Names = Field(default=[], description="Allowed PROCESS:MATERIAL pairs.", examples=[["SLS:PA12"]])
    required_certificates: Names = Field(default=[], examples=[["ISO9001"]])
    part_qualification: bool = Field(default=False, description="Whether a node needs an approved first article.")
    export_class: ExportClass = "none"
    ip_zone: IpZone = Field(default="any", description="Where the file may go.")
    parameter_sets: Names = Field(default=[], description="The only ones that may be used; any, if empty.")
    qualified_orientation: Orientation | None = Field(
        default=None, description="Which axis of the file points up in the machine; any, if null."
    )
    inspection_level: InspectionLevel = "visual"
    inspection_plan: list[CharacteristicBody] = Field(default=[], max_length=100)
    packaging: Packaging = "plain"
    ip_countries: Names = Field(default=[], description="Where it may be made (ISO 3166-1 alpha-2); all, if empty.")
    ip_nodes: Names = Field(default=[], description="Nodes that may make it; all, if empty.")
    ip_kinds: Names = Field(default=[], description="Kinds of nodes that may make it; all, if empty.")
    ip_share_cap: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Largest share of the prints that one node may make; shown, not enforced yet.",
    )
    licence_required: bool = Field(default=False, description="Whether each good print takes one from a licence.")

    @model_validator(mode="after")
    def _has_a_whole_size(self) -> Self:
        if (self.box is None) != (self.volume_cm3 is None):
            raise PydanticCustomError("half_a_size", "state box and volume_cm3, or neither")
        return self

    def stated(self) -> dict[str, Any]:
        """Return what was stated, by the inventory's names; what was left out is left out."""
        values = {name: getattr(self, name) for name in self.model_fields_set - {"box", "revision"}}
        if "box" in self.model_fields_set:
            box = self.box
            values |= {f"box_{axis}_mm": None if box is None else getattr(box, f"{axis}_mm") for axis in "xyz"}
            values["volume_cm3"] = self.volume_cm3
        if "inspection_plan" in values:
            values["inspection_plan"] = tuple(Characteristic(**dict(item)) for item in self.inspection_plan)
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


class RevisionIn(RequirementsIn):
    """A new draft revision of a part."""

    revision: Label = Field(description="Its name.", examples=["B"])
    process_materials: Names = Field(description="Allowed PROCESS:MATERIAL pairs.", examples=[["MJF:PA12-MJF"]])


class RevisionChangeIn(RequirementsIn):
    """What is to change of a draft; what is left out stays as it is."""


class ReasonIn(RequestModel):
    """Why something is done; it stands on the audit log."""

    reason: Sentence


class ApprovalIn(ReasonIn):
    """The approval of a print file."""

    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="The print file that you looked at; the approval is refused if another one is there by now.",
    )


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
    source_sha256: str | None = Field(description="Of the file as it was uploaded.")
    area_cm2: float | None
    bodies: int | None
    thinnest_wall_mm: float | None
    preview: str | None = Field(description="Where its picture is (PNG).")
    model: str | None = Field(description="Where its model for viewers is (GLB).")


class CharacteristicOut(ResponseModel):
    """Something to be inspected, with its limits in mm where it is measured."""

    name: str
    kind: str
    nominal_mm: float | None
    lower_mm: float | None
    upper_mm: float | None


class DocumentOut(ResponseModel):
    """A drawing, bill of materials or finish instruction that travels with a revision."""

    name: str
    kind: str = Field(description="`drawing`, `bom`, `finish` or `other`.")
    media_type: str
    size_bytes: int
    sha256: str = Field(description="Hexadecimal; also the file's ETag.")
    added_at: AwareDatetime


class ApprovalOut(ResponseModel):
    """Who approved which print file, when and why."""

    approved_by: str
    approved_at: AwareDatetime
    reason: str
    sha256: str | None


class RevisionOut(ResponseModel):
    """What is printed, and what a node has to prove before it may."""

    id: str
    revision: str
    state: str = Field(description="`draft`, `validated`, `released` (can be ordered), `superseded` or `withdrawn`.")
    box: BoxOut | None = Field(description="Null while neither stated nor measured.")
    volume_cm3: float | None
    process_materials: list[str] = Field(description="Allowed PROCESS:MATERIAL pairs.")
    required_certificates: list[str]
    part_qualification: bool = Field(description="Whether a node needs an approved first article of this revision.")
    export_class: str
    ip_zone: str = Field(description="Where the file may go.")
    parameter_sets: list[str] = Field(description="The only ones that may be used; any, if empty.")
    qualified_orientation: str | None
    inspection_level: str
    inspection_plan: list[CharacteristicOut]
    packaging: str
    ip_countries: list[str]
    ip_nodes: list[str]
    ip_kinds: list[str]
    ip_share_cap: float | None
    licence_required: bool
    created_by: str = Field(description="An API key, or a part of the system.")
    created_at: AwareDatetime | None
    approval: ApprovalOut | None
    released_at: AwareDatetime | None
    released_by: str | None
    on_hold_since: AwareDatetime | None = Field(description="Since when nobody may print it, because of a fault.")
    on_hold_reason: str
    print_file: PrintFileOut | None
    documents: list[DocumentOut]
    version: int


class SignatureOut(ResponseModel):
    """What was signed at release. Anyone can check it with the key that GET /v1/signing-key gives."""

    statement: str = Field(description="Canonical JSON of file, facts and requirements: the bytes that were signed.")
    signature: str = Field(description="Ed25519 over the statement in UTF-8, base64.")
    public_key: str = Field(description="Ed25519, base64.")


class RevisionDetailOut(RevisionOut):
    """A revision with its part, and the signature of its release."""

    part_no: str
    signature: SignatureOut | None


class WithdrawalOut(RevisionDetailOut):
    """A revision that was withdrawn."""

    held_jobs: int = Field(description="Open jobs that were held because of it.")


class HistoryEntryOut(ResponseModel):
    """Something that was done to a revision."""

    at: AwareDatetime
    actor: str = Field(description="An API key, or `system:…`.")
    action: str
    reason: str
    data: dict[str, JsonScalar]


class HistoryOut(ResponseModel):
    """What was done to a revision, the first first, from the audit log."""

    data: list[HistoryEntryOut]


def new_revision(part_id: str, asked: RevisionIn) -> NewRevision:
    """Return a revision as the inventory takes it; ``InvalidRevision`` with everything that can't be."""
    return NewRevision(part_id=part_id, revision=asked.revision, **asked.stated())


def revision_out(revision: RevisionView) -> RevisionOut:
    """Return a revision for an answer."""
    return RevisionOut(**_revision_fields(revision))


def revision_detail_out(revision: RevisionView) -> RevisionDetailOut:
    """Return a revision with its part's number and its signature for an answer."""
    return RevisionDetailOut(**_revision_fields(revision), part_no=revision.part_no, signature=_signature_out(revision))


def withdrawal_out(revision: RevisionView, *, held_jobs: int) -> WithdrawalOut:
    """Return a withdrawn revision for an answer."""
    return WithdrawalOut(**dict(revision_detail_out(revision)), held_jobs=held_jobs)


def document_out(document: DocumentView) -> DocumentOut:
    """Return a document for an answer."""
    return DocumentOut(
        name=document.name,
        kind=document.kind,
        media_type=document.media_type,
        size_bytes=document.size_bytes,
        sha256=document.sha256,
        added_at=document.added_at,
    )


def history_out(entries: tuple[HistoryEntry, ...]) -> HistoryOut:
    """Return a revision's history for an answer."""
    return HistoryOut(
        data=[
            HistoryEntryOut(
                at=entry.occurred_at, actor=entry.actor, action=entry.action, reason=entry.reason, data=dict(entry.data)
            )
            for entry in entries
        ]
    )


_PLAIN_FIELDS = (
    "revision",
    "state",
    "part_qualification",
    "export_class",
    "ip_zone",
    "qualified_orientation",
    "inspection_level",
    "packaging",
    "ip_share_cap",
    "licence_required",
    "created_by",
    "created_at",
    "released_at",
    "released_by",
    "on_hold_since",
    "on_hold_reason",
    "version",
)
_LIST_FIELDS = (
    "process_materials",
    "required_certificates",
    "parameter_sets",
    "ip_countries",
    "ip_nodes",
    "ip_kinds",
)


def _revision_fields(revision: RevisionView) -> Mapping[str, Any]:
    size = revision.size
    return {
        "id": revision.revision_id,
        **{name: getattr(revision, name) for name in _PLAIN_FIELDS},
        **{name: list(getattr(revision, name)) for name in _LIST_FIELDS},
        "box": None if size is None else BoxOut(x_mm=size.box_x_mm, y_mm=size.box_y_mm, z_mm=size.box_z_mm),
        "volume_cm3": None if size is None else size.volume_cm3,
        "inspection_plan": [_characteristic_out(item) for item in revision.inspection_plan],
        "approval": _approval_out(revision),
        "print_file": None if revision.file is None else _print_file_out(revision.revision_id, revision.file),
        "documents": [document_out(document) for document in revision.documents],
    }


def _characteristic_out(item: Characteristic) -> CharacteristicOut:
    return CharacteristicOut(
        name=item.name,
        kind=item.kind,
        nominal_mm=item.nominal_mm,
        lower_mm=item.lower_mm,
        upper_mm=item.upper_mm,
    )


def _approval_out(revision: RevisionView) -> ApprovalOut | None:
    if revision.approved_at is None or revision.approved_by is None:
        return None
    return ApprovalOut(
        approved_by=revision.approved_by,
        approved_at=revision.approved_at,
        reason=revision.approval_reason,
        sha256=revision.approved_sha256,
    )


def _signature_out(revision: RevisionView) -> SignatureOut | None:
    statement, signature, key = (
        revision.release_statement,
        revision.release_signature,
        revision.release_public_key,
    )
    if statement is None or signature is None or key is None:
        return None
    return SignatureOut(statement=statement, signature=signature, public_key=key)


def _print_file_out(revision_id: str, file: PrintFileView) -> PrintFileOut:
    here = f"/v1/revisions/{revision_id}"
    return PrintFileOut(
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        box=BoxOut(x_mm=file.box_x_mm, y_mm=file.box_y_mm, z_mm=file.box_z_mm),
        volume_cm3=file.volume_cm3,
        triangles=file.triangles,
        validated_at=file.validated_at,
        source_sha256=file.source_sha256,
        area_cm2=file.area_cm2,
        bodies=file.bodies,
        thinnest_wall_mm=file.thinnest_wall_mm,
        preview=None if file.preview_sha256 is None else f"{here}/preview.png",
        model=None if file.model_sha256 is None else f"{here}/preview.glb",
    )
