"""A job's files: the print file, which leaves by a ticket only, and evidence, which its node adds."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    JobsReader,
    JobsWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
    get_resources,
    work_of,
)
from fabroute.api.downloads import StoredFile, send_file, send_file_if_new
from fabroute.api.evidence import FILE, FILE_PROBLEMS, UPLOAD, UPLOAD_PROBLEMS, EvidenceFile, file_of
from fabroute.api.leases import LEASE_PROBLEMS, LeaseHeader
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.prints import FileTicketOut, JobEvidenceOut, file_ticket_out, job_evidence_out
from fabroute.identity.rules import Principal
from fabroute.inventory.ports import PrintFileDamaged, PrintFileMissing, PrintFileStoreDown
from fabroute.inventory.service import MEDIA_TYPE
from fabroute.kernel.time import utc_now
from fabroute.production import service as production
from fabroute.production.rules import EVIDENCE_HEAD_BYTES, EvidenceKind
from fabroute.production.service import FileRelease, NewEvidence

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=ContractRoute)

SIGNATURE_HEADER, PUBLIC_KEY_HEADER = "Fabroute-Signature", "Fabroute-Public-Key"
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{20,100}$", description="Of POST /v1/jobs/{job_id}/file-tickets.")]
FileName = Annotated[str, Path(min_length=1, max_length=120, description="Yours to choose; evidence never changes.")]

_KINDS = {"image": "photo", "video": "photo", "text": "measurement", "application/pdf": "report"}
_PLAIN = file_of(MEDIA_TYPE)[200]
_PRINT_FILE: docs.Responses = {
    200: _PLAIN
    | {
        "description": "The canonical 3MF, after its SHA-256 was found right.",
        "headers": _PLAIN["headers"]
        | {
            SIGNATURE_HEADER: {
                "description": "Ed25519 over the release's statement, base64; the statement came with the ticket.",
                "schema": {"type": "string"},
            },
            PUBLIC_KEY_HEADER: {"description": "Ed25519, base64.", "schema": {"type": "string"}},
        },
    }
}


def get_visible_job(request: Request, job_id: Identifier, principal: JobsWriter) -> str:
    """Return the id of a job that the caller may see, asked in a transaction that ends at once."""
    with work_of(request, principal) as session:
        return production.get_job(session, principal=principal, job_id=job_id).job_id


@router.post(
    "/jobs/{job_id}/file-tickets",
    status_code=201,
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.FileRefused,
        production.JobUnqualified,
        *LEASE_PROBLEMS,
    ),
)
def issue_file_ticket(
    job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, lease: LeaseHeader
) -> FileTicketOut:
    """Get a ticket for one download of an accepted job's print file: within minutes, by your own organisation's key.

    It comes with what was signed when the revision was released, to check the file and the facts with.
    """
    ticket = production.issue_ticket(session, principal=caller, job_id=job_id, now=now, lease=lease)
    return file_ticket_out(ticket, production.get_job(session, principal=caller, job_id=job_id))


@router.get(
    "/print-files/{token}",
    response_class=Response,
    responses=_PRINT_FILE
    | docs.problems(
        production.UnknownTicket,
        production.TicketUsed,
        production.TicketExpired,
        production.TicketVoid,
        production.FileRefused,
        production.JobUnqualified,
        *FILE_PROBLEMS,
    ),
)
def fetch_print_file(request: Request, token: Token, caller: JobsWriter, now: Now) -> Response:
    """Fetch a job's print file with a ticket. Every gate is asked again; the ticket is used up, whatever comes after.

    Nothing is sent before the file's SHA-256 was found right in the store.
    """
    resources = get_resources(request)
    with work_of(request, caller) as session:
        release = production.redeem_ticket(session, principal=caller, token=token, now=now)
    resources.doorbell.ring()
    try:
        return send_file(resources.store, _print_file(release))
    except (PrintFileDamaged, PrintFileMissing, PrintFileStoreDown) as error:
        _note_failure(request, caller, release, reason=error.code)
        error.message += ". This ticket is used up: ask for a new one"
        raise


@router.put(
    "/jobs/{job_id}/evidence/{name}",
    responses=docs.problems(
        production.UnknownJob,
        production.NotTheNode,
        production.JobStateConflict,
        production.InvalidEvidence,
        production.EvidenceExists,
        PrintFileStoreDown,
        *LEASE_PROBLEMS,
        *UPLOAD_PROBLEMS,
    ),
    openapi_extra=UPLOAD,
)
def put_job_evidence(
    request: Request,
    caller: JobsWriter,
    job_id: Annotated[str, Depends(get_visible_job)],
    name: FileName,
    file: EvidenceFile,
    session: WriteSession,
    now: Now,
    lease: LeaseHeader,
    kind: Annotated[EvidenceKind | None, Query(description="What it is; else guessed from its Content-Type.")] = None,
) -> JobEvidenceOut:
    """Add a photo, a measurement or a report to a job: the file itself as the body, up to 32 MiB.

    The same again changes nothing; another file under the same name is refused, and a file whose content is not what
    its Content-Type says.
    """
    evidence = NewEvidence(
        kind=kind or _kind_of(file.media_type),
        name=name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=get_resources(request).store.put_file(file.path),
        head=file.head(EVIDENCE_HEAD_BYTES),
    )
    return job_evidence_out(
        production.add_evidence(session, principal=caller, job_id=job_id, evidence=evidence, now=now, lease=lease)
    )


@router.get("/jobs/{job_id}/evidence", responses=docs.NEXT_PAGE | docs.problems(production.UnknownJob))
def list_job_evidence(
    request: Request, response: Response, job_id: Identifier, caller: JobsReader, session: ReadSession, page: PageQuery
) -> Listing[JobEvidenceOut]:
    """List the evidence of a job, oldest first."""
    found = production.list_evidence(session, principal=caller, job_id=job_id, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, job_evidence_out)


@router.get(
    "/jobs/{job_id}/evidence/{name}",
    response_class=Response,
    responses=FILE
    | docs.NOT_MODIFIED
    | docs.problems(production.UnknownJob, production.UnknownEvidence, *FILE_PROBLEMS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_job_evidence(request: Request, job_id: Identifier, name: FileName, caller: JobsReader) -> Response:
    """Read a piece of evidence: for the part's owner, the node and the operator."""
    resources = get_resources(request)
    with work_of(request, caller) as session:
        found = production.get_evidence(session, principal=caller, job_id=job_id, name=name)
    file = StoredFile(sha256=found.sha256, file_name=found.name, media_type=found.media_type)
    return send_file_if_new(request, resources.store, file)


def _print_file(release: FileRelease) -> StoredFile:
    signed = {SIGNATURE_HEADER: release.file.signature, PUBLIC_KEY_HEADER: release.file.public_key}
    return StoredFile(
        sha256=release.file.sha256,
        file_name=release.file.file_name,
        media_type=release.file.media_type,
        headers={name: value for name, value in signed.items() if value} | {"Cache-Control": "private, no-store"},
    )


def _note_failure(request: Request, caller: Principal, release: FileRelease, *, reason: str) -> None:
    with work_of(request, caller) as session:
        production.note_failed_release(session, release=release, actor=caller.key_id, reason=reason, now=utc_now())


def _kind_of(media_type: str) -> str:
    return _KINDS.get(media_type) or _KINDS.get(media_type.partition("/")[0]) or "other"
