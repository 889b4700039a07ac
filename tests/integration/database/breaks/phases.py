"""How to break each rule about the phases of a job, by its name: the rule must find one row then."""

from collections.abc import Mapping

_REPORT = (
    "INSERT INTO job_reports (job_id, lease_id, sequence, name, occurred_at, data, sha256, state, reason, received_at)"
    " SELECT id, 'lse_1', 2, 'started', now(), '{}', '', 'applied', '', now() FROM jobs LIMIT 1"
)

BREAKS: Mapping[str, str] = {
    "a lease has a kind and an end": "UPDATE jobs SET lease_id = 'lse_1', lease_until = now()",
    "a suspect job knows where it was, and no other does": "UPDATE jobs SET suspect_since = now()",
    "a countered job has an open counter-offer, and no other has one": "UPDATE jobs SET state = 'countered'",
    "reports are applied in their order, each in its turn": _REPORT,
}
