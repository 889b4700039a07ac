"""The statement that puts together what happened to an order: audit log, decisions, re-routes, parcels, recalls."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_TIMELINE = text("""
WITH of_order AS (SELECT id, order_line_id FROM jobs WHERE order_id = :order_id),
decided AS (
    SELECT *, row_number() OVER (PARTITION BY order_line_id ORDER BY decided_at, id)
        - row_number() OVER (PARTITION BY order_line_id, outcome, why ORDER BY decided_at, id) AS run
    FROM routing_decisions WHERE order_id = :order_id
),
decided_once AS (
    SELECT (array_agg(id ORDER BY decided_at, id))[1] AS first_id, min(decided_at) AS at, order_line_id, outcome, why,
        (array_agg(id ORDER BY decided_at DESC, id DESC))[1] AS id, nullif(count(*), 1) AS times,
        CASE WHEN count(*) > 1 THEN max(decided_at) END AS until, max(kind) AS kind, max(node_id) AS node_id,
        max(landed_minor) AS landed_minor, max(promised_at) AS promised_at
    FROM decided GROUP BY order_line_id, outcome, why, run, CASE WHEN outcome <> 'no_route' THEN id END
),
said AS (
    SELECT DISTINCT ON (said.shipment_id, said.parcel_number, said.status) said.*
    FROM shipment_events said JOIN shipments sent ON sent.id = said.shipment_id AND sent.order_id = :order_id
    WHERE said.status IN ('delivered', 'lost', 'exception')
    ORDER BY said.shipment_id, said.parcel_number, said.status, said.occurred_at, said.id
),
happened AS (
    SELECT entry.occurred_at AS at, 'a' || lpad(entry.id::text, 20, '0') AS key, entry.action AS what,
        thing.line_id, thing.job_id, entry.data, entry.actor
    FROM (
        SELECT 'order' AS kind, CAST(:order_id AS text) AS id, NULL AS line_id, NULL AS job_id
        UNION ALL SELECT 'job', id, order_line_id, id FROM of_order
    ) thing JOIN audit_entries entry ON entry.subject_type = thing.kind AND entry.subject_id = thing.id
    WHERE entry.action <> 'job.offered'
    UNION ALL
    SELECT at, 'b' || first_id, 'line.decided', order_line_id, NULL, jsonb_build_object('decision_id', id,
        'outcome', outcome, 'kind', kind, 'node_id', node_id, 'landed_minor', landed_minor, 'promised_at', promised_at,
        'why', why, 'times', times, 'until', until), 'system:routing'
    FROM decided_once
    UNION ALL
    SELECT offered_at, 'c' || id, 'job.offered', order_line_id, id, jsonb_build_object('node_id', node_id,
        'quantity', quantity, 'produce_by', produce_by, 'promised_at', promised_at), 'system:production'
    FROM jobs WHERE order_id = :order_id AND (dispatch_at IS NULL OR offered_at >= dispatch_at)
    UNION ALL
    SELECT rerouted_at, 'd' || id, 'line.rerouted', order_line_id, job_id, jsonb_build_object('reroute_id', id,
        'cause', cause, 'reason', detail, 'node_id', node_id, 'quantity', quantity, 'promised_at', promised_at), actor
    FROM reroutes WHERE order_id = :order_id
    UNION ALL
    SELECT settled_at, 'e' || id, 'line.promise_settled', order_line_id, job_id, jsonb_build_object('reroute_id', id,
        'outcome', outcome, 'cause', cause, 'decision_id', decision_id, 'promised_at', promised_at,
        'arrives_at', arrives_at, 'promised_minor', promised_minor, 'landed_minor', landed_minor), 'system:production'
    FROM reroutes WHERE order_id = :order_id AND settled_at IS NOT NULL
    UNION ALL
    SELECT said.occurred_at, 'f' || lpad(said.id::text, 20, '0'), 'parcel.' || said.status, job.order_line_id, job.id,
        jsonb_build_object('shipment_id', sent.id, 'parcel', nullif(said.parcel_number, 0), 'carrier', sent.carrier,
        'tracking_number', nullif(sent.tracking_number, ''), 'place', nullif(said.place, '')), 'system:carrier'
    FROM said JOIN shipments sent ON sent.id = said.shipment_id JOIN of_order job ON job.id = sent.job_id
    WHERE sent.state <> 'prepared'
    UNION ALL
    SELECT recall.recalled_at, 'g' || recall.id || touched.id, 'job.parts_recalled', touched.order_line_id, touched.id,
        jsonb_build_object('recall_id', recall.id, 'reason', recall.reason, 'supplier_lot', recall.supplier_lot,
        'outcome', told ->> 'outcome'), recall.actor
    FROM recalls recall CROSS JOIN LATERAL jsonb_array_elements(recall.document -> 'jobs') told
        JOIN of_order touched ON touched.id = told ->> 'job_id'
    WHERE jsonb_exists(recall.document -> 'owner_ids', (SELECT organisation_id FROM orders WHERE id = :order_id))
    UNION ALL
    SELECT paper.withdrawn_at, 'h' || paper.id, 'conformity.withdrawn', job.order_line_id, job.id, jsonb_build_object(
        'certificate', paper.id, 'reason', paper.withdrawal_reason), 'system:production'
    FROM conformity_certificates paper JOIN of_order job ON job.id = paper.job_id WHERE paper.withdrawn_at IS NOT NULL
)
SELECT happened.*, line.position, coalesce(nullif(person.name, ''), person.email, key.name, client.name) AS actor_name
FROM happened LEFT JOIN order_lines line ON line.id = happened.line_id
LEFT JOIN people person ON person.id = happened.actor
LEFT JOIN api_keys key ON key.id = happened.actor
LEFT JOIN oauth_clients client ON client.id = happened.actor
WHERE CAST(:at AS timestamptz) IS NULL OR (happened.at, happened.key) > (:at, :key)
ORDER BY happened.at, happened.key LIMIT :limit
""")


def read_timeline(
    session: Session, *, order_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RowMapping]:
    """Return what happened to an order in the order in which it did, after the instant and key of ``after``.

    Who did it has a name only where the caller may see that person, key or client.
    """
    at, key = (None, "") if after is None else after
    parameters = {"order_id": order_id, "at": at, "key": key, "limit": limit}
    return session.connection().execute(_TIMELINE, parameters).mappings().all()
