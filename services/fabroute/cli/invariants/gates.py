"""Rules about proofs: what a node must hold to make a part."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import LIVE_JOB, Invariant

_REQUIRED = "(SELECT id, unnest(required_certificates) AS required FROM part_revisions)"
_OFFER_OF_JOB = "o.machine_id = j.machine_id AND o.material = j.material AND o.parameter_set = j.parameter_set"
_COVERS = (
    "c.node_id = j.node_id AND c.scheme = r.required AND c.scope IN ('*', o.process, o.process || ':' || o.material)"
    " AND coalesce(c.machine_id, j.machine_id) = j.machine_id"
    " AND coalesce(c.parameter_set, j.parameter_set) = j.parameter_set"
)

RULES: Sequence[Invariant] = (
    Invariant(
        name="no job at a node that lacked a required certificate",
        query="SELECT j.id, j.node_id, r.required FROM jobs j"
        f" JOIN {_REQUIRED} r ON r.id = j.revision_id"
        f" JOIN machine_offers o ON {_OFFER_OF_JOB} WHERE j.{LIVE_JOB}"
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
        " AND NOT (j.first_article AND j.first_article_approved_at IS NULL)"
        " AND (r.part_qualification OR o.criticality = 'safety')"
        " AND NOT EXISTS (SELECT FROM first_articles f WHERE f.revision_id = j.revision_id"
        " AND f.machine_id = j.machine_id AND f.material = j.material AND f.parameter_set = j.parameter_set"
        " AND f.revoked_at IS NULL)",
        advice="a first article was revoked without holding its jobs: revoke through the API, and hold the job",
    ),
    Invariant(
        name="what was revoked says who did it and why",
        query="SELECT id, revoked_by, revocation_reason FROM (SELECT id, revoked_at, revoked_by, revocation_reason"
        " FROM certificates UNION ALL SELECT id, revoked_at, revoked_by, revocation_reason FROM first_articles) proof"
        " WHERE revoked_at IS NOT NULL AND (revoked_by IS NULL OR revocation_reason = '')",
        advice="a proof was revoked by hand in the database: write down who did it and why",
    ),
)
