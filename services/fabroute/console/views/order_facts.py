"""All that the page of an order shows, asked of the services: for whom it is, within limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.api.dependencies import encode_cursor
from fabroute.console.pages.order.facts import OrderFacts, Proposal, Rights
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.orders.service import LineView, OrderView
from fabroute.orders.service.attention import UnknownLine
from fabroute.production import service as production
from fabroute.production.service import EvidenceView, JobOfLine
from fabroute.production.service.conformity.certificates import CertificateView, list_certificates
from fabroute.production.service.job_remarks import read_job_remarks
from fabroute.production.service.order_records import OrderAct, list_order_acts
from fabroute.production.service.phases.bands import arrival_after
from fabroute.production.service.rerouting import timeline
from fabroute.production.service.shipping import access as shipping
from fabroute.production.service.shipping.views import ShipmentView
from fabroute.routing import service as routing
from fabroute.routing.service import DecisionView
from fabroute.routing.service.exclusions import read_ruled_out
from fabroute.routing.service.replays import get_replay
from fabroute.webhooks.service.deliveries import AnsweredDelivery, list_order_deliveries

_ENTRIES = 100
_RECORDS = 30
_MOST_JOBS = 8
"""Whose papers are shown: a split line has few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the page is asked for: which line, from which entry of the timeline on, which replay."""

    order_id: str
    position: int = 1
    story: str | None = None
    replay_id: str = ""


def whose(caller: Principal) -> str | None:
    """Return whose orders the caller may see: their organisation's, everybody's where they are the operator."""
    return None if caller.kind == "operator" else caller.organisation_id


def read_facts(session: Session, caller: Principal, asked: Asked, *, now: datetime) -> OrderFacts:
    """Return what the page of an order shows; ``UnknownOrder``, ``UnknownLine`` and ``UnknownReplay``."""
    order = orders.get_order(session, organisation_id=whose(caller), order_id=asked.order_id)
    line = _line(order, asked.position)
    decision = _decision(session, order, line)
    jobs = production.jobs_of_lines(session, line_ids=[it.id for it in order.lines])
    revision = _revision(session, order, line)
    story = timeline.order_timeline(session, principal=caller, order_id=order.id, cursor=asked.story, limit=_ENTRIES)
    own = jobs.get(line.id, ())[:_MOST_JOBS]
    return OrderFacts(
        order=order,
        line=line,
        part_name="" if revision is None else revision.name,
        now=now,
        rights=_rights(caller, order),
        decision=decision,
        summaries=routing.read_summaries(session, decision_ids=_decided(order)),
        jobs=jobs,
        proposals=_proposals(session, caller, own),
        nodes=network.find_nodes(session, node_ids=_node_ids(decision)),
        ruled_out=read_ruled_out(session, line_ids=[line.id]).get(line.id, ()),
        timeline=tuple(story.items),
        next_entry="" if story.next_cursor is None else encode_cursor(story.next_cursor),
        documents=revision.documents
        if revision is not None and order.organisation_id == caller.organisation_id
        else (),
        evidence=_evidence(session, caller, own),
        certificates=_certificates(session, caller, own),
        shipments=_shipments(session, caller, own),
        deliveries=_deliveries(session, caller, order),
        acts=_acts(session, caller, order),
        replay=get_replay(session, organisation_id=caller.organisation_id, replay_id=asked.replay_id)
        if asked.replay_id
        else None,
    )


def _rights(caller: Principal, order: OrderView) -> Rights:
    may_write = "orders:write" in caller.scopes
    is_own = order.organisation_id == caller.organisation_id
    return Rights(order=may_write, jobs="jobs:write" in caller.scopes, cancel=may_write and is_own)


def _line(order: OrderView, position: int) -> LineView:
    found = next((line for line in order.lines if line.position == position), None)
    if found is None:
        raise UnknownLine(f"order {order.id} has no line {position}: it has {len(order.lines)}")
    return found


def _decision(session: Session, order: OrderView, line: LineView) -> DecisionView | None:
    if line.decision_id is None:
        return None
    return routing.get_decision(session, organisation_id=order.organisation_id, decision_id=line.decision_id)


def _decided(order: OrderView) -> set[str]:
    many = len(order.lines) > 1
    return {line.decision_id for line in order.lines if line.decision_id} if many else set()


def _revision(session: Session, order: OrderView, line: LineView) -> RevisionView | None:
    if not line.revision_id:
        return None
    return inventory.get_revision(session, organisation_id=order.organisation_id, revision_id=line.revision_id)


def _node_ids(decision: DecisionView | None) -> set[str]:
    if decision is None:
        return set()
    document = decision.document
    able = [*document["candidates"], *([] if document["chosen"] is None else [document["chosen"]])]
    shares = [share["node_id"] for it in able for share in it.get("shares", ())]
    return {it["node_id"] for it in (*able, *document["exclusions"])} | set(shares)


def _proposals(session: Session, caller: Principal, jobs: Sequence[JobOfLine]) -> tuple[Proposal, ...]:
    """Return the terms that nodes propose and that nobody has answered: few jobs are in that state."""
    asked = [job.job_id for job in jobs if job.state == "countered"]
    return tuple(it for job_id in asked for it in _proposal(session, caller, job_id))


def _proposal(session: Session, caller: Principal, job_id: str) -> Iterator[Proposal]:
    counter = read_job_remarks(session, principal=caller, job_id=job_id).counter
    if counter is None:
        return
    job = production.get_job(session, principal=caller, job_id=job_id)
    arrives = arrival_after(job.promised_at, offered=counter.offered_produce_by, countered=counter.produce_by)
    yield Proposal(counter=counter, until=job.offer_until, arrives_at=arrives)


def _evidence(session: Session, caller: Principal, jobs: Sequence[JobOfLine]) -> tuple[EvidenceView, ...]:
    return tuple(
        it
        for job in jobs
        for it in production.list_evidence(
            session, principal=caller, job_id=job.job_id, cursor=None, limit=_RECORDS
        ).items
    )


def _certificates(session: Session, caller: Principal, jobs: Sequence[JobOfLine]) -> tuple[CertificateView, ...]:
    return tuple(it for job in jobs for it in list_certificates(session, principal=caller, job_id=job.job_id))


def _shipments(session: Session, caller: Principal, jobs: Sequence[JobOfLine]) -> tuple[ShipmentView, ...]:
    return tuple(it for job in jobs for it in shipping.list_of_job(session, principal=caller, job_id=job.job_id))


def _deliveries(session: Session, caller: Principal, order: OrderView) -> tuple[AnsweredDelivery, ...] | None:
    if "webhooks:read" not in caller.scopes:
        return None
    return list_order_deliveries(session, principal=caller, order_id=order.id, limit=_RECORDS)


def _acts(session: Session, caller: Principal, order: OrderView) -> tuple[OrderAct, ...] | None:
    if "audit:read" not in caller.scopes:
        return None
    return list_order_acts(session, principal=caller, order_id=order.id, limit=_RECORDS)
