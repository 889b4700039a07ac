"""Statements on policies, what their rules cost, and where an organisation's lines went."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from fabroute.routing.models import RoutingPolicy
from fabroute.routing.rules.policies import PolicyView, policy_of

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
