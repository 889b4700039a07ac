"""What jobs do when the network loses something: unstarted ones leave at once, started ones wait for an answer."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.network import service as network
from fabroute.network.service import outages
from fabroute.network.service.nodes import StatusChange
from fabroute.network.service.outages import CapacityCut, MachineChange
from fabroute.production.events import JobEvent
from fabroute.production.models import Job
from fabroute.production.repository import reroutes as rows
from fabroute.production.rules import RerouteCause
from fabroute.production.service.rerouting.choosing import Movable, fewest_to_leave
from fabroute.production.service.rerouting.reroute import Leaving, lock_for_reroute, reroute
from fabroute.production.service.telling import tell_all
from fabroute.production.service.views import job_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What an outage did: jobs that left at once, that their node is asked to stop, that a person decides about."""

    rerouted: tuple[str, ...]
    asked: tuple[str, ...] = ()
    suspect: tuple[str, ...] = ()
    over_minutes: tuple[tuple[date, int], ...] = ()
    """Of a cut: by how many minutes started jobs still hold more of a day than is left."""


def set_node_status(session: Session, *, node_id: str, change: StatusChange, actor: str, now: datetime) -> Outage:
    """Take a node down or up, with its jobs: as ``network.set_node_status``, and in the same transaction.

    Down: jobs that nobody has started leave at once; the node is asked to stop the others, and they wait for its answer
    or a person. Up again: what nobody has answered is not asked any more. Raises what ``set_node_status`` raises.
    """
    network.reach_everyone_from(session, node_id=node_id)

    def set_status() -> None:
        network.set_node_status(session, node_id=node_id, change=change, actor=actor, now=now)

    if change.status == "up":
        _withdraw(session, node_id=node_id, cause="node_down", actor=actor, now=now)
        set_status()
        return Outage(rerouted=())
    leaving = Leaving(cause="node_down", reason=f"the node is down: {change.reason}", actor=actor, now=now)
    return _leave(session, rows.leavable_at(session, node_id=node_id), leaving, set_status)


def set_machine_status(
    session: Session, *, machine_id: str, change: MachineChange, actor: str, now: datetime
) -> Outage:
    """Take a machine down or up, with its jobs, as ``set_node_status`` does with those of a node.

    Raises ``UnknownMachine`` and ``StaleVersion``.
    """
    node_id = outages.node_of_machine(session, machine_id=machine_id)
    network.reach_everyone_from(session, node_id=node_id)

    def set_status() -> None:
        outages.set_machine_status(session, machine_id=machine_id, change=change, actor=actor, now=now)

    if change.status == "up":
        _withdraw(session, node_id=node_id, cause="machine_down", actor=actor, now=now)
        set_status()
        return Outage(rerouted=())
    reason = f"machine {machine_id} is down: {change.reason}"
    leaving = Leaving(cause="machine_down", reason=reason, actor=actor, now=now)
    wanted = rows.leavable_at(session, node_id=node_id, machine_id=machine_id)
    return _leave(session, wanted, leaving, set_status)


def cut_capacity(session: Session, *, machine_id: str, cut: CapacityCut, actor: str, now: datetime) -> Outage:
    """Reduce a machine's days; where jobs hold more than is left, the fewest unstarted ones leave.

    What started jobs hold stays theirs, and is told as ``over_minutes``. Raises ``UnknownMachine``.
    """
    network.reach_everyone_from(session, node_id=outages.node_of_machine(session, machine_id=machine_id))
    over = outages.over_a_cut(session, machine_id=machine_id, cut=cut)
    chosen = fewest_to_leave(_movable(session, machine_id, cut), over) if over else ()
    jobs = [job for job in lock_for_reroute(session, chosen) if _is_unstarted(job)]
    still_over: list[tuple[date, int]] = []

    def reduce() -> None:
        found = outages.cut_capacity(session, machine_id=machine_id, cut=cut, actor=actor, now=now)
        still_over.extend(found.items())

    reason = f"machine {machine_id} has less time than planned: {cut.reason}"
    leaving = Leaving(cause="capacity_cut", reason=reason, actor=actor, now=now)
    taken = reroute(session, [job.id for job in jobs], leaving, meanwhile=reduce)
    return Outage(rerouted=tuple(job.id for job in taken), over_minutes=tuple(still_over))


def close_node(session: Session, *, node_id: str, reason: str, actor: str, now: datetime) -> Outage:
    """Close a node for good and take all that nobody has started from it, in one transaction.

    Lines and licensed prints come back whole, and the lines are decided together by the next run. Started jobs are
    suspect: a person finds out what became of the parts. Raises ``UnknownNode``.
    """
    network.reach_everyone_from(session, node_id=node_id)

    def close() -> None:
        outages.close_node(session, node_id=node_id, reason=reason, actor=actor, now=now)

    leaving = Leaving(cause="node_closed", reason=f"the node closed for good: {reason}", actor=actor, now=now)
    locked = lock_for_reroute(session, rows.leavable_at(session, node_id=node_id))
    taken = reroute(session, [job.id for job in locked if _is_unstarted(job)], leaving, meanwhile=close)
    started = [job for job in locked if not _is_unstarted(job)]
    suspect = rows.suspect_jobs(session, job_ids=[job.id for job in started], now=now)
    _tell(session, suspect, "job.suspect", leaving)
    asked = request_cancellations(session, [job.id for job in started if job.state == "held"], leaving)
    return Outage(rerouted=_ids(taken), asked=_ids(asked), suspect=_ids(suspect))


def leave_down_nodes(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Take up to ``limit`` unstarted jobs from nodes and machines that are down; return how many.

    Those that were decided while the outage was being written. Any number of workers may do this at once.
    """
    found = rows.unstarted_where_down(session, limit=limit)
    taken = 0
    for cause, job_ids in found.items():
        jobs = [job.id for job in lock_for_reroute(session, job_ids) if _is_unstarted(job)]
        reason = "it was decided while its node or machine went down"
        leaving = Leaving(cause=cause, reason=reason, actor="system:production", now=now)
        taken += len(reroute(session, jobs, leaving))
    return taken


def request_cancellations(session: Session, job_ids: Collection[str], leaving: Leaving) -> Sequence[Job]:
    """Ask the nodes of started jobs to stop; the caller has locked lines and jobs. Return those that are asked now."""
    cause = "" if leaving.cause == "owner" else leaving.cause
    asked = rows.ask_to_cancel(session, job_ids=job_ids, cause=cause, reason=leaving.reason, now=leaving.now)
    _tell(session, asked, "job.cancel_requested", leaving)
    return asked


def _leave(session: Session, job_ids: Collection[str], leaving: Leaving, change: Callable[[], None]) -> Outage:
    locked = lock_for_reroute(session, job_ids)
    taken = reroute(session, [job.id for job in locked if _is_unstarted(job)], leaving, meanwhile=change)
    asked = request_cancellations(session, [job.id for job in locked if not _is_unstarted(job)], leaving)
    return Outage(rerouted=_ids(taken), asked=_ids(asked))


def _withdraw(session: Session, *, node_id: str, cause: RerouteCause, actor: str, now: datetime) -> None:
    job_ids = rows.asked_because(session, node_id=node_id, cause=cause)
    jobs = rows.clear_cancel(session, job_ids=[job.id for job in lock_for_reroute(session, job_ids)], now=now)
    leaving = Leaving(cause=cause, reason="the node is up again", actor=actor, now=now)
    _tell(session, jobs, "job.cancel_withdrawn", leaving)


def _movable(session: Session, machine_id: str, cut: CapacityCut) -> list[Movable]:
    by_job: dict[str, tuple[datetime, dict[date, int]]] = {}
    held = rows.held_of_machine(session, machine_id=machine_id, first_day=cut.first_day, last_day=cut.last_day)
    for job_id, promised_at, day, minutes in held:
        by_job.setdefault(job_id, (promised_at, {}))[1][day] = minutes
    return [
        Movable(job_id=job_id, promised_at=promised_at, minutes=minutes)
        for job_id, (promised_at, minutes) in by_job.items()
    ]


def _is_unstarted(job: Job) -> bool:
    return job.state in rows.UNSTARTED_STATES and not job_view(job).started


def _tell(session: Session, jobs: Sequence[Job], name: JobEvent, leaving: Leaving) -> None:
    if jobs:
        told = [(job.id, job) for job in jobs]
        tell_all(session, told, name, actor=leaving.actor, now=leaving.now, reason=leaving.reason, cause=leaving.cause)


def _ids(jobs: Sequence[Job]) -> tuple[str, ...]:
    return tuple(job.id for job in jobs)
