"""Rules about the audit log's seals. Whether they are right, ``fabroute audit verify`` tells."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="an audit entry is sealed within a minute",
        query="SELECT e.id, e.action, e.occurred_at FROM audit_entries e LEFT JOIN audit_seals s ON s.entry_id = e.id"
        " CROSS JOIN audit_watermark w WHERE s.entry_id IS NULL AND (e.id <= w.sealed_through"
        " OR e.occurred_at < clock_timestamp() - interval '60 seconds') ORDER BY e.id",
        advice="no worker seals (fabroute work; fabroute audit sign does it once), or an entry was put in afterwards",
    ),
    Invariant(
        name="every seal has its entry",
        query="SELECT s.organisation_id, s.position, s.entry_id FROM audit_seals s"
        " LEFT JOIN audit_entries e ON e.id = s.entry_id WHERE e.id IS NULL",
        advice="entries were deleted from the audit log: run fabroute audit verify, and find out who can",
    ),
    Invariant(
        name="no chain of the audit log has a gap",
        query="SELECT organisation_id, count(*), max(position) FROM audit_seals GROUP BY organisation_id"
        " HAVING count(*) <> max(position)",
        advice="seals were deleted from the audit log: run fabroute audit verify, and find out who can",
    ),
)
