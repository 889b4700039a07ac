"""Playing: whatever is due now at nodes of sandboxes is done. Nothing is remembered between two calls."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.sandbox import repository
from fabroute.sandbox.rules import Standing, Step, answer_to, next_step
from fabroute.sandbox.service.steps import Hand, take

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What became of a job: the step that was due, and why it was refused, if it was."""

    job_id: str
    step: Step
    refusal: str = ""


def sandbox_waits(session: Session, *, pace_seconds: float) -> bool:
    """Tell whether something is due at a node of a sandbox, by the clock of the database."""
    return repository.any_due(session, pace_seconds=pace_seconds)


def play(engine: Engine, *, pace_seconds: float, now: datetime) -> tuple[Played, ...]:
    """Let the nodes of all sandboxes do what is due, each job one step, in a transaction of its own.

    A step is due when nothing has happened to its job for ``pace_seconds``. One that is refused, because somebody else
    was faster, changes nothing and comes again. Any number of workers may do this at once.
    """
    with unit_of_work(engine) as session:
        due = repository.read_due(session, pace_seconds=pace_seconds, limit=_BATCH)
    found = ((job, _step(job, pace_seconds=pace_seconds)) for job in due)
    return tuple(_played(engine, job, step, now=now) for job, step in found if step is not None)


def _step(job: Row[Any], *, pace_seconds: float) -> Step | None:
    standing = Standing(
        state=job.state,
        good_prints=job.good_prints,
        failed_prints=job.failed_prints,
        quantity=job.quantity,
        shipment_state=job.shipment_state,
        tried_before=job.tried_before,
        cancel_requested=job.cancel_requested,
        steps_since=job.quiet_seconds / pace_seconds if pace_seconds else math.inf,
    )
    return next_step(standing, answer_to(part_no=job.part_no, reference=job.reference))


def _played(engine: Engine, job: Row[Any], step: Step, *, now: datetime) -> Played:
    try:
        with unit_of_work(engine) as session:
            take(Hand(session=session, job=job, now=now), step)
    except DomainError as refusal:
        return Played(job_id=job.id, step=step, refusal=f"{refusal.code}: {refusal.message}")
    return Played(job_id=job.id, step=step)
