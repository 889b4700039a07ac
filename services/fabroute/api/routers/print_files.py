"""Print files: uploaded, validated, looked at, compared, read by their owner."""

from fastapi import APIRouter, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.caching import conditional
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    InventoryReader,
    InventoryWriter,
    Now,
    ReadSession,
    WriteSession,
    get_resources,
)
from fabroute.api.evidence import FILE_PROBLEMS, UPLOAD, UPLOAD_PROBLEMS, file_of
from fabroute.api.print_files import NoPrintFile, NoSubmission, OpenRevision, PrintFileUpload, own_copy, preview
from fabroute.api.schemas.print_files import (
    WAITING,
    SimilarFilesOut,
    ValidationOut,
    similar_files_out,
    validation_out,
)
from fabroute.inventory import service as inventory
from fabroute.inventory.ports import PrintFileStoreDown

router = APIRouter(prefix="/v1/revisions/{revision_id}", tags=["print files"], route_class=ContractRoute)

_LOOK_AGAIN_SECONDS = "1"
_ACCEPTED: docs.Responses = {
    202: {
        "description": "The file is stored and waits for its validation, whatever happens to this process.",
        "headers": {"Location": {"description": "Where its report will be.", "schema": {"type": "string"}}},
    }
}
_REPORT: docs.Responses = {
    200: {
        "headers": docs.ETAG
        | {"Retry-After": {"description": "While it is not finished.", "schema": {"type": "integer"}}}
    }
}
_READ = docs.NOT_MODIFIED | docs.problems(inventory.UnknownRevision, NoPrintFile, *FILE_PROBLEMS)


@router.put(
    "/print-file",
    status_code=202,
    responses=_ACCEPTED
    | docs.problems(inventory.UnknownRevision, inventory.RevisionFrozen, PrintFileStoreDown, *UPLOAD_PROBLEMS),
    openapi_extra=UPLOAD,
)
def put_print_file(
    request: Request,
    response: Response,
    caller: InventoryWriter,
    revision_id: OpenRevision,
    file: PrintFileUpload,
    session: WriteSession,
    now: Now,
) -> ValidationOut:
    """Upload the print file of a draft, 3MF or STL: its own bytes as the body. It is validated within seconds.

    The same bytes again are the same submission, so this can be repeated. Another file takes a validated revision back
    to its draft, and voids its approval.
    """
    upload = inventory.Upload(
        revision_id=revision_id,
        file_name=file.file_name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=get_resources(request).store.put_file(file.path),
    )
    submitted = inventory.submit_print_file(
        session, organisation_id=caller.organisation_id, upload=upload, actor=caller.key_id, now=now
    )
    response.headers["Location"] = f"/v1/revisions/{revision_id}/validation"
    return validation_out(submitted)


@router.get(
    "/print-file",
    response_class=Response,
    responses=file_of(inventory.MEDIA_TYPE) | _READ,
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_own_print_file(request: Request, revision_id: Identifier, caller: InventoryReader, now: Now) -> Response:
    """Read the validated print file of your revision, in its canonical form. It stands on the audit log."""
    return own_copy(request, caller=caller, revision_id=revision_id, now=now)


@router.get(
    "/validation",
    response_model=ValidationOut,
    responses=_REPORT | docs.NOT_MODIFIED | docs.problems(inventory.UnknownRevision, NoSubmission),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_validation(
    request: Request, revision_id: Identifier, caller: InventoryReader, session: ReadSession
) -> Response:
    """Read what became of the newest upload: while it waits, ask again after Retry-After; then, what was found."""
    found = inventory.latest_submission(session, organisation_id=caller.organisation_id, revision_id=revision_id)
    if found is None:
        raise NoSubmission("no print file was uploaded for this revision: PUT …/print-file")
    answer = conditional(request, validation_out(found))
    if found.state in WAITING:
        answer.headers["Retry-After"] = _LOOK_AGAIN_SECONDS
    return answer


@router.get("/similar", responses=docs.problems(inventory.UnknownRevision))
def list_similar_files(revision_id: Identifier, caller: InventoryReader, session: ReadSession) -> SimilarFilesOut:
    """List your revisions whose print file is the same, or of the same or nearly the same geometry."""
    owner = caller.organisation_id
    return similar_files_out(inventory.similar_files(session, organisation_id=owner, revision_id=revision_id))


@router.get(
    "/preview.png",
    response_class=Response,
    responses=file_of("image/png") | _READ,
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_picture(request: Request, revision_id: Identifier, caller: InventoryReader) -> Response:
    """Look at the print file: a picture of what it prints."""
    return preview(request, caller=caller, revision_id=revision_id, kind="png")


@router.get(
    "/preview.glb",
    response_class=Response,
    responses=file_of("model/gltf-binary") | _READ,
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_model(request: Request, revision_id: Identifier, caller: InventoryReader) -> Response:
    """Look at the print file from all sides: a model for viewers."""
    return preview(request, caller=caller, revision_id=revision_id, kind="glb")
