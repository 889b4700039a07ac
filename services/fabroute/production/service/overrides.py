"""Where people decided otherwise than the routing had, or told it to decide again: who, when, and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.repository import overrides as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Something that a person decided over the routing; money in cents."""

    at: datetime
    what: str
    """``job.taken_back``, ``order.line_retried``, ``order.exclusion_lifted`` or ``routing_policy.stated``."""
    actor: str
    actor_name: str | None
    """``None`` of those whom the caller may not see."""
    reason: str
    """What the person said; of lifted exclusions and retries which nodes may have the line again."""
    organisation_id: str
    order_id: str | None
    job_id: str | None
    node_id: str | None
    outcome: str
    """Of a job that was taken back: what became of the promise; empty while that is open."""
    decision_id: str | None
    """That came of it."""
    more_minor: int | None
    """What the line costs more since then; under 0: less."""


def list_overrides(
    session: Session, *, principal: Principal, since: datetime, until: datetime, limit: int = 50
) -> tuple[Override, ...]:
    """Return what people of an owner (for the operator: of all) decided from ``since`` until ``until``, last first."""
    whose = None if principal.kind == "operator" else principal.organisation_id
    found = rows.read_overrides(session, organisation_id=whose, since=since, until=until, limit=limit)
    return tuple(_override(row) for row in found)


def _override(row: RowMapping) -> Override:
    return Override(**{name: value for name, value in row.items() if name not in ("key", "by_whom")})
