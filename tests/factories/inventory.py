"""Parts, revisions and print files for tests."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.ports import Measures, Printability, ValidationReport
from fabroute.inventory.service import (
    Approval,
    Characteristic,
    NewPart,
    NewRevision,
    PrintFileRecord,
    Release,
    Upload,
    add_revision,
    approve_revision,
    attach_print_file,
    register_part,
    release_revision,
)
from tests.factories.organisations import NOW, OWNER
from tests.fakes.print_file_validator import REFUSED, SHAPE
from tests.fakes.signer import FakeSigner


def a_part(*, part_no: str = "AP-0101", organisation_id: str = OWNER, name: str = "Vacuum nozzle adapter") -> NewPart:
    """Return a part of a consumer appliance."""
    return NewPart(
        part_id=f"part_{organisation_id}_{part_no}",
        organisation_id=organisation_id,
        part_no=part_no,
        name=name,
        sector="appliance",
        criticality="consumer",
        hs_code="8508.70",
        annual_demand=1800,
    )


def a_revision(
    *,
    part_id: str = "part_org_owner_AP-0101",
    revision: str = "A",
    box_mm: tuple[float, float, float] = (86, 58, 54),
    volume_cm3: float = 24.5,
    process_materials: tuple[str, ...] = ("MJF:PA12-MJF",),
    required_certificates: tuple[str, ...] = ("ISO9001",),
    part_qualification: bool = False,
    export_class: str = "none",
    ip_zone: str = "any",
) -> NewRevision:
    """Return a revision that is printed of nylon."""
    return NewRevision(
        revision_id=f"rev_{part_id.removeprefix('part_')}_{revision}",
        part_id=part_id,
        revision=revision,
        box_x_mm=box_mm[0],
        box_y_mm=box_mm[1],
        box_z_mm=box_mm[2],
        volume_cm3=volume_cm3,
        process_materials=process_materials,
        required_certificates=required_certificates,
        part_qualification=part_qualification,
        export_class=export_class,
        ip_zone=ip_zone,
    )


def a_print_file(
    *, content: str = "3mf", box_mm: tuple[float, float, float] = (86, 58, 54), volume_cm3: float = 24.5
) -> PrintFileRecord:
    """Return what the checks found in a file that fits ``a_revision``."""
    return PrintFileRecord(
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        size_bytes=len(content),
        media_type="model/3mf",
        box_x_mm=box_mm[0],
        box_y_mm=box_mm[1],
        box_z_mm=box_mm[2],
        volume_cm3=volume_cm3,
        triangles=1200,
    )


def save_a_released_part(session: Session, *, part: NewPart | None = None, revision: NewRevision | None = None) -> str:
    """Save a part with a released revision and its print file; return the revision's id. Its owner must be there."""
    part_id = register_part(session, part=part or a_part(), now=NOW)
    wanted = revision or a_revision(part_id=part_id)
    revision_id = add_revision(session, revision=wanted, now=NOW)
    size = wanted.size
    facts = a_print_file(content=revision_id)
    if size is not None:
        facts = a_print_file(content=revision_id, box_mm=size.box_mm, volume_cm3=size.volume_cm3)
    attach_print_file(session, revision_id=revision_id, facts=facts, now=NOW)
    release(session, revision_id)
    return revision_id


def a_drawn_revision(
    *, part_id: str = "part_org_owner_AP-0101", revision: str = "A", licence_required: bool = False
) -> NewRevision:
    """Return a revision that states everything but its size, and asks for as much as can be asked for."""
    return NewRevision(
        revision_id=f"rev_{part_id.removeprefix('part_')}_{revision}",
        part_id=part_id,
        revision=revision,
        process_materials=("MJF:PA12-MJF", "SLS:PA12-SLS"),
        required_certificates=("ISO9001", "EN45545-HL3"),
        parameter_sets=("PS-1", "PS-2"),
        qualified_orientation="z",
        inspection_level="dimensional",
        inspection_plan=(
            Characteristic(name="bore", kind="diameter", nominal_mm=8.0, lower_mm=7.95, upper_mm=8.05),
            Characteristic(name="surface", kind="visual"),
        ),
        packaging="esd",
        export_class="dual_use",
        ip_zone="EU",
        ip_countries=("DE", "AT"),
        ip_nodes=("N001", "N002"),
        ip_kinds=("in_house",),
        ip_share_cap=0.5,
        licence_required=licence_required,
    )


def an_upload(*, revision_id: str = "rev_org_owner_AP-0101_A", content: bytes = b"3mf of A") -> Upload:
    """Return a file that was sent for a revision; it is not in any store yet."""
    return Upload(
        revision_id=revision_id,
        file_name="adapter.3mf",
        media_type="model/3mf",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def a_report(
    *,
    sha256: str = "0" * 64,
    valid: bool = True,
    box_mm: tuple[float, float, float] = (86, 58, 54),
    volume_cm3: float = 24.5,
) -> ValidationReport:
    """Return what a validator reports about a file that fits ``a_revision``, or about one with an open mesh."""
    return ValidationReport(
        format="3mf",
        source_sha256=sha256,
        size_bytes=8,
        findings=() if valid else (REFUSED,),
        measures=Measures(
            unit="millimeter",
            box_mm=box_mm,
            volume_cm3=volume_cm3,
            area_cm2=147.6,
            triangles=1200,
            vertices=602,
            bodies=1,
            thinnest_wall_mm=0.6,
            shape=SHAPE,
        ),
        printability=(Printability(process="MJF", findings=()),),
        canonical_sha256="c" * 64 if valid else None,
        readers=("fake 1",),
        cpu_ms=12,
        peak_kib=4096,
    )


def given_draft(session: Session, *, part: NewPart | None = None, revision: NewRevision | None = None) -> str:
    """Save a part with a draft revision without a file; return the revision's id. Its owner must be there."""
    part_id = register_part(session, part=part or a_part(), now=NOW)
    return add_revision(session, revision=revision or a_revision(part_id=part_id), now=NOW)


def approve(session: Session, revision_id: str, *, actor: str = "system:test", now: datetime = NOW) -> None:
    """Approve a validated revision."""
    approval = Approval(actor=actor, reason="it is as drawn")
    approve_revision(session, revision_id=revision_id, approval=approval, now=now)


def release_approved(session: Session, revision_id: str, *, actor: str = "system:test", now: datetime = NOW) -> None:
    """Release an approved revision, signed by a fake."""
    wanted = Release(actor=actor, reason="the first parts are good")
    release_revision(session, revision_id=revision_id, release=wanted, signer=FakeSigner(), now=now)


def release(session: Session, revision_id: str, *, actor: str = "system:test", now: datetime = NOW) -> None:
    """Approve and release a validated revision."""
    approve(session, revision_id, actor=actor, now=now)
    release_approved(session, revision_id, actor=actor, now=now)
