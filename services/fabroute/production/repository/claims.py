"""Statements by which nodes claim offered jobs, and by which their queues are read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Row, or_, text
from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.production.models import Job
from fabroute.production.repository.deadlines import answer_by


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which jobs of a node are listed; ``None`` and empty: whatever they are."""

    node_id: str
    states: tuple[str, ...] = ()
    material: str | None = None
    machine_id: str | None = None
    build_key: str | None = None
    due_before: date | None = None
    """Only those whose last day of production is before it."""
    organisation_id: str | None = None
    """The only owner whose jobs are listed."""
    unknown_of: str | None = None
    """The only owner whose jobs are listed that the node doesn't know of yet; ``None``: every owner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLease:
    """What a claimed job gets: a lease for so many seconds from now, by the clock of the database.

    It ends earlier where its work must begin earlier, as ``deadlines.answer_by`` says.
    """

    job_id: str
    lease_id: str
    claimed_by: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredClaim:
    """The answer to a claim, kept with its idempotency key."""

    organisation_id: str
    key: str
    request_sha256: str
    body: bytes
    claim_id: str


def lock_claimable(
    session: Session, wanted: Mapping[str, int], *, besides: Collection[str], now: datetime
) -> list[tuple[str, str]]:
    """Lock, per node, up to so many offered jobs that nobody holds, but ``besides``; return node and job.

    The soonest due come first, and none whose time to answer is over. Jobs that another transaction has locked are
    passed over, and never waited for.
    """
    columns = {"nodes": list(wanted), "counts": list(wanted.values()), "besides": list(besides), "now": now}
    rows = session.connection().execute(_LOCK_CLAIMABLE, columns)
    return [(row.node_id, row.id) for row in rows]


def lock_named(session: Session, job_ids: Collection[str]) -> dict[str, Job]:
    """Lock jobs in the order of their ids, waiting for whoever has them, and return those that there are."""
    statement = select(Job).where(is_one_of(col(Job.id), job_ids)).order_by(col(Job.id)).with_for_update(key_share=True)
    return {job.id: job for job in session.exec(statement.execution_options(populate_existing=True))}


def read_named(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Return those of these jobs that there are."""
    return session.exec(select(Job).where(is_one_of(col(Job.id), job_ids))).all()


def give_leases(session: Session, leases: Sequence[NewLease], *, now: datetime) -> dict[str, dict[str, Any]]:
    """Lease offered jobs that nobody holds; return their rows, as they are now, by id."""
    columns = {"leases": to_json(leases).decode(), "now": now}
    rows = session.connection().execute(_GIVE_LEASES, columns).mappings()
    return {row["id"]: dict(row) for row in rows}


def find_answers(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """Return ``request_sha256`` and ``body`` of those idempotency keys (organisation, key) that are known."""
    columns = {"organisations": [key[0] for key in keys], "keys": [key[1] for key in keys]}
    rows = session.connection().execute(_FIND_ANSWERS, columns)
    return {(row.organisation_id, row.key): row for row in rows}


def store_answers(session: Session, claims: Sequence[StoredClaim], *, now: datetime) -> int:
    """Keep answers with their keys; return how many keys were free.

    In the order of the keys, so that two transactions never wait for each other.
    """
    ordered = sorted(claims, key=lambda claim: (claim.organisation_id, claim.key))
    columns = {"claims": to_json(ordered).decode(), "now": now}
    return session.connection().execute(_STORE_ANSWERS, columns).rowcount


def read_gate_stamps(
    session: Session, *, revision_ids: Collection[str], node_ids: Collection[str]
) -> dict[tuple[str, str], str]:
    """Return a stamp of all that gates look at of these revisions and nodes: equal stamps, equal facts.

    By kind (``revision`` or ``node``) and id. One statement in place of those that read the facts.
    """
    columns = {"revision_ids": list(revision_ids), "node_ids": list(node_ids)}
    return {(row.kind, row.id): row.stamp for row in session.connection().execute(_GATE_STAMPS, columns)}


def read_queue(session: Session, wanted: QueueFilter, *, cursor: str | None, limit: int) -> Sequence[Job]:
    """Return jobs of a node after ``cursor`` in the order of their ids."""
    statement = select(Job).where(Job.node_id == wanted.node_id).order_by(col(Job.id)).limit(limit)
    equal = {
        Job.organisation_id: wanted.organisation_id,
        Job.material: wanted.material,
        Job.machine_id: wanted.machine_id,
        Job.build_key: wanted.build_key,
    }
    statement = statement.where(*(col(column) == value for column, value in equal.items() if value is not None))
    if wanted.states:
        statement = statement.where(col(Job.state).in_(wanted.states))
    if wanted.due_before is not None:
        statement = statement.where(col(Job.produce_by) < wanted.due_before)
    if wanted.unknown_of is not None:
        known = or_(col(Job.dispatch_at).is_(None), col(Job.offered_at) >= col(Job.dispatch_at))
        statement = statement.where(or_(known, col(Job.organisation_id) == wanted.unknown_of))
    if cursor is not None:
        statement = statement.where(col(Job.id) > cursor)
    return session.exec(statement).all()


_LOCK_CLAIMABLE = text("""
SELECT wanted.node_id, picked.id
FROM unnest(CAST(:nodes AS text[]), CAST(:counts AS int[])) WITH ORDINALITY AS wanted (node_id, count, number)
CROSS JOIN LATERAL (
    SELECT job.id, job.produce_by FROM jobs job
    WHERE job.node_id = wanted.node_id AND job.state = 'offered' AND job.lease_id IS NULL
      AND (job.offer_until IS NULL OR job.offer_until > :now)
      AND job.id <> ALL(CAST(:besides AS text[]))
    ORDER BY job.produce_by, job.id LIMIT wanted.count FOR NO KEY UPDATE SKIP LOCKED
) picked
ORDER BY wanted.number, picked.produce_by, picked.id
""")
"""The partial index ``ix_jobs_claimable`` gives offered jobs that nobody holds, in this order."""

_ROWS = "SELECT sum(hashtextextended(concat_ws('/', {it}.ctid, {it}.xmin), 0)) FROM"
"""Where every version of a row is, and which transaction wrote it: what was not touched has the same sum."""

_GATE_STAMPS = text(f"""
SELECT 'node' AS kind, node.id, concat_ws(
    '|', md5((to_jsonb(node) - 'queue_version')::text),
    ({_ROWS.format(it="machine")} machines machine WHERE machine.node_id = node.id),
    ({_ROWS.format(it="offer")} machine_offers offer JOIN machines machine ON machine.id = offer.machine_id
     WHERE machine.node_id = node.id),
    (SELECT sum(hashtextextended((to_jsonb(lot) - 'remaining_grams')::text, 0)) FROM material_lots lot
     WHERE lot.node_id = node.id),
    ({_ROWS.format(it="certificate")} certificates certificate WHERE certificate.node_id = node.id),
    ({_ROWS.format(it="model")} machine_models model), ({_ROWS.format(it="material")} materials material)
) AS stamp
FROM nodes node WHERE node.id = ANY(:node_ids)
UNION ALL
SELECT 'revision', revision.id, concat_ws(
    '|', revision.ctid, revision.xmin, part.ctid, part.xmin,
    ({_ROWS.format(it="file")} print_files file WHERE file.revision_id = revision.id),
    ({_ROWS.format(it="article")} first_articles article WHERE article.revision_id = revision.id)
)
FROM part_revisions revision JOIN parts part ON part.id = revision.part_id WHERE revision.id = ANY(:revision_ids)
""")
"""A queue's version and what is left of a lot change all the time, and no gate looks at them."""

_GIVE_LEASES = text(f"""
UPDATE jobs job
SET lease_id = given.lease_id, lease_kind = 'claim', lease_epoch = job.fence + 1, fence = job.fence + 1,
    lease_until = {answer_by("clock_timestamp()", seconds="given.seconds")}, claimed_by = given.claimed_by,
    claimed_at = :now, updated_at = :now, version = job.version + 1
FROM json_to_recordset(CAST(:leases AS json)) AS given (job_id text, lease_id text, claimed_by text, seconds int),
    nodes node
WHERE job.id = given.job_id AND node.id = job.node_id AND job.state = 'offered' AND job.lease_id IS NULL
RETURNING job.*
""")

_FIND_ANSWERS = text("""
SELECT stored.organisation_id, stored.key, stored.request_sha256, stored.body
FROM unnest(CAST(:organisations AS text[]), CAST(:keys AS text[])) AS asked (organisation_id, key)
JOIN idempotency_keys stored ON stored.organisation_id = asked.organisation_id AND stored.key = asked.key
""")

_STORE_ANSWERS = text("""
INSERT INTO idempotency_keys (organisation_id, key, request_sha256, status, body, location, subject_id, created_at)
SELECT organisation_id, key, request_sha256, 200, convert_to(body, 'UTF8'), '', claim_id, :now
FROM json_to_recordset(CAST(:claims AS json)) AS claim (
    organisation_id text, key text, request_sha256 text, body text, claim_id text
)
ON CONFLICT DO NOTHING
""")
