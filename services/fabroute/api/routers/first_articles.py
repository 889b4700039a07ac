"""First articles: approved by a part's owner for one machine, revoked, listed before they lapse."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    InventoryReader,
    InventoryReleaser,
    NetworkReader,
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
    FirstArticleRevoked,
    NoEvidence,
    ending_soon,
    first_article_for,
    proof_file,
    prove_first_article,
    require_own_revision,
)
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.certificates import RevocationIn
from fabroute.api.schemas.first_articles import (
    FirstArticleIn,
    FirstArticleOut,
    FirstArticleRevokedOut,
    first_article_out,
    new_first_article,
)
from fabroute.inventory.ports import PrintFileStoreDown
from fabroute.inventory.service import UnknownRevision
from fabroute.production import service as production
from fabroute.qualification import service as qualification
from fabroute.qualification.service import Evidence

router = APIRouter(prefix="/v1", tags=["first articles"], route_class=ContractRoute)

_KNOWN = (qualification.UnknownFirstArticle,)
WithinDays = Annotated[int, Query(ge=0, le=3650, description="Only what lapses within so many days from today.")]


def get_visible_first_article(request: Request, first_article_id: Identifier, principal: InventoryReleaser) -> str:
    """Return the id of a first article that the caller may see, asked in a transaction that ends at once."""
    with work_of(request, principal) as session:
        return first_article_for(session, caller=principal, first_article_id=first_article_id).first_article_id


@router.post(
    "/revisions/{revision_id}/first-articles",
    status_code=201,
    responses=docs.problems(UnknownRevision, qualification.InvalidCertificate, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(FirstArticleIn),
)
def add_first_article(
    revision_id: Identifier,
    caller: InventoryReleaser,
    asked: Annotated[FirstArticleIn, Depends(json_body(FirstArticleIn))],
    session: WriteSession,
    now: Now,
) -> FirstArticleOut:
    """Approve a first article of your revision, for one machine with one material and parameter set.

    One that is there for the same is renewed, also if it had lapsed or was revoked.
    """
    found = qualification.add_first_article(
        session,
        organisation_id=caller.organisation_id,
        first_article=new_first_article(revision_id, asked),
        actor=caller.key_id,
        now=now,
    )
    return first_article_out(found, today=now.date())


@router.get("/revisions/{revision_id}/first-articles", responses=docs.NEXT_PAGE | docs.problems(UnknownRevision))
def list_revision_first_articles(
    request: Request,
    response: Response,
    revision_id: Identifier,
    caller: InventoryReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
) -> Listing[FirstArticleOut]:
    """List the first articles of your revision, those that lapsed or were revoked among them."""
    require_own_revision(session, caller=caller, revision_id=revision_id)
    found = qualification.list_first_articles(session, revision_id=revision_id)
    articles = window(found, page, key=lambda article: article.first_article_id)
    return listing(request, response, articles, lambda article: first_article_out(article, today=now.date()))


@router.get("/first-articles", responses=docs.NEXT_PAGE | docs.problems())
def list_ending_first_articles(
    request: Request,
    response: Response,
    caller: NetworkReader,
    session: ReadSession,
    page: PageQuery,
    now: Now,
    expiring_within_days: WithinDays = 60,
) -> Listing[FirstArticleOut]:
    """List first articles that count today and lapse by then, the first to lapse first.

    The operator sees all, a bureau its own nodes', an owner those of its released revisions.
    """
    ending = ending_soon(session, caller=caller, within_days=expiring_within_days, now=now)
    articles = [expiry.first_article for expiry in ending if expiry.first_article is not None]
    found = window(articles, page, key=lambda article: f"{article.ends_on} {article.first_article_id}")
    return listing(request, response, found, lambda article: first_article_out(article, today=now.date()))


@router.get("/first-articles/{first_article_id}", responses=docs.problems(*_KNOWN))
def get_first_article(
    first_article_id: Identifier, caller: NetworkReader, session: ReadSession, now: Now
) -> FirstArticleOut:
    """Read a first article: for the part's owner, its node and the operator."""
    found = first_article_for(session, caller=caller, first_article_id=first_article_id)
    return first_article_out(found, today=now.date())


@router.put(
    "/first-articles/{first_article_id}/evidence",
    responses=docs.problems(*_KNOWN, FirstArticleRevoked, PrintFileStoreDown, *UPLOAD_PROBLEMS),
    openapi_extra=UPLOAD,
)
def put_first_article_evidence(
    request: Request,
    caller: InventoryReleaser,
    first_article_id: Annotated[str, Depends(get_visible_first_article)],
    file: EvidenceFile,
    session: WriteSession,
    now: Now,
) -> FirstArticleOut:
    """Send the report of your first article: the file itself as the body, up to 32 MiB. Another one replaces it."""
    get_resources(request).store.put_file(file.path)
    found = prove_first_article(
        session,
        caller=caller,
        first_article_id=first_article_id,
        evidence=Evidence(sha256=file.sha256, name=file.file_name or "first article", media_type=file.media_type),
        now=now,
    )
    return first_article_out(found, today=now.date())


@router.get(
    "/first-articles/{first_article_id}/evidence",
    response_class=Response,
    responses=FILE | docs.NOT_MODIFIED | docs.problems(*_KNOWN, NoEvidence, *FILE_PROBLEMS),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_first_article_evidence(request: Request, first_article_id: Identifier, caller: NetworkReader) -> Response:
    """Read the report of a first article: for the part's owner, its node and the operator."""
    resources = get_resources(request)
    with work_of(request, caller) as session:
        found = first_article_for(session, caller=caller, first_article_id=first_article_id)
    return send_file_if_new(request, resources.store, proof_file(found))


@router.post(
    "/first-articles/{first_article_id}/revocation",
    responses=docs.problems(*_KNOWN, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RevocationIn),
)
def revoke_first_article(
    first_article_id: Identifier,
    caller: InventoryReleaser,
    asked: Annotated[RevocationIn, Depends(json_body(RevocationIn))],
    session: WriteSession,
    now: Now,
) -> FirstArticleRevokedOut:
    """Take a first article back, and hold every job that stands on it: for the part's owner and the operator."""
    done = production.revoke_first_article(
        session, first_article_id=first_article_id, reason=asked.reason, principal=caller, now=now
    )
    article = first_article_out(done.first_article, today=now.date())
    return FirstArticleRevokedOut(first_article=article, held_jobs=done.held)
