"""Revisions of parts: read, changed while they are drafts, approved, released, withdrawn."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.caching import conditional, require_match
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    InventoryReader,
    InventoryReleaser,
    InventoryWriter,
    Now,
    ReadSession,
    WriteSession,
    get_resources,
)
from fabroute.api.schemas.revisions import (
    ApprovalIn,
    HistoryOut,
    ReasonIn,
    RevisionChangeIn,
    RevisionDetailOut,
    WithdrawalOut,
    history_out,
    revision_detail_out,
    withdrawal_out,
)
from fabroute.api.schemas.signing import SigningKeyOut
from fabroute.identity.rules import Principal
from fabroute.integrations.validation.signing import SigningKeyExposed, SigningKeyMissing, SigningKeyUnusable
from fabroute.inventory import service as inventory
from fabroute.inventory.states import RevisionStateConflict
from fabroute.production import service as production
from fabroute.production.service.phases import revisions

router = APIRouter(prefix="/v1", tags=["revisions"], route_class=ContractRoute)

_KEY_PROBLEMS = (SigningKeyMissing, SigningKeyExposed, SigningKeyUnusable)
_MOVE_PROBLEMS = (inventory.UnknownRevision, RevisionStateConflict, *BODY_PROBLEMS)
_REASON = Annotated[ReasonIn, Depends(json_body(ReasonIn))]


@router.get(
    "/revisions/{revision_id}",
    response_model=RevisionDetailOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(inventory.UnknownRevision),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_revision(request: Request, revision_id: Identifier, caller: InventoryReader, session: ReadSession) -> Response:
    """Read a revision of yours. Its ETag is what a change has to send in If-Match."""
    return _revision(request, session, caller, revision_id)


@router.patch(
    "/revisions/{revision_id}",
    response_model=RevisionDetailOut,
    responses=docs.TAGGED
    | docs.problems(
        inventory.UnknownRevision,
        inventory.RevisionFrozen,
        inventory.StaleVersion,
        inventory.InvalidRevision,
        errors.PreconditionRequired,
        errors.UnknownTag,
        *BODY_PROBLEMS,
    ),
    openapi_extra=docs.IF_MATCH | docs.request_body(RevisionChangeIn),
)
def change_revision(
    request: Request,
    caller: InventoryWriter,
    revision_id: Identifier,
    version: Annotated[int | None, Depends(require_match)],
    asked: Annotated[RevisionChangeIn, Depends(json_body(RevisionChangeIn))],
    session: WriteSession,
    now: Now,
) -> Response:
    """Change what a draft states. Past its draft a revision never changes: add a new one."""
    owner = caller.organisation_id
    seen = version or inventory.get_revision(session, organisation_id=owner, revision_id=revision_id).version
    change = inventory.RevisionChange(expected_version=seen, values=asked.stated())
    inventory.change_revision(
        session, organisation_id=owner, revision_id=revision_id, change=change, actor=caller.key_id, now=now
    )
    return _revision(request, session, caller, revision_id)


@router.get("/revisions/{revision_id}/history", responses=docs.problems(inventory.UnknownRevision))
def get_revision_history(revision_id: Identifier, caller: InventoryReader, session: ReadSession) -> HistoryOut:
    """Read what was done to a revision, by whom, when and why, from the audit log."""
    found = inventory.revision_history(session, organisation_id=caller.organisation_id, revision_id=revision_id)
    return history_out(found)


@router.post(
    "/revisions/{revision_id}/approval",
    responses=docs.problems(inventory.ApprovalMissing, inventory.FourEyesNeeded, *_MOVE_PROBLEMS),
    openapi_extra=docs.request_body(ApprovalIn),
)
def approve_revision(
    caller: InventoryReleaser,
    revision_id: Identifier,
    asked: Annotated[ApprovalIn, Depends(json_body(ApprovalIn))],
    session: WriteSession,
    now: Now,
) -> RevisionDetailOut:
    """Approve a validated revision with its print file. Another file voids the approval."""
    approval = inventory.Approval(
        actor=caller.key_id, reason=asked.reason, sha256=asked.sha256, organisation_id=caller.organisation_id
    )
    inventory.approve_revision(session, revision_id=revision_id, approval=approval, now=now)
    return _detail(session, caller, revision_id)


@router.post(
    "/revisions/{revision_id}/release",
    responses=docs.problems(inventory.ApprovalMissing, inventory.FourEyesNeeded, *_KEY_PROBLEMS, *_MOVE_PROBLEMS),
    openapi_extra=docs.request_body(ReasonIn),
)
def release_revision(
    request: Request,
    caller: InventoryReleaser,
    revision_id: Identifier,
    asked: _REASON,
    session: WriteSession,
    now: Now,
) -> RevisionDetailOut:
    """Release an approved revision under a signature: it can be ordered, and supersedes the one released before.

    Orders that were placed for the one before keep it and are still made. Only its print licences are frozen, which
    holds the jobs that print under them. Withdraw it to stop everything.
    """
    release = inventory.Release(actor=caller.key_id, reason=asked.reason, organisation_id=caller.organisation_id)
    signer = get_resources(request).signer
    inventory.release_revision(session, revision_id=revision_id, release=release, signer=signer, now=now)
    return _detail(session, caller, revision_id)


@router.post(
    "/revisions/{revision_id}/withdrawal",
    responses=docs.problems(*_MOVE_PROBLEMS),
    openapi_extra=docs.request_body(ReasonIn),
)
def withdraw_revision(
    caller: InventoryReleaser, revision_id: Identifier, asked: _REASON, session: WriteSession, now: Now
) -> WithdrawalOut:
    """Take a revision out of use for good: it can't be ordered, its licences are frozen, its open jobs are held."""
    done = production.withdraw_revision(
        session, revision_id=revision_id, reason=asked.reason, principal=caller, now=now
    )
    owner = done.revision.organisation_id
    found = inventory.get_revision(session, organisation_id=owner, revision_id=revision_id)
    return withdrawal_out(found, held_jobs=done.held)


@router.post(
    "/revisions/{revision_id}/hold",
    responses=docs.problems(inventory.ReasonMissing, *_MOVE_PROBLEMS),
    openapi_extra=docs.request_body(ReasonIn),
)
def hold_revision(
    caller: InventoryReleaser, revision_id: Identifier, asked: _REASON, session: WriteSession, now: Now
) -> WithdrawalOut:
    """Let nobody print a revision for now, because somebody found a fault: its open jobs are held, new lines wait."""
    done = revisions.hold_revision(session, revision_id=revision_id, reason=asked.reason, principal=caller, now=now)
    return _held(session, done)


@router.post(
    "/revisions/{revision_id}/release-hold",
    responses=docs.problems(inventory.UnknownRevision, inventory.ReasonMissing, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(ReasonIn),
)
def release_hold(
    caller: InventoryReleaser, revision_id: Identifier, asked: _REASON, session: WriteSession, now: Now
) -> WithdrawalOut:
    """Let a revision be printed again: lines without a route are looked at again, held jobs are resumed one by one."""
    done = revisions.release_hold(session, revision_id=revision_id, reason=asked.reason, principal=caller, now=now)
    return _held(session, done)


@router.get("/signing-key", responses=docs.problems(*_KEY_PROBLEMS))
def get_signing_key(request: Request, caller: InventoryReader) -> SigningKeyOut:
    """Read the public key that the signatures of releases are checked with."""
    return SigningKeyOut(public_key=get_resources(request).signer.public_key)


def _held(session: Session, done: revisions.RevisionHold) -> WithdrawalOut:
    owner = done.revision.organisation_id
    found = inventory.get_revision(session, organisation_id=owner, revision_id=done.revision.revision_id)
    return withdrawal_out(found, held_jobs=done.held)


def _detail(session: Session, caller: Principal, revision_id: str) -> RevisionDetailOut:
    found = inventory.get_revision(session, organisation_id=caller.organisation_id, revision_id=revision_id)
    return revision_detail_out(found)


def _revision(request: Request, session: Session, caller: Principal, revision_id: str) -> Response:
    answer = _detail(session, caller, revision_id)
    return conditional(request, answer, version=answer.version)
