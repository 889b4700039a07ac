"""Approve a validated revision, release it under a signature, withdraw it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.inventory.models import Part, PartRevision, PrintFile
from fabroute.inventory.ports import PrintFileSigner
from fabroute.inventory.repository import documents, revisions
from fabroute.inventory.repository.submissions import submitter_of
from fabroute.inventory.service.licences import freeze_licences_of
from fabroute.inventory.service.moves import Mover, locked, move, note, require_reason
from fabroute.inventory.states import RevisionStateConflict, require_transition
from fabroute.kernel.errors import DomainError
from fabroute.settings import get_settings


class ApprovalMissing(DomainError):
    """A revision that nobody approved (with this print file) can't be released."""

    code = "approval_missing"
    status = 409


class FourEyesNeeded(DomainError):
    """Who approves must be another than who uploaded the file or releases the revision."""

    code = "four_eyes_needed"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who approves a revision, and why. With ``sha256``, only that print file is meant; with an organisation, its own.

    ``ReasonMissing`` without a reason.
    """

    actor: str
    reason: str
    sha256: str | None = None
    organisation_id: str | None = None

    def __post_init__(self) -> None:
        require_reason(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Who releases a revision, and why; with an organisation, only its own. ``ReasonMissing`` without a reason."""

    actor: str
    reason: str
    organisation_id: str | None = None

    def __post_init__(self) -> None:
        require_reason(self.reason)


def approve_revision(session: Session, *, revision_id: str, approval: Approval, now: datetime) -> None:
    """Approve a validated revision with its present print file. Audited; a later approval takes the place of this one.

    Raises ``UnknownRevision``, ``RevisionStateConflict``, ``ApprovalMissing`` when another file is there than the one
    that was looked at, and with ``FABROUTE_FOUR_EYES`` ``FourEyesNeeded``.
    """
    revision, part = locked(session, revision_id, organisation_id=approval.organisation_id)
    print_file = _validated_file(session, revision)
    if approval.sha256 not in (None, print_file.sha256):
        raise ApprovalMissing(
            f"you approve the file {approval.sha256}, but revision {revision.revision} has {print_file.sha256} now: "
            "look at that one"
        )
    _require_other_eyes(approval.actor, submitter_of(session, print_file.submission_id), "uploaded its print file")
    revision.approved_by, revision.approved_at = approval.actor, now
    revision.approval_reason, revision.approved_sha256 = approval.reason.strip(), print_file.sha256
    revision.version += 1
    session.flush()
    by = Mover(actor=approval.actor, now=now, reason=approval.reason.strip())
    note(session, revision, part, "revision.approved", by=by, sha256=print_file.sha256)


def release_revision(
    session: Session, *, revision_id: str, release: Release, signer: PrintFileSigner, now: datetime
) -> None:
    """Let an approved revision be ordered, under a signature; the one released before is superseded, its licences
    are frozen. Audited and told.

    Raises ``UnknownRevision``, ``RevisionStateConflict`` (without a validated file there is no release),
    ``ApprovalMissing``, and with ``FABROUTE_FOUR_EYES`` ``FourEyesNeeded``.
    """
    revision, part = locked(session, revision_id, organisation_id=release.organisation_id)
    require_transition(revision=revision.id, present=revision.state, wanted="released")
    print_file = _approved_file(session, revision)
    _require_other_eyes(release.actor, revision.approved_by, "approved it")
    by = Mover(actor=release.actor, now=now, reason=release.reason.strip())
    before = revisions.find_released_revision(session, revision.part_id)
    if before is not None:
        _supersede(session, before, part, revision, by)
    revision.released_by, revision.released_at = release.actor, now
    statement = release_statement(session, revision, part, print_file)
    revision.release_statement = statement
    revision.release_signature = signer.sign(statement.encode())
    revision.release_public_key = signer.public_key
    move(session, revision, part, "released", by=by)


def withdraw_revision(
    session: Session,
    *,
    revision_id: str,
    actor: str,
    now: datetime,
    reason: str = "",
    organisation_id: str | None = None,
) -> None:
    """Take a revision out of use for good and freeze its licences. Audited and told.

    Raises ``UnknownRevision`` (also for another's, where an organisation is given) and ``RevisionStateConflict``.
    """
    revision, part = locked(session, revision_id, organisation_id=organisation_id)
    by = Mover(actor=actor, now=now, reason=reason.strip())
    move(session, revision, part, "withdrawn", by=by)
    freeze_licences_of(session, revision_id=revision_id, reason=f"revision {revision.revision} was withdrawn", by=by)


def release_statement(session: Session, revision: PartRevision, part: Part, print_file: PrintFile) -> str:
    """Return what is signed at release: canonical JSON (sorted keys, no spaces, ASCII) of all that the release means.

    Anyone can check it with the public key, and the file's SHA-256 in it against the file.
    """
    statement = {
        "organisation_id": part.organisation_id,
        "part_no": part.part_no,
        "revision": revision.revision,
        "revision_id": revision.id,
        "print_file": {name: getattr(print_file, name) for name in _SIGNED_OF_FILE},
        "requirements": {name: getattr(revision, name) for name in _SIGNED_OF_REVISION},
        "documents": [
            {"kind": it.kind, "name": it.name, "sha256": it.sha256}
            for it in documents.read_of_revisions(session, [revision.id])
        ],
        **{name: _instant(getattr(revision, name)) for name in _SIGNED_MOMENTS},
    }
    return canonical_json(statement)


def canonical_json(document: Mapping[str, Any]) -> str:
    """Return JSON that is the same, byte for byte, for the same content."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


_SIGNED_OF_FILE = (
    *("sha256", "size_bytes", "media_type", "source_sha256"),
    *("box_x_mm", "box_y_mm", "box_z_mm", "volume_cm3", "triangles"),
)
_SIGNED_OF_REVISION = (
    *("process_materials", "parameter_sets", "qualified_orientation", "required_certificates", "part_qualification"),
    *("inspection_level", "inspection_plan", "packaging", "export_class", "licence_required"),
    *("ip_zone", "ip_countries", "ip_nodes", "ip_kinds", "ip_share_cap"),
)
_SIGNED_MOMENTS = ("approved_by", "approved_at", "released_by", "released_at")


def _instant(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _validated_file(session: Session, revision: PartRevision) -> PrintFile:
    if revision.state != "validated":
        advice = _NOT_NOW.get(revision.state, "add a new revision")
        raise RevisionStateConflict(f"revision {revision.id} is {revision.state} and can't be approved: {advice}")
    print_file = revisions.find_print_file(session, revision.id)
    if print_file is None:
        raise RevisionStateConflict(f"revision {revision.id} has no print file: upload it first")
    return print_file


_NOT_NOW = {
    "draft": "attach a print file that passes its checks first",
    "released": "it is released already",
}


def _approved_file(session: Session, revision: PartRevision) -> PrintFile:
    print_file = _validated_file(session, revision)
    if revision.approved_at is None:
        raise ApprovalMissing(f"nobody has approved revision {revision.revision} yet: POST …/approval first")
    if revision.approved_sha256 != print_file.sha256:
        raise ApprovalMissing(
            f"revision {revision.revision} was approved with the file {revision.approved_sha256}, but has "
            f"{print_file.sha256} now: approve that one"
        )
    return print_file


def _require_other_eyes(actor: str, other: str | None, what: str) -> None:
    if get_settings().four_eyes and actor == other:
        raise FourEyesNeeded(f"{actor} {what}: with FABROUTE_FOUR_EYES another key has to do this")


def _supersede(session: Session, before: PartRevision, part: Part, after: PartRevision, by: Mover) -> None:
    reason = f"superseded by revision {after.revision}"
    move(session, before, part, "superseded", by=Mover(actor=by.actor, now=by.now, reason=reason))
    freeze_licences_of(session, revision_id=before.id, reason=reason, by=by)
