"""Rules about prints, reprints and held jobs."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="no job has more good prints than parts",
        query="SELECT id, good_prints, quantity FROM jobs WHERE good_prints > quantity",
        advice="a part was printed that nobody ordered: ask the node where it is",
    ),
    Invariant(
        name="a job counts the prints that were reported",
        query="SELECT j.id, j.good_prints, j.failed_prints FROM jobs j LEFT JOIN (SELECT job_id,"
        " count(*) FILTER (WHERE result = 'good' AND scrapped_at IS NULL) AS good,"
        " count(*) FILTER (WHERE result = 'failed' OR scrapped_at IS NOT NULL) AS failed"
        " FROM print_records GROUP BY job_id) p ON p.job_id = j.id WHERE (j.good_prints, j.failed_prints)"
        " IS DISTINCT FROM (coalesce(p.good, 0), coalesce(p.failed, 0))",
        advice="job and print records disagree: go by the prints (GET /v1/jobs/{id}/prints), ask the node, and report "
        "it",
    ),
    Invariant(
        name="each good print of a licensed job is counted on its lease",
        query="SELECT j.id, j.good_prints, s.good_prints FROM jobs j JOIN print_licence_leases s ON s.job_id = j.id"
        " WHERE j.good_prints <> s.good_prints",
        advice="a good print was not taken from the licence, or twice: revoke the licence, grant what is left anew, "
        "and report it",
    ),
    Invariant(
        name="a reprint was granted by the owner",
        query="SELECT j.id, j.granted_reprints, count(q.id) FROM jobs j LEFT JOIN reprint_requests q"
        " ON q.job_id = j.id AND q.state = 'granted' AND q.decided_by IS NOT NULL"
        " GROUP BY j.id HAVING j.granted_reprints <> count(q.id)",
        advice="a job may print more often than its owner allowed: ask the owner, take the job back where he says no, "
        "and report it",
    ),
    Invariant(
        name="a held job says why and where it was held",
        query="SELECT id, held_from, held_at, held_reason FROM jobs WHERE state = 'held'"
        " AND (held_reason = '' OR held_at IS NULL OR held_from IS NULL)",
        advice="a job is held and nobody knows why: take it back and report it",
    ),
)
