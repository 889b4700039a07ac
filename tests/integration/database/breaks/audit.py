"""How to break each rule about the audit log's seals, by its name: the rule must find one row then."""

from collections.abc import Mapping

BREAKS: Mapping[str, str] = {
    "an audit entry is sealed within a minute": "INSERT INTO audit_watermark VALUES (1, 0, 0, 0, now());"
    " UPDATE audit_entries SET occurred_at = now() - interval '61 seconds';"
    " INSERT INTO audit_seals SELECT 'org_1', row_number() OVER (ORDER BY id), id, '', '', now()"
    " FROM audit_entries WHERE id > (SELECT min(id) FROM audit_entries)",
    "every seal has its entry": "INSERT INTO audit_seals VALUES ('org_1', 1, 999, '', '', now())",
    "no chain of the audit log has a gap": "INSERT INTO audit_seals SELECT 'org_1', 2, min(id), '', '', now()"
    " FROM audit_entries",
}
