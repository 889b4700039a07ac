"""Recalls as those see them whom they touch."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.production.models import Recall
from fabroute.production.repository import recalls as rows
from fabroute.production.service.recall.data import RecallView, UnknownRecall, document_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallOfJob:
    """That the material of a job was recalled."""

    recall_id: str
    supplier_lot: str
    reason: str
    recalled_at: datetime


def get_recall(session: Session, *, recall_id: str, principal: Principal) -> RecallView:
    """Return what of a recall concerns the caller: the operator all, a node its jobs, an owner its parts."""
    recall = rows.find_recall(session, recall_id)
    if recall is None:
        raise UnknownRecall(f"there is no recall {recall_id} that touches you")
    seen = seen_by(session, recall_view(recall), principal)
    if principal.kind != "operator" and not (seen.document.jobs or seen.document.lots):
        raise UnknownRecall(f"there is no recall {recall_id} that touches you")
    return seen


def list_recalls(session: Session, *, principal: Principal, cursor: str | None, limit: int) -> Page[RecallView]:
    """Return a page of the recalls that concern the caller, the newest first."""
    readers = None
    if principal.kind != "operator":
        nodes = sorted(network.nodes_of(session, organisation_id=principal.organisation_id))
        readers = {"owners": [principal.organisation_id], "nodes": nodes}
    found = rows.read_recalls(session, cursor=cursor, limit=limit + 1, readers=readers)
    page = page_of(found, limit=limit, cursor_of=lambda recall: recall.id)
    return Page(
        items=tuple(seen_by(session, recall_view(recall), principal) for recall in page.items),
        next_cursor=page.next_cursor,
    )


def recalls_of_jobs(session: Session, *, job_ids: Collection[str]) -> dict[str, RecallOfJob]:
    """Return, by job, the first recall of the material that its parts were made of: what their papers have to say."""
    found: dict[str, RecallOfJob] = {}
    for row in rows.read_recalls_of_jobs(session, job_ids=job_ids) if job_ids else ():
        columns = dict(row)
        found.setdefault(columns.pop("job_id"), RecallOfJob(**columns))
    return found


def recall_view(recall: Recall, *, repeated: bool = False) -> RecallView:
    """Return a recall as it is kept, whole."""
    return RecallView(
        recall_id=recall.id,
        supplier_lot=recall.supplier_lot,
        material=recall.material,
        reason=recall.reason,
        actor=recall.actor,
        recalled_at=recall.recalled_at,
        repeated=repeated,
        document=document_of(recall.document),
    )


def seen_by(session: Session, recall: RecallView, principal: Principal) -> RecallView:
    """Return what of a recall concerns the caller."""
    if principal.kind == "operator":
        return recall
    node_ids = sorted(network.nodes_of(session, organisation_id=principal.organisation_id))
    document = recall.document.seen_by(node_ids=node_ids, organisation_id=principal.organisation_id)
    return replace(recall, document=document)
