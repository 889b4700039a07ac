"""Statements on what people decided otherwise than the routing had: jobs taken back, lines sent on, policies stated."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_OVERRIDES = """
WITH taken AS (
    SELECT rerouted_at AS at, id AS key, 'job.taken_back' AS what, actor, cause AS by_whom, detail AS reason,
        organisation_id, order_id, job_id, node_id, outcome, decision_id, landed_minor - promised_minor AS more_minor
    FROM reroutes WHERE cause IN ('owner', 'operator'){whose} AND rerouted_at >= :since AND rerouted_at < :until
    ORDER BY id DESC LIMIT :limit
), done AS (
    SELECT occurred_at AS at, lpad(id::text, 20, '0') AS key, action AS what, actor, '' AS by_whom,
        coalesce(data ->> 'reason', data ->> 'lifted', '') AS reason, organisation_id,
        CASE WHEN subject_type = 'order' THEN subject_id END AS order_id, NULL AS job_id,
        CASE WHEN action = 'order.exclusion_lifted' THEN data ->> 'lifted' END AS node_id, '' AS outcome,
        NULL AS decision_id, CAST(NULL AS integer) AS more_minor
    FROM audit_entries
    WHERE action IN ('order.line_retried', 'order.exclusion_lifted', 'routing_policy.stated'){whose}
      AND occurred_at >= :since AND occurred_at < :until
    ORDER BY id DESC LIMIT :limit
), both_kinds AS (SELECT * FROM taken UNION ALL SELECT * FROM done ORDER BY at DESC, key DESC LIMIT :limit)
SELECT it.*, coalesce(person.name, key_.name, client.name) AS actor_name FROM both_kinds it
LEFT JOIN people person ON person.id = it.actor
LEFT JOIN api_keys key_ ON key_.id = it.actor
LEFT JOIN oauth_clients client ON client.id = it.actor
ORDER BY it.at DESC, it.key DESC
"""
_OF_ALL = text(_OVERRIDES.format(whose=""))
_OF_ONE = text(_OVERRIDES.format(whose=" AND organisation_id = :organisation_id"))


def read_overrides(
    session: Session, *, organisation_id: str | None, since: datetime, until: datetime, limit: int
) -> Sequence[RowMapping]:
    """Return what people of an owner (``None``: of any) decided within a time, the last first."""
    values: dict[str, object] = {"since": since, "until": until, "limit": limit}
    if organisation_id is None:
        return session.connection().execute(_OF_ALL, values).mappings().all()
    return session.connection().execute(_OF_ONE, values | {"organisation_id": organisation_id}).mappings().all()
