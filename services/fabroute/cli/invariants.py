"""What must hold in the database at every moment: each is a query that finds the rows where it doesn't."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

_LIVE_JOB = "state NOT IN ('cancelled', 'declined', 'failed')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A rule, the query that must return no row, and what to do where it does."""

    name: str
    query: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An invariant with the number of rows that break it and some of them, as words."""

    invariant: Invariant
    broken: int
    examples: tuple[str, ...]


INVARIANTS: Sequence[Invariant] = (
    Invariant(
        name="every acknowledged key has its order",
        query="SELECT k.key, k.subject_id FROM idempotency_keys k"
        " WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = k.subject_id AND o.organisation_id = k.organisation_id)",
        advice="an answered order is missing: restore it from a backup, and report how it came to be",
    ),
    Invariant(
        name="one key, one order",
        query="SELECT subject_id, count(*) FROM idempotency_keys GROUP BY subject_id HAVING count(*) > 1",
        advice="two keys point at one order: the intake statement was changed; report it",
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
        name="a line has at most one live job",
        query=f"SELECT order_line_id, count(*) FROM jobs WHERE {_LIVE_JOB} GROUP BY order_line_id HAVING count(*) > 1",
        advice="a part may be printed twice: cancel all but one of the jobs",
    ),
    Invariant(
        name="a routed line has its job, and a live job its routed line",
        query=f"SELECT l.id, l.state, j.id FROM order_lines l FULL JOIN (SELECT * FROM jobs WHERE {_LIVE_JOB}) j"
        " ON j.order_line_id = l.id WHERE (l.state = 'routed') IS DISTINCT FROM (j.id IS NOT NULL)",
        advice="line and job disagree: cancel the order and place it again, and report it",
    ),
    Invariant(
        name="a lot's drawn grams are its live allocations",
        query="SELECT l.id, l.initial_grams - l.remaining_grams, coalesce(sum(a.grams), 0) FROM material_lots l"
        " LEFT JOIN material_allocations a ON a.lot_id = l.id AND a.released_at IS NULL"
        " GROUP BY l.id HAVING l.initial_grams - l.remaining_grams <> coalesce(sum(a.grams), 0)",
        advice="stock and reservations disagree: stop the workers and count the lot",
    ),
    Invariant(
        name="a slot's taken minutes are its live allocations",
        query="SELECT s.machine_id, s.day, s.initial_minutes - s.remaining_minutes, coalesce(sum(a.minutes), 0)"
        " FROM capacity_slots s LEFT JOIN capacity_allocations a"
        " ON a.machine_id = s.machine_id AND a.day = s.day AND a.released_at IS NULL"
        " GROUP BY s.machine_id, s.day HAVING s.initial_minutes - s.remaining_minutes <> coalesce(sum(a.minutes), 0)",
        advice="capacity and reservations disagree: stop the workers and report it",
    ),
    Invariant(
        name="nothing is allocated without a slot",
        query="SELECT a.job_id, a.machine_id, a.day FROM capacity_allocations a WHERE NOT EXISTS"
        " (SELECT FROM capacity_slots s WHERE s.machine_id = a.machine_id AND s.day = a.day)",
        advice="capacity is held on a day that does not exist: release the job and report it",
    ),
    Invariant(
        name="nothing remaining is below zero",
        query="SELECT id, remaining_grams FROM material_lots WHERE remaining_grams < 0 UNION ALL"
        " SELECT machine_id || ' ' || day, remaining_minutes FROM capacity_slots WHERE remaining_minutes < 0",
        advice="more was sold than there is: the CHECK constraints are gone; run fabroute migrate and report it",
    ),
    Invariant(
        name="only live jobs hold material and capacity",
        query="SELECT a.job_id FROM (SELECT job_id FROM material_allocations WHERE released_at IS NULL UNION"
        " SELECT job_id FROM capacity_allocations WHERE released_at IS NULL) a"
        f" WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.id = a.job_id AND j.{_LIVE_JOB})",
        advice="a cancelled job still holds material: release it and report it",
    ),
    Invariant(
        name="a live job holds the minutes and grams it needs",
        query="SELECT j.id, j.machine_minutes, c.minutes, j.grams, m.grams FROM jobs j"
        " LEFT JOIN (SELECT job_id, sum(minutes) AS minutes FROM capacity_allocations WHERE released_at IS NULL"
        " GROUP BY job_id) c ON c.job_id = j.id"
        " LEFT JOIN (SELECT job_id, sum(grams) AS grams FROM material_allocations WHERE released_at IS NULL"
        f" GROUP BY job_id) m ON m.job_id = j.id WHERE j.{_LIVE_JOB}"
        " AND (j.machine_minutes <> coalesce(c.minutes, 0)"
        " OR j.lot_id IS NOT NULL AND j.grams <> coalesce(m.grams, 0))",
        advice="the job can't be made with what is held for it: cancel the order and place it again",
    ),
    Invariant(
        name="no job at a node that lacked a required certificate",
        query="SELECT j.id, j.node_id, r.required FROM jobs j"
        " JOIN (SELECT id, unnest(required_certificates) AS required FROM part_revisions) r ON r.id = j.revision_id"
        " JOIN machine_offers o ON o.machine_id = j.machine_id"
        f" AND o.material = j.material AND o.parameter_set = j.parameter_set WHERE j.{_LIVE_JOB}"
        " AND NOT EXISTS (SELECT FROM certificates c WHERE c.node_id = j.node_id AND c.scheme = r.required"
        " AND c.scope IN ('*', o.process || ':' || o.material) AND c.valid_from <= j.offered_at::date"
        " AND c.valid_to >= j.produce_by AND (c.revoked_at IS NULL OR c.revoked_at > j.offered_at))",
        advice="a part may be made without the certificate it needs: cancel the order at once",
    ),
    Invariant(
        name="no live job draws from a blocked lot",
        query="SELECT j.id, l.id, l.state FROM jobs j JOIN material_lots l ON l.id = j.lot_id"
        f" WHERE j.{_LIVE_JOB} AND l.state <> 'available'",
        advice="the lot was blocked after routing: cancel the order so that it is routed to another",
    ),
    Invariant(
        name="every decided line names its decision, made under its fence",
        query="SELECT l.id, l.state, l.fence, d.fence FROM order_lines l LEFT JOIN routing_decisions d"
        " ON d.id = l.decision_id WHERE l.state IN ('routed', 'no_route')"
        " AND (d.id IS NULL OR d.order_line_id <> l.id OR d.fence > l.fence)",
        advice="a decision is missing or was written by a run that had lost its lease: report it",
    ),
    Invariant(
        name="no route and parked always say why",
        query="SELECT id, state FROM order_lines WHERE state IN ('no_route', 'parked') AND state_reason = ''",
        advice="an order ended without a reason: report it",
    ),
    Invariant(
        name="an order's state follows from its lines",
        query="SELECT o.id, o.state, l.lines FROM orders o JOIN (SELECT order_id, string_agg(DISTINCT state, ','"
        " ORDER BY state) AS lines FROM order_lines GROUP BY order_id) l ON l.order_id = o.id WHERE NOT CASE o.state"
        " WHEN 'routed' THEN l.lines = 'routed' WHEN 'no_route' THEN l.lines = 'no_route'"
        " WHEN 'cancelled' THEN l.lines = 'cancelled' WHEN 'partly_routed' THEN l.lines ~ 'routed' AND l.lines ~ ','"
        " WHEN 'parked' THEN l.lines ~ 'parked' ELSE l.lines ~ 'pending|routing' END",
        advice="the order shows a state that its lines don't have: report it",
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
        advice="an order has no audit entry: report it",
    ),
    Invariant(
        name="a released revision has a validated print file",
        query="SELECT r.id FROM part_revisions r WHERE r.state = 'released' AND NOT EXISTS"
        " (SELECT FROM print_files f WHERE f.revision_id = r.id AND f.validated_at IS NOT NULL)",
        advice="withdraw the revision, or attach and validate its file",
    ),
)


def check_invariants(engine: Engine, *, examples: int = 3) -> tuple[Finding, ...]:
    """Return one finding for each invariant, in order; ``broken`` is 0 where it holds. All see the same instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return tuple(_check(connection.execute(text(rule.query)).all(), rule, examples) for rule in INVARIANTS)


def _check(rows: Sequence[Sequence[object]], rule: Invariant, examples: int) -> Finding:
    shown = tuple(" · ".join(str(cell) for cell in row) for row in rows[:examples])
    return Finding(invariant=rule, broken=len(rows), examples=shown)
