"""How to break each rule about evidence, by its name: the rule must find one row then."""

from collections.abc import Mapping

_INSPECTED = "UPDATE jobs SET state = 'inspected', inspected_at = now()"
_CERTIFICATE = (
    "INSERT INTO conformity_certificates (id, job_id, organisation_id, number, statement, sha256, signature,"
    " public_key, issued_by, issued_at, withdrawal_reason) SELECT 'coc_1', id, organisation_id, 1, '{}',"
    " encode(sha256('{}'), 'hex'), '', '', 'key_1', now(), '' FROM jobs"
)

BREAKS: Mapping[str, str] = {
    "an inspected job has all its parts": _INSPECTED,
    "each part of an inspected job passed the inspection that it needs": _INSPECTED,
    "a report stands behind each passed inspection by CT or test report": "INSERT INTO inspections (id, job_id,"
    " through_print, level, result, measurements, findings, inspector, note, inspected_at, reported_by, reported_at)"
    " SELECT 'ins_1', id, 1, 'ct', 'pass', '[]', '[]', 'A. Weber', '', now(), 'key_1', now() FROM jobs",
    "nothing but one print is made before its first article is approved": "UPDATE jobs SET first_article = true,"
    " held_kind = 'first_article', good_prints = 2",
    "a job counts the prints that were scrapped": "UPDATE jobs SET scrapped_prints = 1",
    "a passport is of a print that was good, under its serial": "INSERT INTO passports (token, organisation_id, job_id,"
    " print_number, serial, issued_at) SELECT 'token', organisation_id, id, 2, '', now() FROM jobs",
    "a certificate of conformity is what was signed": f"{_CERTIFICATE};"
    " UPDATE conformity_certificates SET statement = '{ }'",
    "no certificate of conformity stands for a scrapped part": f"{_CERTIFICATE};"
    " UPDATE print_records SET scrapped_at = now(), scrapped_by = 'key_1' WHERE number = 1",
}
