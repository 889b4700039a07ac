"""Rules about inspections, certificates of conformity and first articles."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

_MADE = "j.state IN ('inspected', 'shipped', 'delivered')"
_GOOD = "p.job_id = j.id AND p.result = 'good' AND p.scrapped_at IS NULL"
_SPEAKS_OF = "(i.print_number = p.number OR i.print_number IS NULL AND i.through_print >= p.number)"
_LATEST = (
    f"(SELECT i.result FROM inspections i WHERE i.job_id = j.id AND {_SPEAKS_OF}"
    " ORDER BY i.reported_at DESC, i.id DESC LIMIT 1)"
)
_PASSED = (
    f"EXISTS (SELECT FROM inspections i WHERE i.job_id = j.id AND i.result = 'pass' AND {_SPEAKS_OF}"
    " AND (r.inspection_level <> 'dimensional' OR i.print_number IS NOT NULL)"
    " AND r.inspection_level IN ('visual', i.level))"
)

RULES: Sequence[Invariant] = (
    Invariant(
        name="an inspected job has all its parts",
        query=f"SELECT j.id, j.state, j.good_prints, j.quantity FROM jobs j WHERE {_MADE}"
        " AND (j.good_prints <> j.quantity OR j.inspected_at IS NULL)",
        advice="a job counts as made and is not: hold its shipment, ask the node, and report it",
    ),
    Invariant(
        name="each part of an inspected job passed the inspection that it needs",
        query="SELECT j.id, p.number, r.inspection_level FROM jobs j JOIN part_revisions r ON r.id = j.revision_id"
        f" JOIN print_records p ON {_GOOD} WHERE {_MADE}"
        f" AND ({_LATEST} = 'fail' OR r.inspection_level <> 'none' AND NOT {_PASSED})",
        advice="a part may be shipped that was not inspected, or failed: hold its shipment and ask the node",
    ),
    Invariant(
        name="a report stands behind each passed inspection by CT or test report",
        query="SELECT i.id, i.job_id, i.level FROM inspections i LEFT JOIN job_evidence e ON e.id = i.evidence_id"
        " WHERE i.level IN ('ct', 'test_report') AND (e.id IS NULL OR e.kind <> 'report' OR e.job_id <> i.job_id)",
        advice="an inspection counts without its report: ask the node for it",
    ),
    Invariant(
        name="nothing but one print is made before its first article is approved",
        query="SELECT id, state, good_prints FROM jobs WHERE first_article AND first_article_approved_at IS NULL"
        " AND (good_prints > 1 OR state IN ('inspected', 'shipped', 'delivered')"
        " OR held_kind = 'first_article' AND good_prints <> 1)",
        advice="parts were made before the owner approved the first one: hold them, and ask the owner",
    ),
    Invariant(
        name="a job counts the prints that were scrapped",
        query="SELECT j.id, j.scrapped_prints, count(p.number) FROM jobs j LEFT JOIN print_records p"
        " ON p.job_id = j.id AND p.scrapped_at IS NOT NULL GROUP BY j.id HAVING j.scrapped_prints <> count(p.number)",
        advice="job and print records disagree: go by the prints (GET /v1/jobs/{id}/prints), ask the node, and report "
        "it",
    ),
    Invariant(
        name="a passport is of a print that was good, under its serial",
        query="SELECT s.job_id, s.print_number, s.serial FROM passports s LEFT JOIN print_records p"
        " ON p.job_id = s.job_id AND p.number = s.print_number AND p.result = 'good' AND p.serial = s.serial"
        " WHERE p.job_id IS NULL",
        advice="a passport shows another part: don't rely on it, and report it",
    ),
    Invariant(
        name="a certificate of conformity is what was signed",
        query="SELECT id, job_id FROM conformity_certificates"
        " WHERE sha256 <> encode(sha256(convert_to(statement, 'UTF8')), 'hex')",
        advice="a certificate was changed after it was signed: don't rely on it, and report it",
    ),
    Invariant(
        name="no certificate of conformity stands for a scrapped part",
        query="SELECT c.id, c.job_id FROM conformity_certificates c WHERE c.withdrawn_at IS NULL AND EXISTS"
        " (SELECT FROM print_records p WHERE p.job_id = c.job_id AND p.scrapped_at >= c.issued_at)",
        advice="a certificate names a part that is scrapped: withdraw it, and tell whoever has it",
    ),
)
