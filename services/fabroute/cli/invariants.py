"""What must hold in the database at every moment: each is a query that finds the rows where it doesn't."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from fabroute.estimation.calibration import MOST_LEARNT_RATIO

_LIVE_JOB = "state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')"
_REQUIRED = "(SELECT id, unnest(required_certificates) AS required FROM part_revisions)"
_OFFER_OF_JOB = "o.machine_id = j.machine_id AND o.material = j.material AND o.parameter_set = j.parameter_set"
_COVERS = (
    "c.node_id = j.node_id AND c.scheme = r.required AND c.scope IN ('*', o.process, o.process || ':' || o.material)"
    " AND coalesce(c.machine_id, j.machine_id) = j.machine_id"
    " AND coalesce(c.parameter_set, j.parameter_set) = j.parameter_set"
)
_EVIDENCE = (
    "SELECT machine_id, parameter_set, sum(builds)::int AS builds, sum(ratio) AS ratios, sum(ratio * ratio) AS squares,"
    " sum(good)::int AS good_prints, sum(failed)::int AS failed_prints, max(reported_at) AS newest FROM ("
    "SELECT machine_id, parameter_set, 1 AS builds,"
    f" ln(least({MOST_LEARNT_RATIO}::float8, greatest(1 / {MOST_LEARNT_RATIO}::float8,"
    " machine_minutes::float8 / estimated_minutes))) AS ratio,"
    " 0 AS good, 0 AS failed, reported_at FROM build_times WHERE withdrawn_at IS NULL UNION ALL"
    " SELECT machine_id, parameter_set, 0, 0, good_prints, failed_prints,"
    " (SELECT max(p.reported_at) FROM print_records p WHERE p.job_id = jobs.id)"
    " FROM jobs WHERE good_prints + failed_prints > 0) seen GROUP BY machine_id, parameter_set"
)
"""What builds and prints say of each machine with a parameter set, no build more than estimates learn from one."""
_CHANGES_OF_JOB = "'job.accepted', 'job.held', 'job.resumed', 'job.cancelled'"


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
        name="a share of a line has at most one live job",
        query=f"SELECT order_line_id, share_no, count(*) FROM jobs WHERE {_LIVE_JOB}"
        " GROUP BY order_line_id, share_no HAVING count(*) > 1",
        advice="a part may be printed twice: cancel all but one of the jobs",
    ),
    Invariant(
        name="live jobs make all of a routed line, of any other one what it kept",
        query="SELECT coalesce(l.id, j.order_line_id), l.state, l.quantity, l.kept_quantity, j.quantity"
        " FROM order_lines l FULL JOIN (SELECT order_line_id, sum(quantity) AS quantity FROM jobs"
        f" WHERE {_LIVE_JOB} GROUP BY order_line_id) j ON j.order_line_id = l.id WHERE coalesce(j.quantity, 0)"
        " <> coalesce(CASE l.state WHEN 'routed' THEN l.quantity WHEN 'cancelled' THEN 0 ELSE l.kept_quantity END, 0)",
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
        f" JOIN {_REQUIRED} r ON r.id = j.revision_id"
        f" JOIN machine_offers o ON {_OFFER_OF_JOB} WHERE j.{_LIVE_JOB}"
        f" AND NOT EXISTS (SELECT FROM certificates c WHERE {_COVERS} AND c.valid_from <= j.offered_at::date"
        " AND c.valid_to >= j.produce_by AND (c.verified_at <= j.offered_at OR c.verified_by = 'system:migration')"
        " AND (c.revoked_at IS NULL OR c.revoked_at > j.offered_at))",
        advice="a part may be made without a certificate that counted: cancel the order at once",
    ),
    Invariant(
        name="a job that lost a certificate is held",
        query="SELECT j.id, j.node_id, r.required FROM jobs j"
        f" JOIN {_REQUIRED} r ON r.id = j.revision_id"
        f" JOIN machine_offers o ON {_OFFER_OF_JOB} WHERE j.state IN ('planned', 'offered', 'accepted')"
        " AND j.good_prints < j.quantity"
        f" AND NOT EXISTS (SELECT FROM certificates c WHERE {_COVERS} AND c.valid_to >= j.produce_by"
        " AND c.verified_at IS NOT NULL AND c.revoked_at IS NULL)",
        advice="a certificate was revoked without holding its jobs: revoke through the API, and hold the job",
    ),
    Invariant(
        name="a job that lost its first article is held",
        query="SELECT j.id, j.machine_id, j.material, j.parameter_set FROM jobs j"
        " JOIN part_revisions r ON r.id = j.revision_id JOIN orders o ON o.id = j.order_id"
        " WHERE j.state IN ('planned', 'offered', 'accepted') AND j.good_prints < j.quantity"
        " AND (r.part_qualification OR o.criticality = 'safety')"
        " AND NOT EXISTS (SELECT FROM first_articles f WHERE f.revision_id = j.revision_id"
        " AND f.machine_id = j.machine_id AND f.material = j.material AND f.parameter_set = j.parameter_set"
        " AND f.revoked_at IS NULL)",
        advice="a first article was revoked without holding its jobs: revoke through the API, and hold the job",
    ),
    Invariant(
        name="a planned job is dispatched when its wait is over",
        query="SELECT id, node_id, dispatch_at FROM jobs WHERE state = 'planned'"
        " AND coalesce(dispatch_at, '-infinity') < clock_timestamp() - interval '1 minute'",
        advice="nobody dispatches planned jobs: is a worker running (fabroute work), and can it reach the broker?",
    ),
    Invariant(
        name="jobs of one build are made together",
        query=f"SELECT build_key, count(*) FROM jobs WHERE build_key IS NOT NULL AND {_LIVE_JOB} GROUP BY build_key"
        " HAVING count(DISTINCT (node_id, machine_id, material, parameter_set, lot_id, produce_by)) > 1",
        advice="jobs that share what opens a build are made apart: take them back, and report it",
    ),
    Invariant(
        name="a shared build holds all of its parts",
        query="SELECT j.build_key, sum((d.document #>> '{build,fill}')::numeric) FROM jobs j"
        f" JOIN routing_decisions d ON d.id = j.decision_id WHERE j.build_key IS NOT NULL AND j.{_LIVE_JOB}"
        " GROUP BY j.build_key HAVING sum((d.document #>> '{build,fill}')::numeric) > 1.0001",
        advice="more was put into a build than it holds: take one of its jobs back, and report it",
    ),
    Invariant(
        name="what was revoked says who did it and why",
        query="SELECT id, revoked_by, revocation_reason FROM (SELECT id, revoked_at, revoked_by, revocation_reason"
        " FROM certificates UNION ALL SELECT id, revoked_at, revoked_by, revocation_reason FROM first_articles) proof"
        " WHERE revoked_at IS NOT NULL AND (revoked_by IS NULL OR revocation_reason = '')",
        advice="a proof was revoked by hand in the database: write down who did it and why",
    ),
    Invariant(
        name="no live job draws from a blocked lot",
        query="SELECT j.id, l.id, l.state FROM jobs j JOIN material_lots l ON l.id = j.lot_id"
        f" WHERE j.{_LIVE_JOB} AND j.good_prints < j.quantity AND l.state <> 'available'",
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
    Invariant(
        name="a released revision has the file that was approved and signed",
        query="SELECT r.id, f.sha256, r.approved_sha256 FROM part_revisions r"
        " JOIN print_files f ON f.revision_id = r.id"
        " WHERE r.state IN ('released', 'superseded') AND r.approved_by IS DISTINCT FROM 'system:migration'"
        " AND (r.approved_sha256 IS DISTINCT FROM f.sha256 OR CASE WHEN r.release_statement IS JSON OBJECT"
        " THEN r.release_statement::jsonb -> 'print_file' ->> 'sha256' END IS DISTINCT FROM f.sha256)",
        advice="the file is not the one that was approved: withdraw the revision and find out who changed it",
    ),
    Invariant(
        name="an uploaded file waits for something",
        query="SELECT id, state, lease_until, next_attempt_at FROM print_file_submissions WHERE state = 'validating'"
        " AND coalesce(lease_until, '-infinity') < clock_timestamp() - interval '5 minutes' OR state = 'queued'"
        " AND coalesce(next_attempt_at, '-infinity') < clock_timestamp() - interval '5 minutes'",
        advice="nobody validates this file: is a worker running (fabroute work), and can it reach store and broker?",
    ),
    Invariant(
        name="a licence holds what its leases hold",
        query="SELECT l.id, l.leased_prints, coalesce(sum(s.prints - s.good_prints), 0) FROM print_licences l"
        " LEFT JOIN print_licence_leases s ON s.licence_id = l.id AND s.released_at IS NULL"
        " GROUP BY l.id HAVING l.leased_prints <> coalesce(sum(s.prints - s.good_prints), 0)",
        advice="licence and leases disagree: revoke the licence, grant what is left anew, and report it",
    ),
    Invariant(
        name="a licence counts the good prints of its jobs",
        query="SELECT l.id, l.good_prints, coalesce(sum(s.good_prints), 0) FROM print_licences l"
        " LEFT JOIN print_licence_leases s ON s.licence_id = l.id"
        " GROUP BY l.id HAVING l.good_prints <> coalesce(sum(s.good_prints), 0)",
        advice="licence and prints disagree: revoke the licence, grant what is left anew, and report it",
    ),
    Invariant(
        name="no licence gives more than it grants",
        query="SELECT id, good_prints, leased_prints, granted_prints FROM print_licences WHERE good_prints < 0"
        " OR leased_prints < 0 OR good_prints + leased_prints > granted_prints",
        advice="more may be printed than was granted: the CHECK is gone; run fabroute migrate and report it",
    ),
    Invariant(
        name="a live job holds the licensed prints that it needs",
        query="SELECT j.id, j.quantity, s.prints, r.licence_required FROM jobs j"
        " JOIN part_revisions r ON r.id = j.revision_id"
        " LEFT JOIN print_licence_leases s ON s.job_id = j.id AND s.released_at IS NULL"
        f" WHERE j.{_LIVE_JOB} AND (r.licence_required <> (s.job_id IS NOT NULL) OR s.prints <> j.quantity)",
        advice="the job may not be printed as it stands: cancel the order and place it again",
    ),
    Invariant(
        name="only live jobs hold licensed prints",
        query="SELECT s.job_id, s.licence_id FROM print_licence_leases s WHERE s.released_at IS NULL"
        f" AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = s.job_id AND j.{_LIVE_JOB})",
        advice="an ended job still holds prints of a licence: give them back and report it",
    ),
    Invariant(
        name="a revision that is not printed any more has no active licence",
        query="SELECT l.id, r.state FROM print_licences l JOIN part_revisions r ON r.id = l.revision_id"
        " WHERE l.state = 'active' AND r.state IN ('superseded', 'withdrawn')",
        advice="the licence should be frozen: revoke it",
    ),
    Invariant(
        name="no job has more good prints than parts",
        query="SELECT id, good_prints, quantity FROM jobs WHERE good_prints > quantity",
        advice="a part was printed that nobody ordered: ask the node where it is",
    ),
    Invariant(
        name="a job counts the prints that were reported",
        query="SELECT j.id, j.good_prints, j.failed_prints FROM jobs j LEFT JOIN (SELECT job_id,"
        " count(*) FILTER (WHERE result = 'good') AS good, count(*) FILTER (WHERE result = 'failed') AS failed"
        " FROM print_records GROUP BY job_id) p ON p.job_id = j.id WHERE (j.good_prints, j.failed_prints)"
        " IS DISTINCT FROM (coalesce(p.good, 0), coalesce(p.failed, 0))",
        advice="job and print records disagree: report it",
    ),
    Invariant(
        name="each good print of a licensed job is counted on its lease",
        query="SELECT j.id, j.good_prints, s.good_prints FROM jobs j JOIN print_licence_leases s ON s.job_id = j.id"
        " WHERE j.good_prints <> s.good_prints",
        advice="a good print was not taken from the licence, or twice: report it",
    ),
    Invariant(
        name="a reprint was granted by the owner",
        query="SELECT j.id, j.granted_reprints, count(q.id) FROM jobs j LEFT JOIN reprint_requests q"
        " ON q.job_id = j.id AND q.state = 'granted' AND q.decided_by IS NOT NULL"
        " GROUP BY j.id HAVING j.granted_reprints <> count(q.id)",
        advice="a job may print more often than its owner allowed: report it",
    ),
    Invariant(
        name="a held job says why and where it was held",
        query="SELECT id, held_from, held_at, held_reason FROM jobs WHERE state = 'held'"
        " AND (held_reason = '' OR held_at IS NULL OR held_from IS NULL)",
        advice="a job is held and nobody knows why: take it back and report it",
    ),
    Invariant(
        name="a file went out to whom it was meant for, in time",
        query="SELECT t.id, t.job_id, t.used_at, t.expires_at FROM file_tickets t JOIN jobs j ON j.id = t.job_id"
        " JOIN nodes n ON n.id = j.node_id WHERE t.used_at IS NOT NULL AND (t.used_at > t.expires_at"
        " OR t.used_at < t.issued_at OR t.organisation_id <> n.organisation_id OR t.used_by IS NULL"
        " OR t.fence > j.fence OR j.accepted_at IS NULL OR j.file_released_at IS NULL)",
        advice="a print file went out on a ticket that was not good: tell the owner, and report it",
    ),
    Invariant(
        name="no file went out while its job was held or cancelled",
        query="SELECT a.id, a.subject_id, before.action FROM audit_entries a CROSS JOIN LATERAL (SELECT e.action"
        " FROM audit_entries e WHERE e.subject_type = 'job' AND e.subject_id = a.subject_id AND e.id < a.id"
        f" AND e.action IN ({_CHANGES_OF_JOB}) ORDER BY e.id DESC LIMIT 1) before"
        " WHERE a.action = 'print_file.released' AND before.action IN ('job.held', 'job.cancelled')",
        advice="a print file went out although its job was held: tell the owner, and report it",
    ),
    Invariant(
        name="no used ticket is of the present fence of a job that is not accepted",
        query="SELECT t.id, t.job_id, j.state FROM file_tickets t JOIN jobs j ON j.id = t.job_id"
        " WHERE t.used_at IS NOT NULL AND t.fence = j.fence AND j.state <> 'accepted'",
        advice="a print file went out to a job that was not accepted: tell the owner, and report it",
    ),
    Invariant(
        name="every file that went out is on the audit log",
        query="SELECT t.id, t.job_id FROM file_tickets t WHERE t.used_at IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM audit_entries a WHERE a.subject_type = 'job' AND a.subject_id = t.job_id"
        " AND a.action = 'print_file.released' AND a.data ->> 'ticket' = t.id)",
        advice="a print file went out and the audit log doesn't say so: report it",
    ),
    Invariant(
        name="an order that accepted a quote has the price and the day of its offer",
        query="SELECT o.id, o.quote_id, o.quoted_offer, o.agreed_price_minor, o.agreed_arrival FROM orders o"
        " LEFT JOIN quotes q ON q.id = o.quote_id AND q.organisation_id = o.organisation_id"
        " WHERE num_nulls(o.quote_id, o.quoted_offer, o.agreed_price_minor, o.agreed_arrival) <> 4"
        " AND NOT EXISTS (SELECT FROM order_lines l, jsonb_array_elements(q.document -> 'quantities') quoted,"
        " jsonb_array_elements(quoted -> 'offers') offer WHERE l.order_id = o.id AND l.revision_id = q.revision_id"
        " AND (quoted ->> 'quantity')::int = l.quantity AND jsonb_exists(offer -> 'labels', o.quoted_offer)"
        " AND (offer -> 'landed' ->> 'amount_minor')::int = o.agreed_price_minor"
        " AND (offer ->> 'promised_at')::timestamptz = o.agreed_arrival)",
        advice="the owner would pay something else than was quoted: correct the order by its quote, and report it",
    ),
    Invariant(
        name="a quote is accepted once, while it stands",
        query="SELECT q.id, q.valid_until, o.id, o.placed_at FROM quotes q JOIN orders o ON o.quote_id = q.id"
        " WHERE o.placed_at >= q.valid_until OR o.placed_at < q.created_at"
        " OR 1 <> (SELECT count(*) FROM audit_entries a WHERE a.subject_type"
        " = 'order' AND a.action = 'order.placed' AND a.data ->> 'quote_id' = q.id)",
        advice="a quote was sold twice, or too late: ask the owner which order counts, and report it",
    ),
    Invariant(
        name="what a quote agreed could be kept when it was accepted",
        query="SELECT o.id, d.landed_minor, o.agreed_price_minor, d.promised_at, o.agreed_arrival FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id LEFT JOIN routing_decisions d"
        " ON d.order_line_id = l.id AND d.fence = 1 WHERE o.quote_id IS NOT NULL AND (d.outcome = 'routed'"
        " AND d.landed_minor <= o.agreed_price_minor AND d.promised_at <= o.agreed_arrival) IS NOT TRUE",
        advice="an order was accepted that costs more or comes later than quoted: report it",
    ),
    Invariant(
        name="a calibration is the sum of its evidence",
        query="SELECT machine_id, parameter_set, c.builds, e.builds, c.good_prints, e.good_prints FROM calibrations c"
        f" LEFT JOIN ({_EVIDENCE}) e USING (machine_id, parameter_set)"
        " WHERE coalesce(e.newest, '-infinity') < least(c.learnt_at, clock_timestamp() - interval '5 minutes')"
        " AND ((c.builds, c.good_prints, c.failed_prints) IS DISTINCT FROM"
        " (coalesce(e.builds, 0), coalesce(e.good_prints, 0), coalesce(e.failed_prints, 0))"
        " OR abs(c.log_ratio_sum - e.ratios) > 1e-6 OR abs(c.log_ratio_sum_squares - e.squares) > 1e-6)",
        advice="estimates don't say what builds and prints did: is a worker running (fabroute work)? If so, report it",
    ),
)


def check_invariants(engine: Engine, *, examples: int = 3) -> tuple[Finding, ...]:
    """Return one finding for each invariant, in order; ``broken`` is 0 where it holds. All see the same instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return tuple(_check(connection.execute(text(rule.query)).all(), rule, examples) for rule in INVARIANTS)


def _check(rows: Sequence[Sequence[object]], rule: Invariant, examples: int) -> Finding:
    shown = tuple(" · ".join(str(cell) for cell in row) for row in rows[:examples])
    return Finding(invariant=rule, broken=len(rows), examples=shown)
