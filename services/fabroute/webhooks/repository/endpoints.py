"""Statements on webhook endpoints and their secrets."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, text, update
from sqlmodel import Session, col, select

from fabroute.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookSecret

_LOCK = text("SELECT id FROM webhook_endpoints WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_HEALTH = text("""
UPDATE webhook_endpoints SET
    failures_in_a_row = :failures + CASE WHEN :succeeded THEN 0 ELSE failures_in_a_row END,
    failing_since = CASE WHEN :failures = 0 THEN NULL WHEN :succeeded THEN :now
                    ELSE coalesce(failing_since, :now) END,
    last_success_at = CASE WHEN :succeeded THEN :now ELSE last_success_at END,
    last_failure_at = CASE WHEN :failed THEN :now ELSE last_failure_at END
WHERE id = :endpoint_id
RETURNING organisation_id, state, failures_in_a_row, failing_since
""")


def insert_endpoint(session: Session, row: Mapping[str, object]) -> None:
    """Add an endpoint."""
    session.exec(insert(WebhookEndpoint).values(**row))


def count_endpoints(session: Session, *, organisation_id: str) -> int:
    """Return how many endpoints an organisation has; two that ask at once wait for each other."""
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"webhook_endpoints {organisation_id}"}
    )
    counted = select(func.count()).where(col(WebhookEndpoint.organisation_id) == organisation_id)
    return session.exec(counted).one()


def find_endpoint(
    session: Session, *, organisation_id: str, endpoint_id: str, lock: bool = False
) -> WebhookEndpoint | None:
    """Return an organisation's endpoint; with ``lock`` nobody else changes it until the transaction ends."""
    statement = select(WebhookEndpoint).where(
        col(WebhookEndpoint.id) == endpoint_id, col(WebhookEndpoint.organisation_id) == organisation_id
    )
    statement = statement.with_for_update(key_share=True) if lock else statement
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def read_endpoints(session: Session, *, organisation_id: str, after: str, limit: int) -> Sequence[WebhookEndpoint]:
    """Return an organisation's endpoints in the order of their ids."""
    statement = select(WebhookEndpoint).where(
        col(WebhookEndpoint.organisation_id) == organisation_id, col(WebhookEndpoint.id) > after
    )
    return session.exec(statement.order_by(col(WebhookEndpoint.id)).limit(limit)).all()


def read_failing(session: Session, *, organisation_id: str) -> Sequence[WebhookEndpoint]:
    """Return an organisation's endpoints that fail now or were disabled because of it, the longest failing first."""
    statement = select(WebhookEndpoint).where(
        col(WebhookEndpoint.organisation_id) == organisation_id,
        or_(
            col(WebhookEndpoint.failing_since).is_not(None),
            col(WebhookEndpoint.disabled_cause).in_(("gone", "failing")),
        ),
    )
    return session.exec(statement.order_by(col(WebhookEndpoint.failing_since).nulls_first())).all()


def change_endpoint(session: Session, *, endpoint_id: str, values: Mapping[str, object], now: datetime) -> None:
    """Change an endpoint that is locked, and count its version up."""
    statement = update(WebhookEndpoint).where(col(WebhookEndpoint.id) == endpoint_id)
    session.exec(statement.values(**values, updated_at=now, version=WebhookEndpoint.version + 1))


def delete_endpoint(session: Session, *, endpoint_id: str) -> None:
    """Remove an endpoint with its secrets, deliveries and attempts."""
    session.exec(delete(WebhookEndpoint).where(col(WebhookEndpoint.id) == endpoint_id))


def lock_endpoints(session: Session, ids: Collection[str]) -> None:
    """Lock endpoints before anything of their deliveries, in the order of their ids."""
    session.connection().execute(_LOCK, {"ids": sorted(ids)})


def note_health(
    session: Session, *, endpoint_id: str, succeeded: bool, failures: int, failed: bool, now: datetime
) -> Mapping[str, object] | None:
    """Note what an endpoint did: whether it took something, and how many failures came after that."""
    values = {"succeeded": succeeded, "failures": failures, "failed": failed, "endpoint_id": endpoint_id, "now": now}
    found = session.connection().execute(_HEALTH, values).mappings().one_or_none()
    return None if found is None else dict(found)


def set_rest(session: Session, *, endpoint_id: str, until: datetime | None) -> None:
    """Send nothing to an endpoint until then."""
    session.exec(update(WebhookEndpoint).where(col(WebhookEndpoint.id) == endpoint_id).values(rest_until=until))


def count_pending(session: Session, ids: Collection[str]) -> dict[str, int]:
    """Return how many deliveries wait at endpoints."""
    pending = (
        select(col(WebhookDelivery.endpoint_id), func.count())
        .where(col(WebhookDelivery.endpoint_id).in_(ids), col(WebhookDelivery.state) == "pending")
        .group_by(col(WebhookDelivery.endpoint_id))
    )
    return dict(session.exec(pending).all())


def insert_secret(session: Session, row: Mapping[str, object]) -> None:
    """Add a secret."""
    session.exec(insert(WebhookSecret).values(**row))


def read_live_secrets(session: Session, ids: Collection[str], *, now: datetime) -> Sequence[WebhookSecret]:
    """Return the secrets that sign for endpoints now, the newest first."""
    live = or_(col(WebhookSecret.expires_at).is_(None), col(WebhookSecret.expires_at) > now)
    statement = select(WebhookSecret).where(col(WebhookSecret.endpoint_id).in_(ids), live)
    return session.exec(statement.order_by(col(WebhookSecret.created_at).desc(), col(WebhookSecret.id).desc())).all()


def end_secrets(session: Session, *, endpoint_id: str, kind: str, until: datetime, now: datetime) -> None:
    """Let the newest secret of a kind sign until then, and end those before it now: two live at most."""
    mine = (col(WebhookSecret.endpoint_id) == endpoint_id, col(WebhookSecret.kind) == kind)
    session.exec(delete(WebhookSecret).where(*mine, col(WebhookSecret.expires_at).is_not(None)))
    session.exec(update(WebhookSecret).where(*mine).values(expires_at=until))
    session.exec(delete(WebhookSecret).where(*mine, col(WebhookSecret.expires_at) <= now))
