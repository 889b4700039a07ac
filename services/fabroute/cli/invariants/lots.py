"""Rules about movements of lots, and recalls."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

RULES: Sequence[Invariant] = (
    Invariant(
        name="a lot that was received weighs what moved",
        query="SELECT l.id, l.initial_grams, sum(m.grams) FROM material_lots l JOIN lot_movements m ON m.lot_id = l.id"
        " AND (m.kind <> 'consumed' OR NOT EXISTS (SELECT FROM material_allocations a WHERE a.job_id = m.job_id"
        " AND a.lot_id = m.lot_id AND a.released_at IS NULL))"
        " GROUP BY l.id HAVING bool_or(m.kind = 'received') AND l.initial_grams <> sum(m.grams)",
        advice="the lot's movements and its weight disagree: weigh it, and correct it by a stocktake",
    ),
    Invariant(
        name="no job has used more of a lot than it holds",
        query="SELECT a.job_id, a.lot_id, a.grams, -sum(m.grams) FROM material_allocations a"
        " JOIN lot_movements m ON m.job_id = a.job_id AND m.lot_id = a.lot_id AND m.kind = 'consumed'"
        " WHERE a.released_at IS NULL GROUP BY a.job_id, a.lot_id HAVING -sum(m.grams) > a.grams",
        advice="a build's material was not booked against its job: report it, and count the lot",
    ),
    Invariant(
        name="a recalled lot is blocked",
        query="SELECT r.id, l.id, l.state FROM recalls r JOIN material_lots l ON jsonb_exists(r.lot_ids, l.id)"
        " WHERE l.state <> 'blocked'",
        advice="parts could be made of recalled material: block the lot (PATCH /v1/lots/{id})",
    ),
    Invariant(
        name="no job goes on with recalled material",
        query="SELECT j.id, r.id, j.state FROM recalls r JOIN jobs j ON jsonb_exists(r.lot_ids, j.lot_id)"
        " WHERE j.state IN ('planned', 'offered', 'countered', 'accepted', 'in_production', 'inspected', 'suspect')"
        " AND NOT EXISTS (SELECT FROM lot_movements m WHERE m.job_id = j.id AND m.kind = 'consumed'"
        " AND NOT jsonb_exists(r.lot_ids, m.lot_id))",
        advice="take the job back (POST /v1/jobs/{id}/take-back): its material was recalled",
    ),
    Invariant(
        name="no certificate of parts of recalled material stands",
        query="SELECT c.id, c.job_id, r.id FROM conformity_certificates c JOIN jobs j ON j.id = c.job_id"
        " JOIN recalls r ON jsonb_exists(r.lot_ids, j.lot_id) AND NOT EXISTS (SELECT FROM lot_movements m"
        " WHERE m.job_id = j.id AND m.kind = 'consumed' AND NOT jsonb_exists(r.lot_ids, m.lot_id))"
        " OR EXISTS (SELECT FROM lot_movements m WHERE m.job_id = j.id AND m.kind = 'consumed'"
        " AND jsonb_exists(r.lot_ids, m.lot_id)) WHERE c.withdrawn_at IS NULL",
        advice="tell the owner that the certificate doesn't count, and report it: recalled parts can't be certified",
    ),
)
