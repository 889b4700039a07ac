"""Certificates of nodes: handed in by the node, verified by the operator, revoked by either, listed before they end."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    ManagedNode,
    NetworkReader,
    NetworkWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
    get_resources,
    work_of,
)
from fabroute.api.downloads import send_file_if_new
from fabroute.api.evidence import FILE, FILE_PROBLEMS, UPLOAD, UPLOAD_PROBLEMS, EvidenceFile
from fabroute.api.pages import listing, window
from fabroute.api.proofs import (
    ManagedCertificate,
    NoEvidence,
    certificate_for,
    ending_soon,
    hand_in,
    proof_file,
    require_visible_node,
    visible_nodes,
)
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.certificates import (
    CertificateIn,
    CertificateOut,
    CertificateRevokedOut,
    RevocationIn,
    certificate_out,
    new_certificate,
)
from fabroute.inventory.ports import PrintFileStoreDown
from fabroute.network.service import UnknownNode
from fabroute.production import service as production
from fabroute.qualification import service as qualification
from fabroute.qualification.service import Evidence

router = APIRouter(prefix="/v1", tags=["certificates"], route_class=ContractRoute)

WithinDays = Annotated[int | None, Query(ge=0, le=3650, description="Only what ends within so many days from today.")]
_KNOWN = (qualification.UnknownCertificate,)
_AGAIN: docs.Responses = {200: {"model": CertificateOut, "description": "The very same certificate is there already."}}


@router.post(
    "/nodes/{node_id}/certificates",
    status_code=201,
    responses=_AGAIN
    | docs.problems(UnknownNode, errors.NodeNotYours, qualification.InvalidCertificate, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(CertificateIn),
)
def add_certificate(
    response: Response,
    caller: NetworkWriter,
    node_id: ManagedNode,
    asked: Annotated[CertificateIn, Depends(json_body(CertificateIn))],
    session: WriteSession,
    now: Now,
) -> CertificateOut:
    """Hand in a certificate of a node. It counts once the operator has verified it; the operator's own counts at once.

    The very same again is answered with 200 and the certificate that is there.
    """
    found, is_new = hand_in(session, caller=caller, certificate=new_certificate(node_id, asked), now=now)
    response.status_code = 201 if is_new else 200
    return certificate_out(found, today=now.date())


@router.get("/nodes/{node_id}/certificates", responses=docs.NEXT_PAGE | docs.problems(UnknownNode))
def list_node_certificates(
    request: Request,
    response: Response,
    node_id: Identifier,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
) -> Listing[CertificateOut]:
    """List the certificates of a node in the order of their ids, those that ended or were revoked among them."""
    require_visible_node(session, caller=caller, node_id=node_id)
    found = qualification.list_certificates(session, node_ids={node_id}, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, lambda held: certificate_out(held, today=now.date()))


@router.get("/certificates", responses=docs.NEXT_PAGE | docs.problems())
def list_certificates(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
    expiring_within_days: WithinDays = None,
    waiting: Annotated[bool, Query(description="Only those that wait for the operator's verification.")] = False,
) -> Listing[CertificateOut]:
    """List certificates: of your own nodes for a bureau, of all nodes for the operator and the owners of parts.

    With `expiring_within_days`, those that count today and end by then, the first to end first (whatever `waiting`
    says); an owner gets the ones that its released parts need.
    """
    if expiring_within_days is None:
        nodes = visible_nodes(session, caller=caller)
        found = qualification.list_certificates(
            session, node_ids=nodes, waiting=waiting, cursor=page.cursor, limit=page.limit
        )
    else:
        ending = ending_soon(session, caller=caller, within_days=expiring_within_days, now=now)
        held = [expiry.certificate for expiry in ending if expiry.certificate is not None]
        found = window(held, page, key=lambda view: f"{view.valid_to} {view.certificate_id}")
    return listing(request, response, found, lambda view: certificate_out(view, today=now.date()))


@router.get("/certificates/{certificate_id}", responses=docs.problems(*_KNOWN))
def get_certificate(
    certificate_id: Identifier, caller: NetworkReader, session: ReadSession, now: Now
) -> CertificateOut:
    """Read a certificate of a node."""
    found = certificate_for(session, caller=caller, certificate_id=certificate_id)
    return certificate_out(found, today=now.date())


@router.post(
    "/certificates/{certificate_id}/verification",
    responses=docs.problems(*_KNOWN, errors.OperatorOnly, qualification.CertificateRevoked),
)
def verify_certificate(
    certificate_id: Identifier, caller: NetworkWriter, session: WriteSession, now: Now
) -> CertificateOut:
    """Let a certificate count, after a look at its evidence: for the operator. Again, it changes nothing."""
    certificate_for(session, caller=caller, certificate_id=certificate_id)
    if caller.kind != "operator":
        raise errors.OperatorOnly("certificates are verified by the operator, not by those who live on them")
    found = qualification.verify_certificate(session, certificate_id=certificate_id, actor=caller.key_id, now=now)
    return certificate_out(found, today=now.date())


@router.post(
    "/certificates/{certificate_id}/revocation",
    responses=docs.problems(*_KNOWN, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RevocationIn),
)
def revoke_certificate(
    certificate_id: Identifier,
    caller: NetworkWriter,
    asked: Annotated[RevocationIn, Depends(json_body(RevocationIn))],
    session: WriteSession,
    now: Now,
) -> CertificateRevokedOut:
    """Take a certificate back for good, and hold every job that stands on it. Again, it changes nothing.

    For the organisation of the node and the operator.
    """
    done = production.revoke_certificate(
        session, certificate_id=certificate_id, reason=asked.reason, principal=caller, now=now
    )
    return CertificateRevokedOut(certificate=certificate_out(done.certificate, today=now.date()), held_jobs=done.held)


@router.put(
    "/certificates/{certificate_id}/evidence",
    responses=docs.problems(
        *_KNOWN,
        errors.NodeNotYours,
        qualification.CertificateRevoked,
        qualification.EvidenceFrozen,
        PrintFileStoreDown,
        *UPLOAD_PROBLEMS,
    ),
    openapi_extra=UPLOAD,
)
def put_certificate_evidence(
    request: Request,
    caller: NetworkWriter,
    certificate_id: ManagedCertificate,
    file: EvidenceFile,
    session: WriteSession,
    now: Now,
) -> CertificateOut:
    """Send the document of a certificate: the file itself as the body, up to 32 MiB. The same again changes nothing."""
    get_resources(request).store.put_file(file.path)
    evidence = Evidence(sha256=file.sha256, name=file.file_name or "certificate", media_type=file.media_type)
    found = qualification.attach_evidence(
        session, certificate_id=certificate_id, evidence=evidence, actor=caller.key_id, now=now
    )
    return certificate_out(found, today=now.date())


@router.get(
    "/certificates/{certificate_id}/evidence",
    response_class=Response,
    responses=FILE | docs.NOT_MODIFIED | docs.problems(*_KNOWN, NoEvidence, *FILE_PROBLEMS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_certificate_evidence(request: Request, certificate_id: Identifier, caller: NetworkReader) -> Response:
    """Read the document of a certificate."""
    resources = get_resources(request)
    with work_of(request, caller) as session:
        found = certificate_for(session, caller=caller, certificate_id=certificate_id)
    return send_file_if_new(request, resources.store, proof_file(found))
