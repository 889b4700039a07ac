"""Jobs leave their nodes and their lines go to routing again: with a cause, and with the promise that there was.

Locks are taken in one order: lines, jobs, builds, licences, allocations, lots, slots, nodes, orders.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
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
from fabroute.production.models import Build, Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import reroutes as rows
from fabroute.production.repository.reroutes import RerouteNote
from fabroute.production.rules import RerouteCause
from fabroute.production.service.rerouting.attention import park_worn_out
from fabroute.production.service.rerouting.leaving_builds import leave_planned, tell_left
from fabroute.production.service.telling import tell_all
from fabroute.production.service.views import job_view
from fabroute.routing.service.exclusions import LineExclusionView, rule_out

EndState = Literal["cancelled", "declined", "lapsed", "failed"]
_TOLD: Mapping[EndState, JobEvent] = MappingProxyType(
    {"cancelled": "job.cancelled", "declined": "job.declined", "lapsed": "job.lapsed", "failed": "job.failed"}
)
LONGEST_REASON = 1_000


def nothing_else() -> None:
    """Change nothing beside."""


def lock_for_reroute(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Lock the lines of jobs and all their live jobs, in the order in which all lock them; return those of ``job_ids``.

    A job that is over, or whose line is not routed, is left out.
    """
    standing = orders.lock_routed_lines(session, line_ids=rows.line_ids_of(session, job_ids=job_ids))
    wanted = frozenset(job_ids)
    return [job for job in job_rows.lock_live_of_lines(session, line_ids=standing) if job.id in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Why jobs leave their nodes, who says so, in which state they end, and whether the node gets the line again."""

    cause: RerouteCause
    reason: str
    actor: str
    now: datetime
    state: EndState = "cancelled"
    exclude: bool = False


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
    the line doesn't come to the same node again, and waits for a person once three nodes are ruled out. With a share of
    a split line all others that no node counts on go too, so that the whole rest is planned anew; what nodes have
    accepted or claimed, they go on making. A line whose order was to be cancelled is cancelled: nobody makes it again.
    """
    leaving = Leaving(cause=cause, reason=reason, actor=actor, now=now, state=state, exclude=exclude)
    return reroute(session, job_ids, leaving)


def reroute(
    session: Session, job_ids: Collection[str], leaving: Leaving, *, meanwhile: Callable[[], None] = nothing_else
) -> Sequence[Job]:
    """As ``reroute_jobs``; ``meanwhile`` changes the network, once lots and slots are free and before nodes are told.

    It is called whether or not a job leaves: so everybody locks slots, nodes and orders in the same order.
    """
    wanted = set(job_ids)
    live = job_rows.read_live_of_jobs(session, job_ids=wanted) if wanted else ()
    lines = {job.order_line_id for job in live if job.id in wanted}
    swept = {job.id for job in live if job.id not in wanted and job.order_line_id in lines and is_free(job)}
    asked = rows.end_jobs(session, job_ids=wanted, state=leaving.state, reason=leaving.reason, now=leaving.now)
    with_them = rows.end_jobs(session, job_ids=swept, state="cancelled", reason=leaving.reason, now=leaving.now)
    taken = [*asked, *with_them]
    left = _give_back(session, taken, leaving.reason, leaving.now)
    meanwhile()
    tell_left(session, left, actor=leaving.actor, now=leaving.now)
    _tell(session, asked, _TOLD[leaving.state], leaving)
    _tell(session, with_them, "job.cancelled", leaving)
    if taken:
        rows.insert_reroutes(session, {job.id: new_id("rrt") for job in taken}, _note(leaving))
        _send_back(session, live, taken, leaving)
        _drop_cancelled(session, live, taken, leaving)
        if leaving.exclude and asked:
            rule_out(session, excluded=[_excluded(job, leaving) for job in asked])
            park_worn_out(session, line_ids={job.order_line_id for job in asked}, now=leaving.now)
    return taken


def end_jobs(session: Session, job_ids: Collection[str], *, actor: str, reason: str, now: datetime) -> Sequence[Job]:
    """Cancel locked jobs and give back what they hold: material, machine time, licensed prints that were not made."""
    leaving = Leaving(cause="owner", reason=reason, actor=actor, now=now)
    jobs = rows.end_jobs(session, job_ids=job_ids, state="cancelled", reason=reason, now=now) if job_ids else ()
    tell_left(session, _give_back(session, jobs, reason, now), actor=actor, now=now)
    _tell(session, jobs, "job.cancelled", leaving)
    return jobs


def _give_back(session: Session, jobs: Sequence[Job], reason: str, now: datetime) -> Sequence[Build]:
    """Give back what jobs hold that ended; return the planned builds that go on without them, or not at all."""
    if not jobs:
        return ()
    ended = [job.id for job in jobs]
    left = leave_planned(session, job_ids=ended, reason=reason, now=now)
    rows.lapse_counter_offers(session, job_ids=ended, reason=reason, now=now)
    inventory.return_leases(session, job_ids=ended, now=now)
    network.release(session, job_ids=ended, now=now)
    return left


def _tell(session: Session, jobs: Sequence[Job], name: JobEvent, leaving: Leaving) -> None:
    if not jobs:
        return
    told = [(job.id, job) for job in jobs]
    tell_all(session, told, name, actor=leaving.actor, now=leaving.now, reason=leaving.reason)
    outbox.record(session, events.capacity_released(order_id=jobs[0].order_id, occurred_at=leaving.now))


def _send_back(session: Session, live: Sequence[Job], taken: Sequence[Job], leaving: Leaving) -> None:
    """Send the lines of jobs that left back to routing, but for what the others of ``live`` go on making."""
    gone, lines = {job.id for job in taken}, {job.order_line_id for job in taken}
    kept = _kept([job for job in live if job.id not in gone and job.order_line_id in lines])
    orders.requeue_lines(session, line_ids=sorted(lines), reason=leaving.reason, now=leaving.now, kept=kept)


def _drop_cancelled(session: Session, live: Sequence[Job], taken: Sequence[Job], leaving: Leaving) -> None:
    """Cancel the lines of jobs that left while their nodes were asked to stop for a cancelled order."""
    gone = {job.id for job in taken}
    made_still = {job.order_line_id for job in live if job.id not in gone}
    unwanted = {job.order_line_id for job in taken if job.cancel_requested_at is not None and not job.cancel_cause}
    if unwanted - made_still:
        orders.cancel_lines(session, line_ids=sorted(unwanted - made_still), now=leaving.now)


def is_held_unstarted(job: Job) -> bool:
    """Return whether a gate holds a job that nobody has started."""
    return job.state == "held" and not job_view(job).started


def is_free(job: Job) -> bool:
    """Return whether no node counts on a job: it is planned, offered and not claimed, or held before it was started."""
    return job.state == "planned" or (job.state == "offered" and job.lease_id is None) or is_held_unstarted(job)


def _note(leaving: Leaving) -> RerouteNote:
    detail = leaving.reason[:LONGEST_REASON]
    return RerouteNote(cause=leaving.cause, detail=detail, actor=leaving.actor, now=leaving.now)


def _excluded(job: Job, leaving: Leaving) -> LineExclusionView:
    return LineExclusionView(
        line_id=job.order_line_id,
        node_id=job.node_id,
        cause=leaving.cause,
        reason=leaving.reason[:LONGEST_REASON],
        job_id=job.id,
        excluded_at=leaving.now,
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
