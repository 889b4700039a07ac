"""Look nodes up, take them down and up, put material into their stores."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches, ring_after_commit
from fabroute.database.pages import Page, page_of
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.network.events import network_changed
from fabroute.network.models import MaterialLot
from fabroute.network.repository import lots, nodes
from fabroute.network.repository.lots import Movement
from fabroute.network.repository.nodes import NodeFilter
from fabroute.network.service.auditing import audit
from fabroute.network.service.data import InvalidLot, NewLot
from fabroute.network.service.saving import lot_row
from fabroute.network.snapshot import LotView, NodeDetail, NodeView, read_node_detail
from fabroute.outbox.service import record

NODE_STATUSES = ("up", "down")
QUEUE_CHANNEL = "fabroute_queues"
"""Notified after a commit that changed the queue of some node."""


class UnknownNode(DomainError):
    """There is no such node."""

    code = "unknown_node"
    status = 404


class UnknownMaterial(DomainError):
    """A lot of a material that no machine of the node prints."""

    code = "unknown_material"
    status = 422


class InvalidNodeStatus(DomainError):
    """A status that a node can't have."""

    code = "invalid_node_status"
    status = 422


class NodeClosed(DomainError):
    """The node was closed for good."""

    code = "node_closed"
    status = 409


class StaleVersion(DomainError):
    """The thing was changed since it was read."""

    code = "stale_version"
    status = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """What a node's status shall be and why; ``expected_version`` is what the caller has seen, or ``None``: any."""

    status: str
    reason: str
    expected_version: int | None

    def __post_init__(self) -> None:
        if self.status not in NODE_STATUSES:
            advice = f"{self.status!r} is no status of a node: use {' or '.join(NODE_STATUSES)}"
            raise InvalidNodeStatus(advice, problems=(FieldProblem(pointer="/status", message=advice),))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTimes:
    """How long a node may be silent, in seconds, and why; ``None``: as it is."""

    offer_seconds: int | None = None
    """To answer an offer."""
    offline_seconds: int | None = None
    """While it holds a job; 0: not at all."""
    reason: str
    expected_version: int | None = None

    @property
    def values(self) -> dict[str, int]:
        """What changes, by its name."""
        times = {"offer_seconds": self.offer_seconds, "offline_seconds": self.offline_seconds}
        return {name: seconds for name, seconds in times.items() if seconds is not None}


def list_nodes(
    session: Session,
    *,
    cursor: str | None = None,
    limit: int = 50,
    country: str | None = None,
    kind: str | None = None,
    seen_from: str | None = None,
) -> Page[NodeView]:
    """Return a page of nodes in the order of their ids after the id ``cursor``: all, or those of a country or kind.

    ``seen_from``: only real ones and those of this sandbox; empty: of no sandbox.
    """
    wanted = NodeFilter(after=cursor or "", limit=limit + 1, country=country, kind=kind, seen_from=seen_from)
    found = [NodeView(**row) for row in nodes.read_nodes(session, wanted)]
    return page_of(found, limit=limit, cursor_of=lambda node: node.node_id)


def nodes_of(session: Session, *, organisation_id: str) -> frozenset[str]:
    """Return the ids of an organisation's nodes."""
    return frozenset(nodes.read_node_ids(session, organisation_id=organisation_id))


def existing_nodes(session: Session, *, node_ids: Collection[str]) -> frozenset[str]:
    """Return those of ``node_ids`` that there are, by one query."""
    return frozenset(nodes.read_existing_ids(session, node_ids)) if node_ids else frozenset()


def find_nodes(session: Session, *, node_ids: Collection[str]) -> dict[str, NodeView]:
    """Return those of ``node_ids`` that there are, by their ids, by one query."""
    found = nodes.read_nodes_named(session, node_ids) if node_ids else ()
    return {row["node_id"]: NodeView(**row) for row in found}


def find_node(session: Session, *, node_id: str) -> NodeView:
    """Return a node by one query; ``UnknownNode`` if there is none."""
    return NodeView(**_known(node_id, nodes.find_node(session, node_id)))


def reach_everyone_from(session: Session, *, node_id: str) -> None:
    """Let the rest of the transaction reach all whom a change at a node concerns: it was asked who may change it.

    Raises ``UnknownNode``, also where the session is not the node's organisation's.
    """
    node = find_node(session, node_id=node_id)
    if not reaches(session, node.organisation_id):
        raise UnknownNode(f"there is no node {node_id} of yours")
    act_for_everyone(session)


def get_node(session: Session, *, node_id: str, on: date | None = None) -> NodeDetail:
    """Return a node with its machines, offers and lots; ``UnknownNode`` if there is none.

    With a day ``on``, offers carry what was learnt about them and what the node states for that day.
    """
    return read_node_detail(session, _known(node_id, nodes.find_node(session, node_id)), on=on)


def set_node_status(session: Session, *, node_id: str, change: StatusChange, actor: str, now: datetime) -> NodeView:
    """Take a node down or up, and return it with its new version. Audited; ``network.changed``.

    Raises ``UnknownNode``, ``NodeClosed``, and ``StaleVersion`` when the node's version is another than
    ``change.expected_version``.
    """
    before = _locked(session, node_id, change.expected_version)
    nodes.set_status(session, node_id=node_id, status=change.status, reason=change.reason)
    data = {"from": before["status"], "to": change.status, "reason": change.reason}
    audit(session, action="node.status_set", subject=("node", node_id), actor=actor, now=now, data=data)
    record(session, network_changed(subject=("node", node_id), reason=f"node_{change.status}", now=now))
    return find_node(session, node_id=node_id)


def set_answer_times(session: Session, *, node_id: str, times: AnswerTimes, actor: str, now: datetime) -> NodeView:
    """Change how long a node may be silent, and return it with its new version. Audited.

    Offers and leases that it has already stay as they are. Raises what ``set_node_status`` raises.
    """
    before = _locked(session, node_id, times.expected_version)
    nodes.set_times(session, node_id=node_id, values=times.values)
    data: dict[str, JsonScalar] = {f"{name}_before": before[name] for name in times.values}
    data |= times.values | {"reason": times.reason}
    audit(session, action="node.times_set", subject=("node", node_id), actor=actor, now=now, data=data)
    return find_node(session, node_id=node_id)


def _locked(session: Session, node_id: str, expected_version: int | None) -> RowMapping:
    """Lock a node that is not closed, in the version that was read."""
    found = _known(node_id, nodes.lock_node(session, node_id))
    if expected_version not in (None, found["version"]):
        raise StaleVersion(
            f"node {node_id} is at version {found['version']}, not {expected_version}: read it again, and "
            "send its new ETag in If-Match if you still want the change"
        )
    if found["status"] == "closed":
        raise NodeClosed(f"node {node_id} was closed for good ({found['status_reason']}): it gets no jobs any more")
    return found


def add_lot(session: Session, *, lot: NewLot, actor: str, now: datetime) -> LotView:
    """Put a lot into a node's store and return it. Audited, ``network.changed``; its first movement is ``received``.

    Raises ``UnknownNode``, ``UnknownMaterial`` where the node offers nothing of it, and ``InvalidLot`` for an available
    lot that has expired.
    """
    _known(lot.node_id, nodes.find_node(session, lot.node_id))
    _require_offered(session, lot)
    _require_usable(lot, now)
    row = lot_row(lot)
    lot_id = str(row["id"])
    nodes.save(session, MaterialLot, [row])
    received = Movement(lot_id=lot_id, kind="received", grams=lot.grams, actor=actor, moved_at=now)
    lots.note_movement(session, received)
    data: dict[str, JsonScalar] = {
        "node_id": lot.node_id,
        "material": lot.material,
        "grams": lot.grams,
        "supplier_lot": lot.supplier_lot,
    }
    audit(session, action="lot.added", subject=("material_lot", lot_id), actor=actor, now=now, data=data)
    record(session, network_changed(subject=("node", lot.node_id), reason="lot_added", now=now))
    return next(LotView(**row) for row in nodes.read_lots(session, node_id=lot.node_id) if row["lot_id"] == lot_id)


def bump_queue_versions(session: Session, *, node_ids: Collection[str]) -> None:
    """Count up the queue versions of nodes whose jobs change in this transaction, and tell those who wait for jobs."""
    if node_ids:
        nodes.bump_queue_versions(session, node_ids=node_ids)
        ring_after_commit(session, QUEUE_CHANNEL)


def _known(node_id: str, row: RowMapping | None) -> RowMapping:
    if row is None:
        raise UnknownNode(f"there is no node {node_id}: GET /v1/nodes lists them")
    return row


def _require_offered(session: Session, lot: NewLot) -> None:
    if not nodes.offers_material(session, node_id=lot.node_id, material=lot.material):
        advice = f"{lot.node_id} prints no {lot.material!r}: use one of the offers of GET /v1/nodes/{lot.node_id}"
        raise UnknownMaterial(advice, problems=(FieldProblem(pointer="/material", message=advice),))


def _require_usable(lot: NewLot, now: datetime) -> None:
    if lot.state == "available" and lot.expires_on < now.date():
        advice = f"a lot that expired on {lot.expires_on} is not available: add it as blocked or quarantined"
        raise InvalidLot(advice, problems=(FieldProblem(pointer="/expires_on", message=advice),))
