"""What belongs to an order, and every request that changed something of it: the audit log beside the order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.events import JsonScalar
from fabroute.orders.service import attention
from fabroute.production.repository import order_records as rows

MOST_SUBJECTS = 2_000
_KINDS: Mapping[str, str] = {"key": "key", "client": "client", "per": "person"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAct:
    """An entry of the audit log about an order or about something of it."""

    entry_id: int
    at: datetime
    actor: str
    """The id of an API key, an OAuth client or a person; ``system:<what>`` where nobody asked for it."""
    actor_kind: str
    """``key``, ``client``, ``person`` or ``system``."""
    actor_name: str | None
    """``None`` for the system, and for those of another organisation."""
    action: str
    subject_type: str
    subject_id: str
    data: Mapping[str, JsonScalar]


def subjects_of_order(session: Session, *, principal: Principal, order_id: str) -> tuple[str, ...]:
    """Return the ids of an order and of all that belongs to it, for its owner or the operator; ``UnknownOrder``."""
    _require_order(session, principal, order_id)
    return tuple(rows.read_subjects(session, order_id=order_id, limit=MOST_SUBJECTS))


def list_order_acts(session: Session, *, principal: Principal, order_id: str, limit: int = 100) -> tuple[OrderAct, ...]:
    """Return the last requests and steps of the system that changed an order or something of it, the last first.

    For its owner or the operator, with ``audit:read``, which the edge asks for. Raises ``UnknownOrder``.
    """
    _require_order(session, principal, order_id)
    return tuple(_act(row) for row in rows.read_acts(session, order_id=order_id, limit=limit))


def _require_order(session: Session, principal: Principal, order_id: str) -> None:
    whose = None if principal.kind == "operator" else principal.organisation_id
    attention.require_order(session, organisation_id=whose, order_id=order_id)


def _act(row: RowMapping) -> OrderAct:
    actor = row["actor"]
    return OrderAct(
        entry_id=row["id"],
        at=row["occurred_at"],
        actor=actor,
        actor_kind=_KINDS.get(actor.partition("_")[0], "system"),
        actor_name=row["actor_name"],
        action=row["action"],
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        data=row["data"],
    )
