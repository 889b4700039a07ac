"""What of jobs waits for a person now: whom the owner has to answer, what a node has to say, what nobody watches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.network import service as network
from fabroute.production.repository import waiting as rows

WaitingKind = Literal[
    "suspect",
    "stop",
    "offer",
    "first_article",
    "counter_offer",
    "reprint",
    "held",
    "note",
    "reconciliation",
]
WAITING_KINDS: tuple[WaitingKind, ...] = get_args(WaitingKind)
"""The most urgent first. ``offer`` and ``stop`` wait at the node, ``suspect`` at both, all others at the owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingItem:
    """One thing about a job that a person has to see to; prices in cents."""

    kind: str
    subject_id: str
    """What is answered: a counter-offer, a reprint request, a note, a reconciliation; else the job itself."""
    job_id: str
    order_id: str
    organisation_id: str
    """The owner's."""
    node_id: str
    part_no: str
    quantity: int
    since: datetime
    until: datetime | None
    """When it lapses if nobody answers, of offers and counter-offers."""
    reason: str
    price_minor: int | None
    offered_price_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingGroup:
    """The first things of a kind, the oldest or soonest first, and how many there are in all."""

    kind: WaitingKind
    items: tuple[WaitingItem, ...]
    total: int


def list_waiting(session: Session, *, principal: Principal, limit: int = 20) -> tuple[WaitingGroup, ...]:
    """Return what waits for the caller by kind, the most urgent kind first; kinds of which nothing waits are left out.

    For an owner what waits for it, for whoever runs nodes what waits there, for the operator what waits for any owner.
    """
    if principal.kind == "operator":
        return _groups(rows.read_waiting_for_owner(session, organisation_id=None, limit=limit), limit)
    own_nodes = network.nodes_of(session, organisation_id=principal.organisation_id)
    found: list[RowMapping] = []
    if principal.kind != "bureau":
        found += rows.read_waiting_for_owner(session, organisation_id=principal.organisation_id, limit=limit)
    if own_nodes:
        found += rows.read_waiting_at_nodes(session, node_ids=own_nodes, limit=limit)
    return _groups(found, limit)


def _groups(found: Iterable[RowMapping], limit: int) -> tuple[WaitingGroup, ...]:
    by_kind: dict[str, dict[str, RowMapping]] = {}
    for row in found:
        by_kind.setdefault(row["kind"], {}).setdefault(row["subject_id"], row)
    return tuple(
        WaitingGroup(
            kind=kind,
            items=tuple(_item(row) for row in list(by_kind[kind].values())[:limit]),
            total=max(len(by_kind[kind]), *(row["total"] for row in by_kind[kind].values())),
        )
        for kind in WAITING_KINDS
        if kind in by_kind
    )


def _item(row: RowMapping) -> WaitingItem:
    return WaitingItem(**{name: value for name, value in row.items() if name != "total"})
