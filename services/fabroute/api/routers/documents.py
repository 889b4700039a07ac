"""Drawings, bills of materials and finish instructions that travel with a revision."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from fabroute.api import documentation as docs
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
from fabroute.api.downloads import StoredFile, send_file_if_new
from fabroute.api.evidence import FILE, FILE_PROBLEMS, UPLOAD, UPLOAD_PROBLEMS, EvidenceFile
from fabroute.api.print_files import OpenRevision
from fabroute.api.schemas.revisions import DocumentOut, document_out
from fabroute.inventory import service as inventory
from fabroute.inventory.ports import PrintFileStoreDown

router = APIRouter(prefix="/v1/revisions/{revision_id}", tags=["revisions"], route_class=ContractRoute)

DocumentKind = Literal["drawing", "bom", "finish", "other"]
DocumentName = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f/\\]{1,120}$")]
_UPLOAD = {"requestBody": UPLOAD["requestBody"]}


@router.put(
    "/documents/{name}",
    responses=docs.problems(
        inventory.UnknownRevision,
        inventory.RevisionFrozen,
        inventory.InvalidDocument,
        PrintFileStoreDown,
        *UPLOAD_PROBLEMS,
    ),
    openapi_extra=_UPLOAD,
)
def put_document(
    request: Request,
    caller: InventoryWriter,
    revision_id: OpenRevision,
    name: DocumentName,
    file: EvidenceFile,
    session: WriteSession,
    now: Now,
    kind: Annotated[DocumentKind, Query(description="What it is.")] = "other",
) -> DocumentOut:
    """Add a document to a revision that is not released yet, or replace the one of that name; an approval is void then.

    The same document again changes nothing.
    """
    document = inventory.NewDocument(
        revision_id=revision_id,
        kind=kind,
        name=name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=get_resources(request).store.put_file(file.path),
    )
    added = inventory.add_document(
        session, organisation_id=caller.organisation_id, document=document, actor=caller.key_id, now=now
    )
    return document_out(added)


@router.get(
    "/documents/{name}",
    response_class=Response,
    responses=FILE
    | docs.NOT_MODIFIED
    | docs.problems(inventory.UnknownRevision, inventory.UnknownDocument, *FILE_PROBLEMS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_document(
    request: Request, revision_id: Identifier, name: DocumentName, caller: InventoryReader, session: ReadSession
) -> Response:
    """Read a document of your revision."""
    found = inventory.get_document(session, organisation_id=caller.organisation_id, revision_id=revision_id, name=name)
    file = StoredFile(sha256=found.sha256, file_name=found.name, media_type=found.media_type)
    return send_file_if_new(request, get_resources(request).store, file)


@router.delete(
    "/documents/{name}",
    status_code=204,
    responses=docs.problems(inventory.UnknownRevision, inventory.RevisionFrozen, inventory.UnknownDocument),
)
def remove_document(
    revision_id: Identifier, name: DocumentName, caller: InventoryWriter, session: WriteSession, now: Now
) -> None:
    """Take a document from a revision that is not released yet; an approval is void then."""
    inventory.remove_document(
        session,
        organisation_id=caller.organisation_id,
        revision_id=revision_id,
        name=name,
        actor=caller.key_id,
        now=now,
    )
