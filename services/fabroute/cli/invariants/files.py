"""Rules about print files: what was released, and to whom it went."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

_CLOSING = "'job.held', 'job.cancelled', 'job.declined', 'job.lapsed', 'job.failed'"
_CHANGES_OF_JOB = (
    f"{_CLOSING}, 'job.accepted', 'job.resumed', 'job.first_article_approved', 'job.first_article_refused'"
)

RULES: Sequence[Invariant] = (
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
        f" WHERE a.action = 'print_file.released' AND before.action IN ({_CLOSING})",
        advice="a print file went out although its job was held: tell the owner, and report it",
    ),
    Invariant(
        name="no used ticket is of the present fence of a job that is not accepted",
        query="SELECT t.id, t.job_id, j.state FROM file_tickets t JOIN jobs j ON j.id = t.job_id"
        " WHERE t.used_at IS NOT NULL AND t.fence = j.fence"
        " AND j.state NOT IN ('accepted', 'in_production', 'inspected', 'shipped', 'delivered', 'suspect')",
        advice="a print file went out to a job that was not accepted: tell the owner, and report it",
    ),
    Invariant(
        name="every file that went out is on the audit log",
        query="SELECT t.id, t.job_id FROM file_tickets t WHERE t.used_at IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM audit_entries a WHERE a.subject_type = 'job' AND a.subject_id = t.job_id"
        " AND a.action = 'print_file.released' AND a.data ->> 'ticket' = t.id)",
        advice="a print file went out and the audit log doesn't say so: run fabroute audit verify, tell the owner, "
        "and report it",
    ),
)
