"""Load the reference network: check every file, complete it by chance, make the print files, save it all at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.service import create_organisation
from fabroute.integrations.reference.checks import check_together
from fabroute.integrations.reference.dates import calendar_for
from fabroute.integrations.reference.description import Description, describe, moved
from fabroute.integrations.reference.files import Read, read_files
from fabroute.integrations.reference.first_articles import revision_id
from fabroute.integrations.reference.names import save_names
from fabroute.integrations.reference.nodes import OWNER_ID
from fabroute.integrations.reference.print_files import REVISION, PrintFileMaker, Progress
from fabroute.integrations.reference.report import SeedReport, report_on
from fabroute.integrations.reference.rows import PartRow
from fabroute.integrations.reference.tables import Problems
from fabroute.integrations.validation.sandbox import LimitedValidator
from fabroute.inventory.ports import PrintFileSigner, PrintFileStore
from fabroute.inventory.service import (
    Approval,
    NewPart,
    NewRevision,
    PrintFileRecord,
    Release,
    add_revision,
    approve_revision,
    attach_print_file,
    read_revisions,
    register_part,
    release_revision,
)
from fabroute.kernel.events import DomainEvent
from fabroute.logistics.service import save_logistics
from fabroute.network.service import extend_capacity, save_network
from fabroute.outbox.service import record
from fabroute.qualification.service import save_certificates, save_first_articles
from fabroute.settings import get_settings

ACTOR = "system:reference"
_REASON = "part of the reference inventory"
_WHAT = "loading the network"
_Step = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """One loading: what, with which print files, at which instant."""

    description: Description
    files: Mapping[str, PrintFileRecord]
    signer: PrintFileSigner | None
    now: datetime


def load_reference(
    engine: Engine,
    *,
    folder: Path,
    store: PrintFileStore | None,
    signer: PrintFileSigner | None = None,
    as_of: date | None,
    now: datetime,
    progress: Progress = lambda what, done, total: None,
) -> SeedReport:
    """Load the CSV files of ``folder`` in one transaction and return what was loaded; the same again changes nothing.

    ``as_of`` is the day that the files' base day becomes: with the present day, the network looks the same on every
    day (certificates that end soon still end soon); ``None`` keeps the files' dates. Capacity is planned from ``now``
    on. Without a ``store`` no print files are made, and new revisions stay drafts; without a ``signer`` those that have
    a print file stay validated, for nothing is released unsigned. Raises ``InvalidReferenceData``
    with everything that is wrong in the files, before anything is written.
    """
    problems = Problems()
    files = read_files(folder, problems)
    check_together(files, problems)
    problems.require_none()
    made, drawn = ({}, 0) if store is None else _make_files(files.parts, store, progress)
    problems.require_none()
    load = _Load(description=moved(describe(files), calendar_for(as_of)), files=made, signer=signer, now=now)
    with unit_of_work(engine) as session:
        changed = _save_all(session, load, progress)
    return report_on(load.description, changed=changed, files=len(made), drawn=drawn, as_of=as_of)


def _make_files(
    parts: Sequence[Read[PartRow]], store: PrintFileStore, progress: Progress
) -> tuple[dict[str, PrintFileRecord], int]:
    """Return the print files of all parts, and how many of them had to be drawn."""
    with LimitedValidator() as validator:
        maker = PrintFileMaker(store, validator=validator)
        return maker.make_all(parts, progress=progress), maker.drawn


def _save_all(session: Session, load: _Load, progress: Progress) -> int:
    found, now = load.description, load.now
    steps: tuple[_Step, ...] = (
        lambda: _save_organisations(session, load),
        lambda: save_network(session, data=found.network),
        lambda: save_logistics(session, data=found.logistics),
        lambda: save_certificates(session, certificates=found.certificates, now=now),
        lambda: _save_parts(session, load),
        lambda: save_names(session, description=found, actor=ACTOR, now=now),
        lambda: save_first_articles(session, first_articles=found.first_articles, now=now),
        lambda: _plan_capacity(session, now),
    )
    changed = []
    for done, step in enumerate(steps, start=1):
        changed.append(step())
        progress(_WHAT, done, len(steps))
    if any(changed):
        record(session, _network_changed(now))
    return sum(changed)


def _save_organisations(session: Session, load: _Load) -> int:
    for row in load.description.organisations:
        create_organisation(session, name=row.name, kind=row.kind, now=load.now, organisation_id=row.organisation_id)
    return 0


def _plan_capacity(session: Session, now: datetime) -> int:
    """Plan the horizon. That is no change of the network: it happens every day."""
    extend_capacity(session, today=now.date(), horizon_days=get_settings().planning_horizon_days)
    return 0


def _save_parts(session: Session, load: _Load) -> int:
    """Save parts and revisions; return how many got a file. What a person did to a revision since is left alone."""
    parts = load.description.parts
    known = read_revisions(session, revision_ids=[revision_id(part.part_no) for part in parts])
    released = 0
    for part in parts:
        part_id = register_part(session, part=_new_part(part), now=load.now)
        saved = add_revision(session, revision=_new_revision(part, part_id), now=load.now)
        before = known.get(saved)
        record_of_file = load.files.get(part.part_no)
        if record_of_file is not None and (before is None or before.state == "draft"):
            attach_print_file(session, revision_id=saved, facts=record_of_file, now=load.now)
            _release(session, saved, load)
            released += 1
    return released


def _release(session: Session, revision_id: str, load: _Load) -> None:
    if load.signer is None:
        return
    approval, release = Approval(actor=ACTOR, reason=_REASON), Release(actor=ACTOR, reason=_REASON)
    approve_revision(session, revision_id=revision_id, approval=approval, now=load.now)
    release_revision(session, revision_id=revision_id, release=release, signer=load.signer, now=load.now)


def _new_part(part: PartRow) -> NewPart:
    return NewPart(
        part_id=f"part_{part.part_no}",
        organisation_id=OWNER_ID,
        part_no=part.part_no,
        name=part.name,
        sector=part.sector,
        criticality=part.criticality,
        hs_code=part.hs_code,
        annual_demand=part.annual_demand,
        note=part.note,
        conventional=part.conventional,
    )


def _new_revision(part: PartRow, part_id: str) -> NewRevision:
    return NewRevision(
        revision_id=revision_id(part.part_no),
        part_id=part_id,
        revision=REVISION,
        box_x_mm=part.box_mm[0],
        box_y_mm=part.box_mm[1],
        box_z_mm=part.box_mm[2],
        volume_cm3=part.volume_cm3,
        process_materials=part.process_materials,
        required_certificates=part.required_certificates,
        part_qualification=part.part_qualification,
        export_class=part.export_class,
        ip_zone=part.ip_zone,
    )


def _network_changed(now: datetime) -> DomainEvent:
    return DomainEvent(
        name="network.changed",
        subject_type="network",
        subject_id="reference",
        occurred_at=now,
        data={"reason": "reference_loaded"},
    )
