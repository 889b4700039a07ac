"""Parts, revisions and print files for tests."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory.service import (
    Approval,
    NewPart,
    NewRevision,
    PrintFileRecord,
    Release,
    add_revision,
    approve_revision,
    attach_print_file,
    register_part,
    release_revision,
)
from tests.factories.organisations import NOW, OWNER
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
