"""Rules about orders, their lines, keys and decisions."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant

_LIFE_NUMBER = "floor(extract(epoch FROM b.restored_at - timestamptz '2020-01-01T00:00:00Z'))"
"""At which the fences of all lines go on after a restore (``operations.after_restore``); decisions keep theirs."""

RULES: Sequence[Invariant] = (
    Invariant(
        name="every acknowledged key has its order",
        query="SELECT k.key, k.subject_id FROM idempotency_keys k"
        " WHERE NOT starts_with(k.subject_id, 'clm_') AND NOT starts_with(k.subject_id, 'ans_')"
        " AND NOT EXISTS (SELECT FROM orders o WHERE o.id = k.subject_id AND o.organisation_id = k.organisation_id)",
        advice="an answered order is missing: restore it from a backup, and report how it came to be",
    ),
    Invariant(
        name="one key, one order",
        query="SELECT subject_id, count(*) FROM idempotency_keys GROUP BY subject_id HAVING count(*) > 1"
        " UNION ALL SELECT key, count(*) FROM idempotency_keys GROUP BY organisation_id, key HAVING count(*) > 1",
        advice="two keys point at one order, or one key at two: a request may have been done twice; ask the owner, "
        "cancel the order that is too many, and report it",
    ),
    Invariant(
        name="every order has lines",
        query="SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id)",
        advice="an order was written without its lines: cancel it and report it",
    ),
    Invariant(
        name="an open line waits for something",
        query="SELECT id, state, lease_until FROM order_lines WHERE state = 'routing'"
        " AND lease_until < clock_timestamp() - interval '5 minutes'"
        " OR state = 'pending' AND coalesce(next_attempt_at, '-infinity') < clock_timestamp() - interval '5 minutes'",
        advice="nobody picks these lines up: is a worker running (fabroute work), and can it reach the broker?",
    ),
    Invariant(
        name="a share of a line has at most one live job",
        query=f"SELECT order_line_id, share_no, count(*) FROM jobs WHERE {LIVE_JOB}"
        " GROUP BY order_line_id, share_no HAVING count(*) > 1",
        advice="a part may be printed twice: cancel all but one of the jobs",
    ),
    Invariant(
        name="live jobs make all of a routed line, of any other one what it kept",
        query="SELECT coalesce(l.id, j.order_line_id), l.state, l.quantity, l.kept_quantity, j.quantity"
        " FROM order_lines l FULL JOIN (SELECT order_line_id, sum(quantity) AS quantity FROM jobs"
        f" WHERE {LIVE_JOB} GROUP BY order_line_id) j ON j.order_line_id = l.id WHERE coalesce(j.quantity, 0)"
        " <> coalesce(CASE l.state WHEN 'routed' THEN l.quantity WHEN 'cancelled' THEN 0 ELSE l.kept_quantity END, 0)",
        advice="line and job disagree: cancel the order and place it again, and report it",
    ),
    Invariant(
        name="every decided line names its decision, made under its fence",
        query="SELECT l.id, l.state, l.fence, d.fence FROM order_lines l LEFT JOIN routing_decisions d"
        " ON d.id = l.decision_id WHERE l.state IN ('routed', 'no_route')"
        " AND (d.id IS NULL OR d.order_line_id <> l.id OR d.fence <> l.fence"
        f" AND NOT EXISTS (SELECT FROM feed_breaks b WHERE d.fence < l.fence AND l.fence = {_LIFE_NUMBER}))",
        advice="a decision is missing or was written by a run that had lost its lease: take its jobs back (POST "
        "/v1/jobs/{id}/take-back), so that the line is decided again, and report it",
    ),
    Invariant(
        name="no move is later or dearer than what was promised",
        query="SELECT l.id, d.id, d.promised_at, l.promised_at, d.landed_minor, l.promised_minor FROM order_lines l"
        " JOIN routing_decisions d ON d.id = l.decision_id WHERE l.state = 'routed' AND d.kind = 'improved' AND ("
        " d.promised_at > greatest(l.promised_at, (d.document #>> '{moved_from,promised_at}')::timestamptz)"
        " OR d.landed_minor > greatest(l.promised_minor, (d.document #>> '{moved_from,landed_minor}')::int))",
        advice="an improve run broke a promise: tell the customer, and report it",
    ),
    Invariant(
        name="no route and parked always say why",
        query="SELECT id, state FROM order_lines WHERE state IN ('no_route', 'parked') AND state_reason = ''",
        advice="an order ended without a reason: send its line on (POST /v1/orders/{id}/lines/{position}/retry), and "
        "report it",
    ),
    Invariant(
        name="an order's state follows from its lines",
        query="SELECT o.id, o.state, l.lines FROM orders o JOIN (SELECT order_id, coalesce(string_agg(DISTINCT state,"
        " ',' ORDER BY state) FILTER (WHERE state <> 'cancelled'), 'cancelled') AS lines FROM order_lines"
        " GROUP BY order_id) l ON l.order_id = o.id WHERE NOT CASE o.state"
        " WHEN 'routed' THEN l.lines = 'routed' WHEN 'no_route' THEN l.lines = 'no_route'"
        " WHEN 'cancelled' THEN l.lines = 'cancelled' WHEN 'partly_routed' THEN l.lines ~ 'routed' AND l.lines ~ ','"
        " WHEN 'parked' THEN l.lines ~ 'parked' ELSE l.lines ~ 'pending|routing' END",
        advice="the order shows a state that its lines don't have: go by its lines, which are decided; its next "
        "change sets it right; report it",
    ),
    Invariant(
        name="the outbox is being emptied",
        query="SELECT id, name, occurred_at FROM outbox_events WHERE published_at IS NULL"
        " AND occurred_at < clock_timestamp() - interval '60 seconds'",
        advice="nobody publishes events: is a relay running (fabroute work), and can it reach the broker?",
    ),
    Invariant(
        name="every placed order is on the audit log",
        query="SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT FROM audit_entries a WHERE a.subject_type = 'order'"
        " AND a.subject_id = o.id)",
        advice="an order has no audit entry: run fabroute audit verify, which tells whether entries were taken out, "
        "and report it",
    ),
)
