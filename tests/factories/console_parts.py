"""A part with everything that its page can tell: a real print file, findings, licences, readiness, revisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from manifold3d import Manifold

from fabroute.database import unit_of_work
from fabroute.integrations.print_files import Label, write_print_file
from fabroute.inventory.service import (
    NewLicence,
    NewRevision,
    SubmissionView,
    Upload,
    ValidationLimits,
    create_revision,
    grant_licence,
    latest_submission,
    submit_print_file,
    validate_submissions,
)
from fabroute.kernel.time import utc_now
from fabroute.routing.service.readiness import ask_readiness
from fabroute.routing.service.readiness_work import ReadinessLimits, make_readiness
from tests.factories.console import ServedConsole
from tests.factories.console_spares import LegacySpare, a_legacy_spare
from tests.factories.databases import in_transaction
from tests.factories.inventory import approve, release_approved
from tests.factories.print_files import in_process

_SEGMENTS = 96
_WANTED: Mapping[str, Any] = {
    "process_materials": ("MJF:PA12-MJF", "MEX:PETG"),
    "required_certificates": ("ISO9001",),
    "parameter_sets": ("PS-1",),
    "licence_required": True,
}


def a_cover() -> Manifold:
    """Return a flanged cover with a bore, four holes and a fin that is too thin for most processes."""
    flange = Manifold.cylinder(8, 40, 40, _SEGMENTS) + Manifold.cylinder(36, 24, 20, _SEGMENTS)
    holes = Manifold()
    for x, y in ((30, 0), (-30, 0), (0, 30), (0, -30)):
        holes += Manifold.cylinder(20, 3.5, 3.5, _SEGMENTS).translate((x, y, -5))
    fin = Manifold.cube((0.7, 30, 20)).translate((-0.35, -15, 30))
    return flange + fin - holes - Manifold.cylinder(80, 14, 14, _SEGMENTS).translate((0, 0, -5))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInFull:
    """A legacy spare whose revision B was uploaded, validated and released; A is superseded."""

    spare: LegacySpare
    revision_id: str

    @property
    def console(self) -> ServedConsole:
        """Where it is served."""
        return self.spare.console

    @property
    def path(self) -> str:
        """The part's page."""
        return f"/console/parts/{self.spare.part_no}"

    def upload(self, content: bytes, *, file_name: str = "cover.3mf", revision_id: str = "") -> None:
        """Send a print file."""
        _upload(self.console, revision_id or self.revision_id, content, file_name)

    def validate(self) -> None:
        """Have everything validated that was sent."""
        validated(self.console)

    def submission(self) -> SubmissionView:
        """Return what became of the upload."""
        owner = self.console.people.owner.organisation_id
        found = in_transaction(
            self.console.engine, lambda it: latest_submission(it, organisation_id=owner, revision_id=self.revision_id)
        )
        assert found is not None
        return found

    def draft(self, revision: str) -> str:
        """Begin another revision and return its id."""
        return _draft(self.console, revision)

    def ask_readiness(self) -> None:
        """Ask for a report."""
        owner = self.console.people.owner.organisation_id
        with unit_of_work(self.console.engine) as session:
            ask_readiness(session, organisation_id=owner, actor="key_1", now=utc_now())

    def make_readiness(self) -> None:
        """Have the report made that was asked for."""
        while make_readiness(self.console.engine, limits=ReadinessLimits(horizon_days=45), now=utc_now()) is not None:
            continue


def a_part_in_full(console: ServedConsole, *, name: str = "") -> PartInFull:
    """Save the part, have its file validated, and one of its two nodes lose its certificate within the month."""
    spare = a_legacy_spare(console)
    if name:
        spare.renamed(name)
    revision_id = _draft(console, "B")
    label = Label(part_no=spare.part_no, revision="B", name="Cover")
    _upload(console, revision_id, write_print_file(a_cover(), label=label), "cover.3mf")
    validated(console)
    with unit_of_work(console.engine) as session:
        approve(session, revision_id)
        release_approved(session, revision_id)
        grant_licence(
            session,
            organisation_id=console.people.owner.organisation_id,
            licence=NewLicence(revision_id=revision_id, prints=40, valid_to=utc_now().date() + timedelta(days=400)),
            actor="key_1",
            now=utc_now(),
        )
    ends = utc_now().date() + timedelta(days=20)
    spare.network_changed("UPDATE certificates SET valid_to = :ends WHERE node_id = 'N102' RETURNING id", ends=ends)
    return PartInFull(spare=spare, revision_id=revision_id)


def validated(console: ServedConsole) -> None:
    """Have everything validated that was sent, as a worker would."""
    with TemporaryDirectory() as folder:
        validate_submissions(
            console.engine,
            store=console.resources.store,
            validator=in_process,
            workspace_root=Path(folder),
            limits=ValidationLimits(files=10),
            now=utc_now(),
        )


def _draft(console: ServedConsole, revision: str) -> str:
    owner = console.people.owner
    wanted = NewRevision(part_id=owner.part_id, revision=revision, **_WANTED)
    with unit_of_work(console.engine) as session:
        return create_revision(session, revision=wanted, actor="key_1", now=utc_now()).revision_id


def _upload(console: ServedConsole, revision_id: str, content: bytes, file_name: str) -> None:
    upload = Upload(
        revision_id=revision_id,
        file_name=file_name,
        media_type="model/3mf",
        size_bytes=len(content),
        sha256=console.resources.store.put(content),
    )
    owner = console.people.owner.organisation_id
    with unit_of_work(console.engine) as session:
        submit_print_file(session, organisation_id=owner, upload=upload, actor="key_1", now=utc_now())
