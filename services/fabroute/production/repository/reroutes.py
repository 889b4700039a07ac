"""Statements on jobs that leave their nodes, and on what became of their lines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, false, or_, text, update
from sqlmodel import Session, col

from fabroute.database.bulk import is_one_of
from fabroute.production.models import CounterOffer, Job
from fabroute.production.rules import RerouteCause
from fabroute.production.states import LIVE_STATES, JobState, states_before

LEAVABLE_STATES = frozenset({"planned", "offered", "countered", "accepted", "in_production", "held"})
"""States of jobs that can still leave their node: something of them is to be made."""
UNSTARTED_STATES = LEAVABLE_STATES - {"in_production"}
"""States of jobs that nobody may have started; whether one has, its file and prints say."""
ASKABLE_STATES = frozenset({"accepted", "in_production", "inspected", "held", "suspect"})
"""States in which a node may be asked to stop."""


def end_jobs(
    session: Session, *, job_ids: Collection[str], state: JobState, reason: str, now: datetime
) -> Sequence[Job]:
    """End those of ``job_ids`` that may end in ``state``; the caller has locked them. Return them as they are now."""
    statement = (
        update(Job)
        .where(is_one_of(col(Job.id), job_ids), col(Job.state).in_(states_before(state)))
        .values(
            state=state,
            ended_at=now,
            end_reason=reason,
            updated_at=now,
            version=Job.version + 1,
            fence=Job.fence + 1,
        )
        .returning(Job)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return sorted(session.scalars(statement).all(), key=lambda job: job.id)


def lapse_counter_offers(session: Session, *, job_ids: Collection[str], reason: str, now: datetime) -> None:
    """Let the open counter-offers of jobs that ended lapse."""
    statement = (
        update(CounterOffer)
        .where(is_one_of(col(CounterOffer.job_id), job_ids), col(CounterOffer.state) == "open")
        .values(state="lapsed", decided_at=now, decision_reason=reason)
    )
    session.exec(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class RerouteNote:
    """Why jobs leave their nodes, who says so, and when."""

    cause: str
    detail: str
    actor: str
    now: datetime


def insert_reroutes(session: Session, ids: Mapping[str, str], note: RerouteNote) -> None:
    """Note that jobs leave, each under the id given for it, with the promise that there was; before lines go back.

    What the customer may count on is the first promise, or the present one where that is later or dearer already. There
    is no price of a line that is made in shares, nor of an order with an agreed one: the owner pays that, wherever the
    parts are made.
    """
    columns = {"job_ids": list(ids), "ids": list(ids.values())}
    session.connection().execute(_INSERT, {**columns, **asdict(note)})


def line_ids_of(session: Session, *, job_ids: Collection[str]) -> frozenset[str]:
    """Return the order lines of these jobs."""
    return frozenset(session.connection().execute(_LINES, {"job_ids": list(job_ids)}).scalars())


def leavable_at(session: Session, *, node_id: str, machine_id: str | None = None) -> list[str]:
    """Return, by id, the jobs of a node (and a machine) of which something is still to be made."""
    parameters = {"node_id": node_id, "machine_id": machine_id, "states": sorted(LEAVABLE_STATES)}
    return list(session.connection().execute(_LEAVABLE, parameters).scalars())


def ask_to_cancel(
    session: Session, *, job_ids: Collection[str], cause: str, reason: str, now: datetime
) -> Sequence[Job]:
    """Note on locked jobs that their nodes are asked to stop, where they aren't yet; return those.

    Where the order is to be cancelled (no ``cause``), that takes the place of a cause to route the line again.
    """
    asked = {"cancel_requested_at": now, "cancel_cause": cause, "cancel_reason": reason, "cancel_agreed_at": None}
    weaker = col(Job.cancel_cause) != "" if cause == "" else false()
    which = (or_(col(Job.cancel_requested_at).is_(None), weaker), col(Job.state).in_(ASKABLE_STATES))
    return _changed(session, job_ids, which, asked, now=now)


def clear_cancel(session: Session, *, job_ids: Collection[str], now: datetime) -> Sequence[Job]:
    """Take back that the nodes of locked jobs are asked to stop; return those that were."""
    nothing = {"cancel_requested_at": None, "cancel_cause": "", "cancel_reason": "", "cancel_agreed_at": None}
    which = (col(Job.cancel_requested_at).is_not(None), col(Job.state).in_(LIVE_STATES))
    return _changed(session, job_ids, which, nothing, now=now)


def agree_to_cancel(session: Session, *, job_id: str, now: datetime) -> Sequence[Job]:
    """Note on a locked job that its node agreed to stop."""
    which = (col(Job.cancel_requested_at).is_not(None),)
    return _changed(session, [job_id], which, {"cancel_agreed_at": now}, now=now)


def suspect_jobs(session: Session, *, job_ids: Collection[str], now: datetime) -> Sequence[Job]:
    """Turn locked jobs of which nobody knows what becomes suspect: a person decides. Return those that could be."""
    silent = {"suspect_from": Job.state, "suspect_since": now, "state": "suspect", "fence": Job.fence + 1}
    return _changed(session, job_ids, (col(Job.state).in_(states_before("suspect")),), silent, now=now)


def asked_because(session: Session, *, node_id: str, cause: str) -> list[str]:
    """Return the jobs of a node that it is asked to stop for this cause and hasn't answered."""
    return list(session.connection().execute(_ASKED, {"node_id": node_id, "cause": cause}).scalars())


def unstarted_where_down(session: Session, *, limit: int) -> dict[RerouteCause, list[str]]:
    """Return jobs that nobody has started at nodes and machines that are down, by what is."""
    parameters = {"states": sorted(UNSTARTED_STATES), "limit": limit}
    found: dict[RerouteCause, list[str]] = {}
    for row in session.connection().execute(_WHERE_DOWN, parameters):
        found.setdefault(row.cause, []).append(row.id)
    return found


def held_of_machine(
    session: Session, *, machine_id: str, first_day: date, last_day: date
) -> Sequence[tuple[str, datetime, date, int]]:
    """Return what unstarted jobs hold of a machine's days: job, what is promised, day and minutes."""
    states = sorted(UNSTARTED_STATES)
    parameters = {"machine_id": machine_id, "first_day": first_day, "last_day": last_day, "states": states}
    found = session.connection().execute(_HELD_OF_MACHINE, parameters)
    return [(row.job_id, row.promised_at, row.day, row.minutes) for row in found]


def _changed(
    session: Session,
    job_ids: Collection[str],
    which: Sequence[ColumnElement[bool]],
    values: Mapping[str, object],
    *,
    now: datetime,
) -> Sequence[Job]:
    statement = (
        update(Job)
        .where(is_one_of(col(Job.id), job_ids), *which)
        .values({**values, "updated_at": now, "version": Job.version + 1})
        .returning(Job)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return sorted(session.scalars(statement).all(), key=lambda job: job.id)


_UNSTARTED = """
job.file_released_at IS NULL AND job.started_at IS NULL AND job.good_prints + job.failed_prints = 0
"""

_LEAVABLE = text("""
SELECT id FROM jobs WHERE node_id = :node_id AND (CAST(:machine_id AS text) IS NULL OR machine_id = :machine_id)
  AND state = ANY(:states) AND good_prints < quantity ORDER BY id
""")

_WHERE_DOWN = text(f"""
SELECT job.id, CASE WHEN node.status = 'closed' THEN 'node_closed' WHEN node.status <> 'up' THEN 'node_down'
    ELSE 'machine_down' END AS cause
FROM jobs job JOIN nodes node ON node.id = job.node_id JOIN machines machine ON machine.id = job.machine_id
WHERE (node.status <> 'up' OR machine.status <> 'up') AND job.state = ANY(:states) AND {_UNSTARTED}
ORDER BY job.id LIMIT :limit
""")

_ASKED = text("""
SELECT id FROM jobs WHERE node_id = :node_id AND cancel_cause = :cause AND cancel_requested_at IS NOT NULL ORDER BY id
""")

_HELD_OF_MACHINE = text(f"""
SELECT job.id AS job_id, job.promised_at, held.day, held.minutes
FROM capacity_allocations held JOIN jobs job ON job.id = held.job_id
WHERE held.machine_id = :machine_id AND held.day BETWEEN :first_day AND :last_day AND held.released_at IS NULL
  AND job.state = ANY(:states) AND {_UNSTARTED}
ORDER BY job.id, held.day
""")

_LINES = text("SELECT DISTINCT order_line_id FROM jobs WHERE id = ANY(:job_ids)")

_INSERT = text("""
INSERT INTO reroutes (id, organisation_id, order_id, order_line_id, share_no, job_id, node_id, quantity, cause, detail,
    actor, rerouted_at, promised_at, promised_minor, outcome)
SELECT left_job.id, job.organisation_id, job.order_id, job.order_line_id, job.share_no, job.id, job.node_id,
    job.quantity, :cause, :detail, :actor, :now, greatest(line.promised_at, job.promised_at),
    CASE WHEN placed.agreed_price_minor IS NULL AND line.kept_quantity = 0 AND job.quantity = line.quantity
    THEN greatest(line.promised_minor, decision.landed_minor) END, ''
FROM unnest(CAST(:job_ids AS text[]), CAST(:ids AS text[])) AS left_job (job_id, id)
JOIN jobs job ON job.id = left_job.job_id LEFT JOIN order_lines line ON line.id = job.order_line_id
LEFT JOIN orders placed ON placed.id = line.order_id
LEFT JOIN routing_decisions decision ON decision.id = line.decision_id
""")
