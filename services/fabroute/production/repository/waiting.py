"""Statements on jobs that wait for a person: at the owner of the part, at the node, at the operator."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_JOB = "job.id AS job_id, job.order_id, job.organisation_id, job.node_id, job.part_no, job.quantity"
_NO_PRICE = "CAST(NULL AS integer) AS price_minor, CAST(NULL AS integer) AS offered_price_minor"
_NO_END = "CAST(NULL AS timestamptz) AS until"


def _first(columns: str, rows: str, *, order: str) -> str:
    return f"(SELECT {columns}, count(*) OVER () AS total FROM {rows} ORDER BY {order} LIMIT :limit)"


def _remark(kind: str, table: str, condition: str, *, reason: str, price: str = _NO_PRICE, until: str = _NO_END) -> str:
    since = {"counter_offer": "proposed_at", "note": "opened_at", "reconciliation": "reported_at"}.get(
        kind, "requested_at"
    )
    return _first(
        f"'{kind}' AS kind, said.id AS subject_id, {_JOB}, said.{since} AS since, {until}, {reason} AS reason, {price}",
        f"{table} said JOIN jobs job ON job.id = said.job_id WHERE {condition}{{said}}",
        order="said.id",
    )


def _held(kind: str, condition: str, *, since: str) -> str:
    return _first(
        f"'{kind}' AS kind, job.id AS subject_id, {_JOB}, job.{since} AS since, {_NO_END},"
        f" job.held_reason AS reason, {_NO_PRICE}",
        f"jobs job WHERE job.state = 'held' AND {condition}{{jobs}}",
        order="job.id",
    )


_SUSPECT = _first(
    f"'suspect' AS kind, job.id AS subject_id, {_JOB}, job.suspect_since AS since, {_NO_END},"
    f" '' AS reason, {_NO_PRICE}",
    "jobs job WHERE job.state = 'suspect'{jobs}",
    order="job.id",
)
_OF_OWNER = " UNION ALL ".join(
    (
        _SUSPECT,
        _held(
            "first_article",
            "job.held_kind = 'first_article' AND job.first_article_approved_at IS NULL"
            " AND job.first_article_submitted_at IS NOT NULL",
            since="first_article_submitted_at",
        ),
        _held("held", "job.held_kind <> 'first_article'", since="held_at"),
        _remark(
            "counter_offer",
            "counter_offers",
            "said.state = 'open'",
            reason="concat_ws(': ', nullif(said.decision_reason, ''), nullif(said.reason, ''))",
            price="said.price_minor, said.offered_price_minor",
            until="job.offer_until AS until",
        ),
        _remark("reprint", "reprint_requests", "said.state = 'requested'", reason="said.reason"),
        _remark("note", "owner_notes", "said.state = 'open'", reason="said.text"),
        _remark("reconciliation", "reconciliations", "said.state = 'open'", reason="said.what"),
    )
)
_AT_NODES = " UNION ALL ".join(
    (
        _first(
            f"'offer' AS kind, job.id AS subject_id, {_JOB}, job.offered_at AS since, job.offer_until AS until,"
            " '' AS reason, job.price_minor, job.price_minor AS offered_price_minor",
            "jobs job WHERE job.state = 'offered' AND job.node_id = ANY(:node_ids)",
            order="job.offer_until NULLS LAST, job.id",
        ),
        _SUSPECT.format(jobs=" AND job.node_id = ANY(:node_ids)"),
        _first(
            f"'stop' AS kind, job.id AS subject_id, {_JOB}, job.cancel_requested_at AS since, {_NO_END},"
            f" job.cancel_reason AS reason, {_NO_PRICE}",
            "jobs job WHERE job.state IN ('accepted', 'in_production', 'inspected', 'held')"
            " AND job.node_id = ANY(:node_ids) AND job.cancel_requested_at IS NOT NULL"
            " AND job.cancel_agreed_at IS NULL",
            order="job.id",
        ),
    )
)
_EVERYWHERE = text(_OF_OWNER.format(said="", jobs=""))
_OWN = text(
    _OF_OWNER.format(
        said=" AND said.organisation_id = :organisation_id", jobs=" AND job.organisation_id = :organisation_id"
    )
)
_AT_OWN_NODES = text(_AT_NODES)


def read_waiting_for_owner(session: Session, *, organisation_id: str | None, limit: int) -> Sequence[RowMapping]:
    """Return what waits for an owner (``None``: for any), up to ``limit`` of each kind, with how many there are."""
    values: dict[str, object] = {"limit": limit}
    if organisation_id is None:
        return session.connection().execute(_EVERYWHERE, values).mappings().all()
    return session.connection().execute(_OWN, values | {"organisation_id": organisation_id}).mappings().all()


def read_waiting_at_nodes(session: Session, *, node_ids: Collection[str], limit: int) -> Sequence[RowMapping]:
    """Return what waits for those who run these nodes, up to ``limit`` of each kind, with how many there are."""
    values = {"node_ids": sorted(node_ids), "limit": limit}
    return session.connection().execute(_AT_OWN_NODES, values).mappings().all()
