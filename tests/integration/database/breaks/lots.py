"""How to break each rule about lots and recalls, by its name: the rule must find one row then."""

from collections.abc import Mapping

_RECALL = (
    "INSERT INTO recalls (id, supplier_lot, material, lot_ids, reason, actor, recalled_at, document)"
    " SELECT 'rcl_1', 'L-2291', material, jsonb_build_array(id), 'contaminated', 'key_1', now(), '{}'"
    " FROM material_lots"
)
_MOVEMENT = (
    "INSERT INTO lot_movements (lot_id, kind, grams, remaining_grams, reuse_count, job_id, actor, note, moved_at)"
)
_CERTIFICATE = (
    "INSERT INTO conformity_certificates (id, job_id, organisation_id, number, statement, sha256, signature,"
    " public_key, issued_by, issued_at, withdrawal_reason) SELECT 'coc_1', id, organisation_id, 1, '{}',"
    " encode(sha256('{}'), 'hex'), '', '', 'key_1', now(), '' FROM jobs"
)

BREAKS: Mapping[str, str] = {
    "a lot that was received weighs what moved": f"{_MOVEMENT} SELECT id, 'received', initial_grams + 1,"
    " remaining_grams, 0, NULL, 'key_1', '', now() FROM material_lots",
    "no job has used more of a lot than it holds": f"{_MOVEMENT} SELECT lot_id, 'consumed', -grams - 1, 0, 0, job_id,"
    " 'key_1', '', now() FROM material_allocations WHERE released_at IS NULL",
    "a recalled lot is blocked": _RECALL,
    "no job goes on with recalled material": f"{_RECALL}; UPDATE material_lots SET state = 'blocked'",
    "no certificate of parts of recalled material stands": f"{_RECALL}; {_CERTIFICATE}",
}
