"""Statements on the jobs table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, TextClause, func, insert, literal_column, or_, text, update
from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.production.models import Job
from fabroute.production.repository.deadlines import LEAST_SECONDS, answer_by, work_begins_by
from fabroute.production.states import LIVE_STATES, JobState, states_before
from fabroute.routing.ports import StandingJob

_FRESH = {"populate_existing": True}
_WORK_BEGINS_BY: ColumnElement[datetime] = literal_column(
    f"(SELECT {work_begins_by('jobs')} FROM nodes node WHERE node.id = jobs.node_id)", DateTime(timezone=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are listed: a node's, of one owner only if it is given, in one state only if it is given."""

    node_id: str
    organisation_id: str | None = None
    state: str | None = None
    unknown_of: str | None = None
    """The only owner whose jobs are listed that the node doesn't know of yet; ``None``: every owner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedJob:
    """What the gates look at of a job, with the criticality of its order."""

    job_id: str
    organisation_id: str
    node_id: str
    order_line_id: str
    revision_id: str
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    quantity: int
    packaging: str
    ship_to_country: str
    produce_by: date
    state: str
    criticality: str
    first_article: bool = False
    """Whether its first print is the first article, and the owner has not approved it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJob:
    """A job that has just been held, and why."""

    job_id: str
    organisation_id: str
    node_id: str
    order_line_id: str
    held_from: str
    held_reason: str
    known_to_node: bool
    """Not if it was planned only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOfLine:
    """A job that an order line has now: all of it, or a share; the reason is empty unless it is held."""

    job_id: str
    share_no: int
    node_id: str
    city: str
    machine_id: str
    quantity: int
    price_minor: int
    produce_by: date
    promised_at: datetime
    state: str
    held_reason: str
    decision_id: str = ""
    agreed_more_minor: int | None = None
    """What an accepted counter-offer adds to the landed price, duty included; None: it is made as it was offered."""


def insert_jobs(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add jobs in one round trip."""
    session.exec(insert(Job), params=[dict(row) for row in rows])


def find_job(session: Session, job_id: str) -> Job | None:
    """Return a job by its id."""
    return session.get(Job, job_id, populate_existing=True)


def lock_job(session: Session, job_id: str) -> Job | None:
    """Return a job that no other transaction can change until this one ends."""
    return session.get(Job, job_id, populate_existing=True, with_for_update={"key_share": True})


def lock_live_jobs(session: Session, *, order_id: str) -> Sequence[Job]:
    """Lock the jobs of an order that are not over, by id, and return them."""
    live = (col(Job.order_id) == order_id, col(Job.state).in_(LIVE_STATES))
    statement = select(Job).where(*live).order_by(col(Job.id)).with_for_update(key_share=True)
    return session.exec(statement.execution_options(**_FRESH)).all()


def lock_live_of_revision(session: Session, *, revision_id: str) -> None:
    """Lock the offered and accepted jobs that make a revision, by id."""
    parameters = {"revision_id": revision_id, "sources": sorted(states_before("held"))}
    session.connection().execute(_LOCK_OF_REVISION, parameters)


def read_jobs(session: Session, wanted: JobFilter, *, cursor: str | None, limit: int) -> Sequence[Job]:
    """Return jobs after ``cursor`` in the order of their ids."""
    statement = select(Job).where(Job.node_id == wanted.node_id).order_by(col(Job.id)).limit(limit)
    if wanted.organisation_id is not None:
        statement = statement.where(Job.organisation_id == wanted.organisation_id)
    if wanted.state is not None:
        statement = statement.where(Job.state == wanted.state)
    if wanted.unknown_of is not None:
        known = or_(col(Job.dispatch_at).is_(None), col(Job.offered_at) >= col(Job.dispatch_at))
        statement = statement.where(or_(known, col(Job.organisation_id) == wanted.unknown_of))
    if cursor is not None:
        statement = statement.where(col(Job.id) > cursor)
    return session.exec(statement).all()


def read_of_lines(session: Session, *, line_ids: Collection[str]) -> dict[str, tuple[JobOfLine, ...]]:
    """Return the jobs that are not over of these order lines, by line: one, or one for each share."""
    found: dict[str, tuple[JobOfLine, ...]] = {}
    for row in session.connection().execute(_OF_LINES, {"line_ids": list(line_ids)}).mappings():
        columns = dict(row)
        line_id = columns.pop("order_line_id")
        found[line_id] = (*found.get(line_id, ()), JobOfLine(**columns))
    return found


def read_standing(session: Session, *, scope: str, limit: int, salt: str) -> list[StandingJob]:
    """Return jobs that no node has accepted, of lines that they alone make; ``salt`` says which of them come first."""
    rows = session.connection().execute(_STANDING, {"scope": scope, "limit": limit, "salt": salt}).mappings()
    return [StandingJob(**row) for row in rows]


def lock_standing(session: Session, versions: Mapping[str, int]) -> frozenset[str]:
    """Lock, by id, the jobs that no node has accepted and that are as they were in these versions; return which."""
    columns = {"ids": list(versions), "versions": list(versions.values())}
    return frozenset(session.connection().execute(_LOCK_STANDING, columns).scalars())


def standing_scopes(session: Session) -> list[str]:
    """Return the planning scopes in which jobs stand that no node has accepted."""
    return list(session.connection().execute(_STANDING_SCOPES).scalars())


def read_live_of_jobs(session: Session, *, job_ids: Collection[str]) -> Sequence[Job]:
    """Return the jobs that are not over of the lines of ``job_ids``, by id: these and their lines' other shares."""
    lines = select(Job.order_line_id).where(is_one_of(col(Job.id), job_ids))
    live = (col(Job.order_line_id).in_(lines), col(Job.state).in_(LIVE_STATES))
    return session.exec(select(Job).where(*live).order_by(col(Job.id)).execution_options(**_FRESH)).all()


def move_job(
    session: Session,
    job_id: str,
    *,
    to: JobState,
    values: Mapping[str, object],
    now: datetime,
    same_hands: bool = False,
) -> Job | None:
    """Bring a job into the state ``to``, with what changes on the way; None if it may not go there from where it is.

    Its version counts up, and its fence too, unless it stays in the ``same_hands``: file tickets stay good then.
    """
    changed = {**values, "state": to, **({"fence": col(Job.fence)} if same_hands else {})}
    return _change(session, job_id, before=states_before(to), values=changed, now=now)


def resume_job(session: Session, *, job_id: str, state: str, now: datetime) -> Job | None:
    """Put a held job back into the ``state`` that it was held from; None if it is not held (any more).

    Its deadlines are put off by the time that it was held: nobody could keep them meanwhile. An offer still ends when
    its work must begin, or soon after where that is over.
    """
    held = now - col(Job.held_at)
    answer = col(Job.offer_until) + held
    if state == "offered":
        answer = func.least(answer, func.greatest(_WORK_BEGINS_BY, now + timedelta(seconds=LEAST_SECONDS)))
    changed = {
        **{"state": state, "held_from": None, "held_at": None, "held_reason": "", "held_kind": ""},
        **{"offer_until": answer, "lease_until": col(Job.lease_until) + held},
    }
    return _change(session, job_id, before=("held",), values=changed, now=now)


def set_deadlines(session: Session, *, job_ids: Collection[str], seconds: int) -> None:
    """Give offered jobs their deadline: each node has its own time to answer, and ``seconds`` where it has none.

    None ends after its work must begin, as ``deadlines.answer_by`` says.
    """
    session.connection().execute(_DEADLINES, {"job_ids": list(job_ids), "seconds": seconds})


def lock_live_of_lines(session: Session, *, line_ids: Collection[str]) -> Sequence[Job]:
    """Lock the jobs of these order lines that are not over, by id, and return them."""
    live = (is_one_of(col(Job.order_line_id), line_ids), col(Job.state).in_(LIVE_STATES))
    statement = select(Job).where(*live).order_by(col(Job.id)).with_for_update(key_share=True)
    return session.exec(statement.execution_options(**_FRESH)).all()


def read_held_unstarted(session: Session, *, limit: int) -> list[tuple[str, str]]:
    """Return held jobs that nobody has started, oldest first: job and order line."""
    return [(row.id, row.order_line_id) for row in session.connection().execute(_HELD_UNSTARTED, {"limit": limit})]


def hold_jobs(session: Session, reasons: Mapping[str, str], *, now: datetime) -> list[HeldJob]:
    """Hold those of the jobs (by id, with the reason) that are planned, offered or accepted; return them by id.

    They are locked by a statement of its own: one that locks rows and changes them begins at versions of before it
    waited, and so can wait for a third transaction that waits for it.
    """
    session.connection().execute(_LOCK, {"ids": list(reasons)})
    parameters = {
        "ids": list(reasons),
        "reasons": list(reasons.values()),
        "sources": sorted(states_before("held")),
        "now": now,
    }
    rows = session.connection().execute(_HOLD, parameters).mappings()
    return sorted((HeldJob(**row) for row in rows), key=lambda job: job.job_id)


def read_checked(session: Session, *, job_ids: Collection[str]) -> list[CheckedJob]:
    """Return what the gates look at of these jobs."""
    return _checked(session, _CHECKED_BY_ID, job_ids)


def read_live_at_nodes(session: Session, *, node_ids: Collection[str]) -> list[CheckedJob]:
    """Return what the gates look at of the offered and accepted jobs of these nodes that have prints to make."""
    return _checked(session, _CHECKED_AT_NODES, node_ids)


def read_live_of_revisions(session: Session, *, revision_ids: Collection[str]) -> list[CheckedJob]:
    """Return what the gates look at of the offered and accepted jobs of these revisions with prints to make."""
    return _checked(session, _CHECKED_OF_REVISIONS, revision_ids)


def read_live(session: Session) -> list[CheckedJob]:
    """Return what the gates look at of all offered and accepted jobs that have prints to make."""
    return _checked(session, _CHECKED_ALL, ())


def _change(
    session: Session, job_id: str, *, before: Collection[str], values: Mapping[str, object], now: datetime
) -> Job | None:
    counted = {"updated_at": now, "version": Job.version + 1, "fence": Job.fence + 1}
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.state).in_(before))
        .values({**counted, **values})
        .returning(Job)
        .execution_options(**_FRESH)
    )
    return session.scalars(statement).one_or_none()


def _checked(session: Session, statement: TextClause, keys: Iterable[str]) -> list[CheckedJob]:
    parameters = {"keys": list(keys), "sources": sorted(states_before("held"))}
    return [CheckedJob(**row) for row in session.connection().execute(statement, parameters).mappings()]


_STANDS = """
job.state IN ('planned', 'offered') AND job.lease_id IS NULL AND job.share_no = 0 AND job.build_key IS NULL
AND line.state = 'routed' AND line.kept_quantity = 0 AND job.quantity = line.quantity
"""

_STANDING = text(f"""
SELECT job.id AS job_id, job.order_line_id, job.version, job.state, job.node_id, job.machine_id, job.material,
    job.parameter_set, job.lot_id, job.quantity, job.shipping_service, job.produce_by, job.dispatch_at
FROM jobs job JOIN order_lines line ON line.id = job.order_line_id
WHERE {_STANDS} AND line.planning_scope = :scope
ORDER BY md5(job.order_line_id || :salt), job.id LIMIT :limit
""")

_STANDING_SCOPES = text(f"""
SELECT DISTINCT line.planning_scope FROM jobs job JOIN order_lines line ON line.id = job.order_line_id
WHERE {_STANDS} ORDER BY line.planning_scope
""")

_LOCK_STANDING = text("""
SELECT job.id FROM jobs job
JOIN unnest(CAST(:ids AS text[]), CAST(:versions AS int[])) AS seen (id, version) ON seen.id = job.id
WHERE job.state IN ('planned', 'offered') AND job.lease_id IS NULL AND job.version = seen.version
ORDER BY job.id FOR NO KEY UPDATE OF job
""")

_LOCK = text("SELECT FROM jobs WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")

_HOLD = text("""
UPDATE jobs job
SET state = 'held', held_from = job.state, held_at = :now, held_reason = closing.reason, held_kind = 'gate',
    updated_at = :now,
    version = job.version + 1, fence = job.fence + 1
FROM unnest(CAST(:ids AS text[]), CAST(:reasons AS text[])) AS closing (id, reason)
WHERE job.id = closing.id AND job.state = ANY(:sources) AND job.good_prints < job.quantity
RETURNING job.id AS job_id, job.organisation_id, job.node_id, job.order_line_id, job.held_from, job.held_reason,
    job.dispatch_at IS NULL OR job.offered_at >= job.dispatch_at AS known_to_node
""")

_DEADLINES = text(f"""
UPDATE jobs job SET offer_until = {answer_by("job.offered_at", seconds="coalesce(node.offer_seconds, :seconds)")}
FROM nodes node WHERE node.id = job.node_id AND job.id = ANY(:job_ids) AND job.state = 'offered'
""")

_LOCK_OF_REVISION = text(
    "SELECT FROM jobs WHERE revision_id = :revision_id AND state = ANY(:sources) ORDER BY id FOR NO KEY UPDATE"
)

_OF_LINES = text("""
SELECT job.order_line_id, job.id AS job_id, job.share_no, job.node_id, node.city, job.machine_id, job.quantity,
    job.price_minor, job.produce_by, job.promised_at, job.state, job.held_reason, job.decision_id,
    counter.more_minor + coalesce(CAST(ceil(CAST(counter.more_minor * decided.duty_minor AS numeric)
        / nullif(decided.production_minor, 0)) AS bigint), 0) AS agreed_more_minor
FROM jobs job JOIN nodes node ON node.id = job.node_id
LEFT JOIN LATERAL (
    SELECT CAST(sum(price_minor - offered_price_minor) AS bigint) AS more_minor FROM counter_offers
    WHERE job_id = job.id AND state = 'accepted'
) counter ON true
LEFT JOIN LATERAL (
    SELECT CAST(document #>> '{chosen,duty_minor}' AS bigint) AS duty_minor,
        CAST(document #>> '{chosen,production_minor}' AS bigint) AS production_minor
    FROM routing_decisions WHERE id = job.decision_id AND counter.more_minor IS NOT NULL
) decided ON true
WHERE job.order_line_id = ANY(:line_ids) AND job.state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')
ORDER BY job.order_line_id, job.share_no
""")
"""The condition is that of the unique index on lines with a live job, which answers this."""

_UNSTARTED = "state = 'held' AND file_released_at IS NULL AND good_prints + failed_prints = 0"

_HELD_UNSTARTED = text(f"SELECT id, order_line_id FROM jobs WHERE {_UNSTARTED} ORDER BY id LIMIT :limit")

_CHECKED = """
SELECT job.id AS job_id, job.organisation_id, job.node_id, job.order_line_id, job.revision_id, job.machine_id,
    job.material, job.parameter_set, job.lot_id, job.quantity, job.packaging, job.ship_to_country, job.produce_by,
    job.state, coalesce(placed.criticality, '') AS criticality,
    job.first_article AND job.first_article_approved_at IS NULL AS first_article
FROM jobs job LEFT JOIN orders placed ON placed.id = job.order_id
WHERE {where} ORDER BY job.id
"""
"""The criticality is the order's: one join, where a question to the room of orders would be a second statement."""

_LIVE = "job.state = ANY(:sources) AND job.good_prints < job.quantity"
"""A job whose prints are all made is over for the gates: nothing of it can be held any more."""

_CHECKED_BY_ID = text(_CHECKED.format(where="job.id = ANY(:keys)"))
_CHECKED_AT_NODES = text(_CHECKED.format(where=f"{_LIVE} AND job.node_id = ANY(:keys)"))
_CHECKED_OF_REVISIONS = text(_CHECKED.format(where=f"{_LIVE} AND job.revision_id = ANY(:keys)"))
_CHECKED_ALL = text(_CHECKED.format(where=_LIVE))
