"""Statements that list decisions over orders: the newest first, narrowed by time, code, outcome, node and text."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_LISTED = """
WITH made AS MATERIALIZED (
    SELECT id, organisation_id, order_id, order_line_id, kind, outcome, node_id, landed_minor, promised_at, co2e_g,
        candidates, excluded, why, binding, fix, coalesce(reasons, document -> 'reasons') AS reasons, decided_at
    FROM routing_decisions WHERE decided_at >= :since AND decided_at < :until{whose}{after}
    ORDER BY {newest} LIMIT :most
)
SELECT made.id AS decision_id, made.organisation_id, made.order_id, placed.reference, line.position, line.quantity,
    part.part_no, part.name AS part_name, made.kind, made.outcome, made.node_id, node.city, made.landed_minor,
    made.promised_at, made.co2e_g, made.candidates, made.excluded, made.why, made.binding, made.fix, made.decided_at
FROM made
JOIN orders placed ON placed.id = made.order_id
JOIN order_lines line ON line.id = made.order_line_id
JOIN parts part ON part.id = line.part_id
LEFT JOIN nodes node ON node.id = made.node_id
WHERE true{narrowed}
ORDER BY {listed} LIMIT :limit
"""
_OF_ALL = {
    "whose": "",
    "after": " AND id < :after_id",
    "newest": "id DESC",
    "listed": "made.id DESC",
}
"""Ids sort by time of birth: the operator's list needs no other index."""
_OF_ONE = {
    "whose": " AND organisation_id = :organisation_id",
    "after": " AND (decided_at, id) < (CAST(:after_at AS timestamptz), :after_id)",
    "newest": "decided_at DESC, id DESC",
    "listed": "made.decided_at DESC, made.id DESC",
}
_NARROWED: Mapping[str, str] = {
    "code": " AND (made.binding = :code OR made.reasons -> :code IS NOT NULL)",
    "outcome": " AND made.outcome = :outcome",
    "node_id": " AND made.node_id = :node_id",
    "words": " AND concat_ws(' ', placed.reference, made.order_id, part.part_no, part.name, made.why) ILIKE :words",
}


def read_decisions_listed(
    session: Session,
    *,
    organisation_id: str | None,
    narrowed: Mapping[str, str],
    after: tuple[str, str] | None,
    bounds: Mapping[str, object],
) -> Sequence[RowMapping]:
    """Return decisions of an owner (``None``: of all) in short, the newest first.

    ``narrowed`` are those of ``code``, ``outcome``, ``node_id`` and ``words`` that narrow the list; ``after`` are
    instant and id of the last one seen; ``bounds`` are ``since``, ``until``, ``limit``, and ``most``: so many of the
    newest are looked at.
    """
    values = {**bounds, **narrowed}
    parts = dict(_OF_ALL if organisation_id is None else _OF_ONE)
    parts["after"] = parts["after"] if after else ""
    if organisation_id is not None:
        values["organisation_id"] = organisation_id
    if after:
        values |= {"after_id": after[1]} if organisation_id is None else {"after_at": after[0], "after_id": after[1]}
    statement = _LISTED.format(**parts, narrowed="".join(_NARROWED[name] for name in narrowed))
    return session.connection().execute(text(statement), values).mappings().all()
