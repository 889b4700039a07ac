"""Recall material in one call, and read what was recalled."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api.bodies import BODY_PROBLEMS, json_body
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Identifier,
    NetworkReader,
    NetworkWriter,
    Now,
    PageQuery,
    ReadSession,
    WriteSession,
)
from fabroute.api.pages import listing
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.recalls import RecallIn, RecallOut, recall_out, recall_request
from fabroute.identity.rules import Principal
from fabroute.production.service import recall
from fabroute.production.service.recall import RecallView

router = APIRouter(prefix="/v1", tags=["recalls"], route_class=ContractRoute)


@router.post(
    "/recalls",
    responses=docs.problems(recall.NothingToRecall, recall.InvalidRecall, *BODY_PROBLEMS),
    openapi_extra=docs.request_body(RecallIn),
)
def recall_material(
    caller: NetworkWriter,
    asked: Annotated[RecallIn, Depends(json_body(RecallIn))],
    session: WriteSession,
    now: Now,
    dry_run: Annotated[bool, Query(description="Only tell what would be done.")] = False,
) -> RecallOut:
    """Block a lot wherever it is, and get every build, serial, order, owner and node that it touches.

    In one transaction: jobs that are not shipped, started or not, are taken back and their lines routed again;
    certificates of conformity are withdrawn, and the owners of shipped parts told (`recall.parts_shipped`). The
    operator recalls from all stores, a node's organisation from its own. Once its lots are blocked by a recall, the
    same again answers with that one: it takes no Idempotency-Key.
    """
    found = recall.recall_lots(session, request=recall_request(asked, dry_run=dry_run), principal=caller, now=now)
    return _out(found, caller)


@router.get("/recalls", responses=docs.NEXT_PAGE | docs.problems())
def list_recalls(
    request: Request, response: Response, caller: NetworkReader, session: ReadSession, page: PageQuery
) -> Listing[RecallOut]:
    """List the recalls that touch your store, your jobs or your parts, the newest first; the operator sees all."""
    found = recall.list_recalls(session, principal=caller, cursor=page.cursor, limit=page.limit)
    return listing(request, response, found, lambda each: _out(each, caller))


@router.get("/recalls/{recall_id}", responses=docs.problems(recall.UnknownRecall))
def get_recall(recall_id: Identifier, caller: NetworkReader, session: ReadSession) -> RecallOut:
    """Read what of a recall concerns you: all to the operator, to a node its jobs, to an owner its parts."""
    return _out(recall.get_recall(session, recall_id=recall_id, principal=caller), caller)


def _out(found: RecallView, caller: Principal) -> RecallOut:
    return recall_out(found, show_actor=caller.kind == "operator" or found.actor == caller.key_id)
