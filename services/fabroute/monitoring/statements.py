"""The statements behind the figures. They read across contexts, and by the present state alone.

Each goes along a partial index that holds just the rows that it counts, or takes the latest rows by their primary keys;
what history has piled up is never looked through. ``tests/integration/monitoring`` asks PostgreSQL for their plans.
"""

from fabroute.database.programs import PREFIX

MOST_COUNTED = 100_000
"""More lines without a route, or events that wait, are told as so many: the exact number helps nobody then."""
SWEPT_WITHIN = "interval '30 seconds'"
"""A relay finds a lease that is over within seconds: one that is over for so long is looked after by nobody."""
LATEST_RUNS = 300
LATEST_DECISIONS = 1_000
LATEST_REROUTES = 1_000

OPEN_LINES = f"""
WITH waiting AS (
    SELECT planning_scope AS scope, count(*) FILTER (WHERE state = 'pending') AS pending,
        count(*) FILTER (WHERE state = 'pending' AND coalesce(next_attempt_at, '-infinity') <= clock_timestamp())
            AS due,
        count(*) FILTER (WHERE state = 'routing') AS routing,
        count(*) FILTER (WHERE state = 'routing' AND lease_until <= clock_timestamp() - {SWEPT_WITHIN}) AS lapsed,
        min(next_attempt_at) FILTER (WHERE state = 'pending' AND next_attempt_at <= clock_timestamp()) AS due_since,
        min(id COLLATE "C") FILTER (WHERE decision_id IS NULL) AS first_new,
        min(id COLLATE "C") FILTER (WHERE decision_id IS NOT NULL) AS first_again
    FROM order_lines WHERE state IN ('pending', 'routing') GROUP BY planning_scope
)
SELECT scope, pending, due, routing, lapsed,
    coalesce(extract(epoch FROM clock_timestamp() - due_since), 0)::float8 AS overdue_seconds,
    coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT placed.placed_at FROM order_lines line JOIN orders placed ON placed.id = line.order_id
        WHERE line.id = waiting.first_new COLLATE "default"
    )), 0)::float8 AS new_age_seconds,
    coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT placed.placed_at FROM order_lines line JOIN orders placed ON placed.id = line.order_id
        WHERE line.id = waiting.first_again COLLATE "default"
    )), 0)::float8 AS again_age_seconds
FROM waiting ORDER BY scope
"""

STOPPED_LINES = f"""
SELECT (SELECT count(*) FROM (SELECT FROM order_lines WHERE state = 'no_route' LIMIT {MOST_COUNTED}) AS found)
    AS no_route,
    (SELECT count(*) FROM (SELECT FROM order_lines WHERE state = 'parked' LIMIT {MOST_COUNTED}) AS found) AS parked
"""

HOLDERS = f"""
SELECT name, holder, lease_until <= clock_timestamp() - {SWEPT_WITHIN} AS has_lapsed FROM planning_scopes
WHERE holder IS NOT NULL ORDER BY name
"""

OFFERED_JOBS = """
SELECT node_id, count(*) AS jobs FROM jobs WHERE state = 'offered' AND lease_id IS NULL
GROUP BY node_id ORDER BY jobs DESC, node_id
"""

OTHER_JOBS = f"""
SELECT coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT min(offered_at) FROM (
            SELECT offered_at FROM jobs WHERE state IN ('offered', 'countered') ORDER BY offer_until LIMIT 1000
        ) AS soonest
    )), 0)::float8 AS offer_age_seconds,
    (SELECT count(*) FROM jobs WHERE state IN ('held', 'suspect') AND state = 'held') AS held,
    (SELECT count(*) FROM jobs WHERE state IN ('held', 'suspect') AND state = 'suspect') AS suspect,
    (SELECT count(*) FROM jobs WHERE lease_until IS NOT NULL AND lease_until <= clock_timestamp() - {SWEPT_WITHIN}
        AND state IN ('offered', 'accepted', 'in_production', 'inspected')) AS lapsed_leases,
    (SELECT count(*) FROM jobs WHERE state IN ('offered', 'countered')
        AND offer_until <= clock_timestamp() - {SWEPT_WITHIN}
        AND (state = 'countered' OR lease_id IS NULL)) AS lapsed_offers
"""

OUTBOX = f"""
SELECT (SELECT count(*) FROM (SELECT FROM outbox_events WHERE published_at IS NULL LIMIT {MOST_COUNTED}) AS found)
    AS unpublished,
    coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT occurred_at FROM outbox_events WHERE published_at IS NULL ORDER BY id LIMIT 1
    )), 0)::float8 AS unpublished_age_seconds,
    (SELECT count(*) FROM (SELECT FROM outbox_events WHERE sequenced_at IS NULL LIMIT {MOST_COUNTED}) AS found)
        AS unsequenced,
    coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT occurred_at FROM outbox_events WHERE sequenced_at IS NULL ORDER BY id LIMIT 1
    )), 0)::float8 AS unsequenced_age_seconds
"""

WEBHOOKS = f"""
WITH waiting AS (
    SELECT number, next_attempt_at FROM webhook_deliveries WHERE state = 'pending' LIMIT {MOST_COUNTED}
), summed AS (
    SELECT count(*) AS pending, count(*) FILTER (WHERE next_attempt_at <= clock_timestamp()) AS due,
        min(number) AS first
    FROM waiting
)
SELECT pending, due, coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT created_at FROM webhook_deliveries WHERE number = summed.first
    )), 0)::float8 AS oldest_seconds,
    (SELECT count(*) FROM webhook_endpoints WHERE state = 'enabled' AND failures_in_a_row > 0) AS failing
FROM summed
"""

DISABLED_ENDPOINTS = """
SELECT disabled_cause AS cause, count(*) AS endpoints FROM webhook_endpoints WHERE state = 'disabled' GROUP BY cause
"""

RUNS = f"""
SELECT DISTINCT ON (planning_scope, kind) planning_scope AS scope, kind, finished_at,
    wall_ms / 1000.0::float8 AS seconds, gap, lines, routed, no_route, deferred
FROM (SELECT * FROM routing_runs ORDER BY id DESC LIMIT {LATEST_RUNS}) AS latest
ORDER BY planning_scope, kind, id DESC
"""

EXCLUSIONS = f"""
SELECT reason.key AS code, sum(reason.value::bigint)::bigint AS nodes
FROM (SELECT reasons FROM routing_decisions ORDER BY id DESC LIMIT {LATEST_DECISIONS}) AS latest,
    jsonb_each_text(coalesce(latest.reasons, '{{}}')) AS reason
GROUP BY code ORDER BY code
"""

BINDING = f"""
SELECT count(*) AS decisions, count(*) FILTER (WHERE outcome = 'no_route') AS lines, binding AS code
FROM (SELECT outcome, binding FROM routing_decisions ORDER BY id DESC LIMIT {LATEST_DECISIONS}) AS latest
GROUP BY binding
"""

REROUTES = f"""
SELECT cause, count(*) AS jobs
FROM (SELECT cause, rerouted_at FROM reroutes ORDER BY id DESC LIMIT {LATEST_REROUTES}) AS latest
WHERE rerouted_at > clock_timestamp() - interval '1 hour' GROUP BY cause
"""

AUDIT = """
WITH sealed AS MATERIALIZED (SELECT coalesce(max(sealed_through), 0) AS through FROM audit_watermark WHERE id = 1)
SELECT coalesce((
        SELECT extract(epoch FROM clock_timestamp() - entry.occurred_at) FROM audit_entries entry
        WHERE entry.id > (SELECT through FROM sealed) AND NOT EXISTS (
            SELECT FROM audit_seals seal WHERE seal.entry_id = entry.id AND seal.entry_id > (SELECT through FROM sealed)
        )
        ORDER BY entry.id LIMIT 1
    ), 0)::float8 AS unsealed_age_seconds
"""
"""Both tables from the watermark on: a merge of the two walks all seals there ever were if it may."""

PROGRAMS = f"""
SELECT substr(application_name, {len(PREFIX) + 1}) AS program, count(*) AS connections FROM pg_stat_activity
WHERE datname = current_database() AND starts_with(application_name, '{PREFIX}') GROUP BY 1 ORDER BY 1
"""

SERVER = """
SELECT extract(epoch FROM clock_timestamp())::float8 AS clock,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    current_setting('max_connections')::int AS most_connections,
    coalesce((
        SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    ), 0)::float8 AS oldest_transaction_seconds
"""
