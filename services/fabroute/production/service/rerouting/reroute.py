"""Jobs leave their nodes and their lines go to routing again: with a cause, and with the promise that there was.

Locks are taken in one order: lines, jobs, licences, allocations, lots, slots, nodes, orders.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from sqlmodel import Session

from fabroute.inventory import service as inventory
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.orders.service import KeptShares
from fabroute.outbox import service as outbox
from fabroute.production import events
from fabroute.production.events import JobEvent
from fabroute.production.models import Job, Reroute
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import reroutes as rows
from fabroute.production.rules import RerouteCause
from fabroute.production.service.telling import tell_all
from fabroute.production.service.views import job_view
from fabroute.routing.service.exclusions import LineExclusionView, rule_out

EndState = Literal["cancelled", "declined", "lapsed", "failed"]
_TOLD: Mapping[EndState, JobEvent] = MappingProxyType(
    {"cancelled": "job.cancelled", "declined": "job.declined", "lapsed": "job.lapsed", "failed": "job.failed"}
)
LONGEST_REASON = 1_000


def lock_for_reroute(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Lock the lines of jobs and all their live jobs, in the order in which all lock them; return those of ``job_ids``.

    A job that is over, or whose line is not routed, is left out.
    """
    standing = orders.lock_routed_lines(session, line_ids=rows.line_ids_of(session, job_ids=job_ids))
    return [job for job in job_rows.lock_live_of_lines(session, line_ids=standing) if job.id in set(job_ids)]


def reroute_jobs(
    session: Session,
    *,
    job_ids: Collection[str],
    cause: RerouteCause,
    reason: str,
    actor: str,
    now: datetime,
    state: EndState = "cancelled",
    exclude: bool = False,
) -> Sequence[Job]:
    """Take jobs from their nodes, end them in ``state``, and send their lines back to routing; return all that ended.

    The caller holds the locks on lines and jobs (``lock_for_reroute``). Material, machine time and the licensed prints
    that were not made go back; each re-route is noted with its cause and the promise that there was. With ``exclude``
    the line doesn't come to the same node again. With a share of a split line all others that no node counts on go
    too, so that the whole rest is planned anew; what nodes have accepted or claimed, they go on making.
    """
    wanted = set(job_ids)
    if not wanted:
        return ()
    live = job_rows.read_live_of_jobs(session, job_ids=wanted)
    promises = rows.read_promises(session, job_ids=[job.id for job in live])
    taken = end_jobs(session, wanted, actor=actor, reason=reason, now=now, state=state)
    lines = {job.order_line_id for job in taken}
    swept = [job.id for job in live if job.id not in wanted and job.order_line_id in lines and is_free(job)]
    taken = [*taken, *end_jobs(session, swept, actor=actor, reason=reason, now=now)]
    if not taken:
        return ()
    notes = [_note(job, promises, cause=cause, reason=reason, actor=actor, now=now) for job in taken]
    rows.insert_reroutes(session, notes)
    if exclude:
        rule_out(session, excluded=[_excluded(job, cause, reason, now) for job in taken if job.id in wanted])
    gone = {job.id for job in taken}
    kept = _kept([job for job in live if job.id not in gone and job.order_line_id in lines])
    orders.requeue_lines(session, line_ids=sorted(lines), reason=reason, now=now, kept=kept)
    return taken


def end_jobs(
    session: Session,
    job_ids: Collection[str],
    *,
    actor: str,
    reason: str,
    now: datetime,
    state: EndState = "cancelled",
) -> Sequence[Job]:
    """End locked jobs and give back what they hold: material, machine time, licensed prints that were not made."""
    if not job_ids:
        return ()
    jobs = rows.end_jobs(session, job_ids=job_ids, state=state, reason=reason, now=now)
    if not jobs:
        return ()
    ended = [job.id for job in jobs]
    rows.lapse_counter_offers(session, job_ids=ended, reason=reason, now=now)
    inventory.return_leases(session, job_ids=ended, now=now)
    network.release(session, job_ids=ended, now=now)
    tell_all(session, [(job.id, job) for job in jobs], _TOLD[state], actor=actor, now=now, reason=reason)
    outbox.record(session, events.capacity_released(order_id=jobs[0].order_id, occurred_at=now))
    return jobs


def is_held_unstarted(job: Job) -> bool:
    """Return whether a gate holds a job that nobody has started."""
    return job.state == "held" and not job_view(job).started


def is_free(job: Job) -> bool:
    """Return whether no node counts on a job: it is planned, offered and not claimed, or held before it was started."""
    return job.state == "planned" or (job.state == "offered" and job.lease_id is None) or is_held_unstarted(job)


def _note(
    job: Job,
    promises: Mapping[str, tuple[datetime | None, int | None]],
    *,
    cause: RerouteCause,
    reason: str,
    actor: str,
    now: datetime,
) -> Reroute:
    promised_at, promised_minor = promises.get(job.id, (None, None))
    return Reroute(
        id=new_id("rrt"),
        organisation_id=job.organisation_id,
        order_id=job.order_id,
        order_line_id=job.order_line_id,
        share_no=job.share_no,
        job_id=job.id,
        node_id=job.node_id,
        quantity=job.quantity,
        cause=cause,
        detail=reason[:LONGEST_REASON],
        actor=actor,
        rerouted_at=now,
        promised_at=promised_at,
        promised_minor=promised_minor,
    )


def _excluded(job: Job, cause: RerouteCause, reason: str, now: datetime) -> LineExclusionView:
    return LineExclusionView(
        line_id=job.order_line_id,
        node_id=job.node_id,
        cause=cause,
        reason=reason[:LONGEST_REASON],
        job_id=job.id,
        excluded_at=now,
    )


def _kept(jobs: Sequence[Job]) -> dict[str, KeptShares]:
    """Return, by line, what these jobs go on making of it."""
    shares: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        shares[job.order_line_id].append(job)
    return {
        line_id: KeptShares(
            quantity=sum(job.quantity for job in of_line),
            nodes=",".join(sorted({job.node_id for job in of_line})),
            next_share_no=max(job.share_no for job in of_line) + 1,
        )
        for line_id, of_line in shares.items()
    }
