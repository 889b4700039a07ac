"""What happened to an order, in words and figures, in the order in which it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import JsonScalar
from fabroute.orders.service import attention
from fabroute.production.repository import timelines as rows

_SHOWN = frozenset(
    {
        "arrives_at", "before", "by", "carrier", "cause", "certificate", "code", "decision", "decision_id", "jobs",
        "kind", "landed_minor", "lifted", "node_id", "objective", "outcome", "parcel", "place", "position",
        "price_minor", "produce_by", "promised_at", "promised_minor", "quantity", "reason", "recall_id", "reroute_id",
        "result", "routed_again", "shipment_id", "supplier_lot", "text", "times", "tracking_number", "until",
        "waiting", "why",
    }
)  # fmt: skip
"""What of the record is shown: the rest, such as machine minutes, is the bureau's own."""

_KINDS: Mapping[str, str] = {"key": "key", "client": "client", "per": "person"}


class MalformedCursor(DomainError):
    """The cursor is not one that a page of this list gave out."""

    code = "malformed_cursor"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to an order, to one of its lines, or to a job of one."""

    key: str
    """Its place in the timeline: the cursor of a page."""
    at: datetime
    what: str
    position: int | None
    job_id: str | None
    by: str
    """``system``, or ``person``: whose key it was stays on the audit log."""
    figures: Mapping[str, JsonScalar]
    who: str = ""
    """The name of the person, the key or the client; empty for the system, and for those of another organisation."""
    who_kind: str = "system"
    """``person``, ``key``, ``client`` or ``system``."""


def order_timeline(
    session: Session, *, principal: Principal, order_id: str, cursor: str | None = None, limit: int = 50
) -> Page[TimelineEntry]:
    """Return a page of what happened to an order, oldest first, to its owner or the operator.

    Raises ``UnknownOrder``, and ``MalformedCursor`` for a cursor of something else.
    """
    attention.require_order(
        session,
        organisation_id=None if principal.kind == "operator" else principal.organisation_id,
        order_id=order_id,
    )
    found = rows.read_timeline(session, order_id=order_id, after=_after(cursor), limit=limit + 1)
    return page_of([_entry(row) for row in found], limit=limit, cursor_of=lambda entry: entry.key)


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    instant, _, key = cursor.partition("|")
    try:
        return datetime.fromisoformat(instant), key
    except ValueError as error:
        raise MalformedCursor("ask for the next page with the next_cursor of the page before") from error


def _entry(row: RowMapping) -> TimelineEntry:
    return TimelineEntry(
        key=f"{row['at'].isoformat()}|{row['key']}",
        at=row["at"],
        what=row["what"],
        position=row["position"],
        job_id=row["job_id"],
        by="system" if str(row["actor"]).startswith("system:") else "person",
        figures={name: value for name, value in row["data"].items() if name in _SHOWN and value is not None},
        who=row["actor_name"] or "",
        who_kind=_KINDS.get(str(row["actor"]).partition("_")[0], "system"),
    )
