"""Rules about the phases of a job, and what its node reports."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a lease has a kind and an end",
        query="""
            SELECT id, state, lease_id, lease_kind, lease_until FROM jobs
            WHERE (lease_id IS NULL) <> (lease_kind = '')
                OR lease_id IS NOT NULL AND lease_until IS NULL AND shipped_at IS NULL
            ORDER BY id
        """,
        advice="nobody can tell who holds these jobs: take them back (POST /v1/jobs/{id}/take-back)",
    ),
    Invariant(
        name="a suspect job knows where it was, and no other does",
        query="""
            SELECT id, state, suspect_from, suspect_since FROM jobs
            WHERE state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')
                AND ((state = 'suspect' OR state = 'held' AND held_from = 'suspect')
                    <> (suspect_from IS NOT NULL AND suspect_since IS NOT NULL)
                    OR (suspect_from IS NULL) <> (suspect_since IS NULL))
            ORDER BY id
        """,
        advice="decide about these jobs (POST /v1/jobs/{id}/suspicion); somebody wrote the table past the service",
    ),
    Invariant(
        name="a countered job has an open counter-offer, and no other has one",
        query="""
            SELECT job.id, job.state, counter.id FROM jobs job
            LEFT JOIN counter_offers counter ON counter.job_id = job.id AND counter.state = 'open'
            WHERE (counter.id IS NOT NULL)
                <> (job.state = 'countered' OR job.state = 'held' AND job.held_from = 'countered')
            ORDER BY job.id
        """,
        advice="the owner can't answer what is not there: take these jobs back (POST /v1/jobs/{id}/take-back)",
    ),
    Invariant(
        name="reports are applied in their order, each in its turn",
        query="""
            SELECT job_id, lease_id, sequence, state FROM job_reports report
            WHERE (state = 'waiting') = (sequence - 1 = (
                SELECT count(*) FROM job_reports earlier
                WHERE earlier.job_id = report.job_id AND earlier.lease_id = report.lease_id
                    AND earlier.sequence < report.sequence AND earlier.state <> 'waiting'
            ))
            ORDER BY job_id, lease_id, sequence
        """,
        advice="send the next report of these jobs again: it applies all that wait",
    ),
)
