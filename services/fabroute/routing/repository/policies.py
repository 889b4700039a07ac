"""Statements on policies, what their rules cost, and where an organisation's lines went."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, func, insert, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from fabroute.routing.models import RoutingDecision, RoutingPolicy
from fabroute.routing.rules.policies import PolicyView, policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Placements:
    """Whose lines are counted, a revision's or else an organisation's; from when to when, without which of them."""

    organisation_id: str = ""
    revision_id: str | None = None
    since: datetime
    until: datetime
    without_lines: Collection[str] = ()


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('routing_policies ' || :organisation_id, 0))")


def newest_policies(session: Session, organisation_ids: Collection[str]) -> Sequence[RoutingPolicy]:
    """Return the newest version of each organisation's policy; nothing for those that have none."""
    statement = (
        select(RoutingPolicy)
        .ext(distinct_on(col(RoutingPolicy.organisation_id)))
        .where(col(RoutingPolicy.organisation_id).in_(organisation_ids))
        .order_by(col(RoutingPolicy.organisation_id), col(RoutingPolicy.version).desc())
    )
    return session.exec(statement).all()


def read_policies(session: Session, organisation_ids: Collection[str]) -> dict[str, PolicyView]:
    """Return by organisation the policy that holds now; those that have stated none are left out."""
    found = newest_policies(session, organisation_ids) if organisation_ids else ()
    return {
        row.organisation_id: policy_of(row.document, organisation_id=row.organisation_id, version=row.version)
        for row in found
    }


def lock_policies(session: Session, organisation_id: str) -> None:
    """Wait until nobody else changes the organisation's policy, and keep others waiting until the commit."""
    session.connection().execute(_LOCK, {"organisation_id": organisation_id})


def find_policy(session: Session, *, organisation_id: str, version: int) -> RoutingPolicy | None:
    """Return one version of an organisation's policy."""
    statement = select(RoutingPolicy).where(
        col(RoutingPolicy.organisation_id) == organisation_id, col(RoutingPolicy.version) == version
    )
    return session.exec(statement).one_or_none()


def read_versions(session: Session, *, organisation_id: str, before: int | None, limit: int) -> Sequence[RoutingPolicy]:
    """Return versions of an organisation's policy, the newest first, before a version."""
    statement = select(RoutingPolicy).where(col(RoutingPolicy.organisation_id) == organisation_id)
    if before is not None:
        statement = statement.where(col(RoutingPolicy.version) < before)
    return session.exec(statement.order_by(col(RoutingPolicy.version).desc()).limit(limit)).all()


def insert_policy(session: Session, row: Mapping[str, object]) -> None:
    """Add a version."""
    session.exec(insert(RoutingPolicy), params=[dict(row)])


def read_placements(session: Session, wanted: Placements) -> list[tuple[dict[str, int], int]]:
    """Return how many lines were placed alike within a window: pieces by node, and the number of lines.

    The last decision about a line counts, whether or not its job is done or cancelled since.
    """
    of_whom = RoutingDecision.organisation_id if wanted.revision_id is None else RoutingDecision.revision_id
    last = (
        select_columns(col(RoutingDecision.outcome), cast(col(RoutingDecision.placed), Text).label("placed"))
        .ext(distinct_on(col(RoutingDecision.order_line_id)))
        .where(col(of_whom) == (wanted.revision_id or wanted.organisation_id))
        .where(col(RoutingDecision.decided_at) >= wanted.since, col(RoutingDecision.decided_at) <= wanted.until)
        .where(col(RoutingDecision.order_line_id).not_in(wanted.without_lines))
        .order_by(
            col(RoutingDecision.order_line_id),
            col(RoutingDecision.fence).desc(),
            col(RoutingDecision.decided_at).desc(),
        )
        .subquery()
    )
    counted = (
        select_columns(last.c.placed, func.count())
        .where(last.c.outcome == "routed", last.c.placed.is_not(None))
        .group_by(last.c.placed)
    )
    found = session.connection().execute(counted)
    return [(json.loads(placed), int(count)) for placed, count in found if placed != "null"]
