"""Print files of owners: which revision takes one, what may come in, and what goes out to its owner again."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from fabroute.api.dependencies import Identifier, InventoryWriter, get_resources, work_of
from fabroute.api.downloads import StoredFile, send_file_if_new
from fabroute.api.uploads import ReceivedFile, UploadRules, received_file
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PrintFileView, RevisionView
from fabroute.kernel.errors import DomainError

REFUSED_MEDIA_TYPES = re.compile(
    r"(?:image|audio|video|multipart|message|font)/.*"
    r"|text/(?!plain$).*"
    r"|application/(?:json|pdf|javascript|xml|xhtml\+xml|problem\+json|.*\.(?:openxmlformats|oasis)\..*)"
)
"""What is surely no 3MF and no STL. Anything else may come in: the validator looks at the content."""

_TAKING = ("draft", "validated")
_FOR_EVER = "private, max-age=31536000, immutable"


class NoPrintFile(DomainError):
    """The revision has no validated print file (or no such preview of it)."""

    code = "no_print_file"
    status = 404


class NoSubmission(DomainError):
    """No print file was uploaded for the revision."""

    code = "no_submission"
    status = 404


def get_open_revision(request: Request, revision_id: Identifier, caller: InventoryWriter) -> str:
    """Return the id of a revision of the caller's that takes a print file, asked before a byte of it is read.

    Raises ``UnknownRevision`` and ``RevisionFrozen``.
    """
    with work_of(request, caller) as session:
        revision = inventory.get_revision(session, organisation_id=caller.organisation_id, revision_id=revision_id)
    if revision.state not in _TAKING:
        raise inventory.RevisionFrozen(
            f"revision {revision.revision} of {revision.part_no} is {revision.state} and keeps its files: "
            "add a new revision for others"
        )
    return revision_id


async def get_print_file_upload(request: Request) -> AsyncIterator[ReceivedFile]:
    """Yield the request's body as a file that is gone after the request."""
    resources = get_resources(request)
    rules = UploadRules(maximum_bytes=resources.settings.max_upload_bytes, refused_media_types=REFUSED_MEDIA_TYPES)
    async with received_file(request, slots=resources.uploads, rules=rules) as file:
        yield file


OpenRevision = Annotated[str, Depends(get_open_revision)]
PrintFileUpload = Annotated[ReceivedFile, Depends(get_print_file_upload)]


def own_copy(request: Request, *, caller: Principal, revision_id: str, now: datetime) -> Response:
    """Return a revision's print file to its owner, or 304; what is sent stands on the audit log.

    Raises ``UnknownRevision``, ``NoPrintFile`` and what the store raises.
    """
    resources = get_resources(request)
    revision, file = _file_of(request, caller, revision_id)
    name = f"{revision.part_no}_{revision.revision}.3mf"
    answer = send_file_if_new(
        request, resources.store, StoredFile(sha256=file.sha256, file_name=name, media_type=file.media_type)
    )
    if answer.status_code == 200:
        with work_of(request, caller) as session:
            record_audit(session, entry=_downloaded(caller, revision_id, file.sha256, now))
    return answer


def preview(request: Request, *, caller: Principal, revision_id: str, kind: str) -> Response:
    """Return the picture (``png``) or the model (``glb``) of a revision's print file, or 304.

    Of a revision that keeps its file it may be kept for ever. Raises as ``own_copy`` does.
    """
    revision, file = _file_of(request, caller, revision_id)
    sha256 = file.preview_sha256 if kind == "png" else file.model_sha256
    if sha256 is None:
        raise NoPrintFile(f"there is no {kind} of revision {revision.revision}: upload its print file once more")
    headers = {"Content-Disposition": "inline"}
    if revision.state not in _TAKING:
        headers["Cache-Control"] = _FOR_EVER
    media_type = "image/png" if kind == "png" else "model/gltf-binary"
    wanted = StoredFile(sha256=sha256, file_name=f"preview.{kind}", media_type=media_type, headers=headers)
    return send_file_if_new(request, get_resources(request).store, wanted)


def _file_of(request: Request, caller: Principal, revision_id: str) -> tuple[RevisionView, PrintFileView]:
    with work_of(request, caller) as session:
        revision = inventory.get_revision(session, organisation_id=caller.organisation_id, revision_id=revision_id)
    if revision.file is None:
        raise NoPrintFile(
            f"revision {revision.revision} of {revision.part_no} has no print file: upload one, "
            "or see its report at GET …/validation"
        )
    return revision, revision.file


def _downloaded(caller: Principal, revision_id: str, sha256: str, now: datetime) -> AuditRecord:
    return AuditRecord(
        organisation_id=caller.organisation_id,
        occurred_at=now,
        actor=caller.key_id,
        action="print_file.downloaded",
        subject_type="part_revision",
        subject_id=revision_id,
        data={"sha256": sha256},
    )
