"""The one sequencer: puts facts of the outbox into the feeds, in one order, with their deliveries.

It runs in the relay, in a transaction of its own. An advisory lock that lasts until the commit lets one sequencer at a
time give out positions, so that they are committed in their order: who reads a feed by its positions misses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import ring_after_commit, unit_of_work
from fabroute.outbox import service as outbox
from fabroute.outbox.service import OutboxMessage
from fabroute.webhooks.repository import facts as fact_rows
from fabroute.webhooks.repository import feed as feed_rows
from fabroute.webhooks.rules.catalogue import CATALOGUE, INTERNAL
from fabroute.webhooks.rules.telling import Fact, Known, Told, told_of

FEED_CHANNEL = "fabroute_feed"
"""PostgreSQL channel that is notified after events came into feeds."""
BATCH_EVENTS = 500

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)
_WITH_LINES = frozenset({"order.routed", "order.no_route", "order.parked"})
_NOBODY: Mapping[str, object] = {}
_COLUMNS = tuple(it.name for it in fields(Told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """What a turn of the sequencer did."""

    events: int
    """Of the outbox, those that concern nobody outside among them."""
    told: int
    """Rows in feeds."""
    deliveries: int

    @property
    def more(self) -> bool:
        """Whether there may be more to do at once."""
        return self.events == BATCH_EVENTS


def sequence_events(engine: Engine, *, now: datetime) -> Sequenced:
    """Put the next events of the outbox into the feeds of those whom they concern, each exactly once.

    Any number of processes may call this at once: one of them works, the others find nothing to do.
    """
    with unit_of_work(engine) as session:
        messages = outbox.claim_unsequenced(session, limit=BATCH_EVENTS)
        facts = [_fact(message) for message in messages]
        known = _known(session, [fact for fact in facts if fact.name in CATALOGUE])
        told = [_row(it) for fact in facts for it in told_of(fact, known.get(fact.id, Known()))]
        deliveries = feed_rows.insert_told(session, told, now=now) if told else 0
        outbox.mark_sequenced(session, ids=[message.id for message in messages], now=now)
        if told:
            ring_after_commit(session, FEED_CHANNEL)
    _warn_of_unknown(messages)
    return Sequenced(events=len(messages), told=len(told), deliveries=deliveries)


def _fact(message: OutboxMessage) -> Fact:
    return Fact(
        id=message.id,
        event_id=message.event_id,
        name=message.name,
        subject_type=message.subject_type,
        subject_id=message.subject_id,
        organisation_id=message.organisation_id,
        occurred_at=message.occurred_at,
        data=message.data,
    )


def _row(told: Told) -> dict[str, object]:
    return {name: getattr(told, name) for name in _COLUMNS}


def _known(session: Session, facts: Sequence[Fact]) -> dict[int, Known]:
    """Return what there is to know beside each event, by its number in the outbox; a query for each kind of thing."""
    jobs = fact_rows.read_jobs(session, {name for fact in facts if (name := _job_of(fact))})
    shipments = fact_rows.read_shipments(session, _subjects(facts, "shipment"))
    orders = fact_rows.read_orders(session, _subjects(facts, "order"))
    with_lines = [fact for fact in facts if fact.name in _WITH_LINES]
    lines = fact_rows.read_lines(session, _subjects(with_lines, "order"))
    endpoints = fact_rows.read_endpoints(session, _subjects(facts, "webhook_endpoint"))
    nodes = fact_rows.read_nodes(session, _subjects_nodes(facts))
    operators = fact_rows.read_operators(session) if _asks_operators(facts) else ()
    known = {}
    for fact in facts:
        job, node_id = jobs.get(_job_of(fact), _NOBODY), str(fact.data.get("node_id"))
        beside = [each.get(fact.subject_id, _NOBODY) for each in (shipments, orders, lines, endpoints)]
        known[fact.id] = Known(
            facts={name: value for part in (job, *beside) for name, value in part.items()},
            bureau=_bureau(job, nodes.get(node_id)),
            operators=operators,
        )
    return known


def _job_of(fact: Fact) -> str:
    return fact.subject_id if fact.subject_type == "job" else str(fact.data.get("job_id") or "")


def _subjects(facts: Sequence[Fact], kind: str) -> set[str]:
    return {fact.subject_id for fact in facts if fact.subject_type == kind}


def _subjects_nodes(facts: Sequence[Fact]) -> set[str]:
    """Return the nodes of events that are about no job: those of lots."""
    return {str(fact.data["node_id"]) for fact in facts if fact.data.get("node_id") and not _job_of(fact)}


def _asks_operators(facts: Sequence[Fact]) -> bool:
    return any("operator" in CATALOGUE[fact.name].audiences for fact in facts)


def _bureau(job: Mapping[str, object], organisation_of_node: str | None) -> str | None:
    """Return whose node it is, unless that was never told of the job."""
    if not job:
        return organisation_of_node
    return str(job["node_organisation"]) if job["known_to_node"] else None


def _warn_of_unknown(messages: Sequence[OutboxMessage]) -> None:
    unknown = sorted({message.name for message in messages} - set(CATALOGUE) - INTERNAL)
    if unknown:
        _log.error("events.not_in_catalogue", names=unknown)
