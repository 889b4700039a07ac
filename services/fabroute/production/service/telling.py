"""What is told and noted of every change of a job: outbox, audit log, the version of its node's queue."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.kernel.events import JsonScalar
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import JobEvent, job_event
from fabroute.production.models import Job


class Told(Protocol):
    """What there is to know of a job that something happened to."""

    @property
    def organisation_id(self) -> str:
        """The owner's."""

    @property
    def node_id(self) -> str:
        """The node's."""

    @property
    def order_line_id(self) -> str:
        """The line that it makes."""

    @property
    def known_to_node(self) -> bool:
        """Whether its node was told of it."""


def tell(session: Session, job: Job, name: JobEvent, *, actor: str, now: datetime, **data: JsonScalar) -> None:
    """Record that something happened to a job: event, audit entry under the same name, next queue version.

    The version of a queue does not tell of jobs that its node doesn't know.
    """
    tell_all(session, {job.id: job}.items(), name, actor=actor, now=now, **data)


def tell_all(
    session: Session,
    jobs: Iterable[tuple[str, Told]],
    name: JobEvent,
    *,
    actor: str,
    now: datetime,
    **data: JsonScalar,
) -> None:
    """Record that the same happened to several jobs, each given with its id."""
    told = list(jobs)
    network.bump_queue_versions(session, node_ids=sorted({job.node_id for _, job in told if job.known_to_node}))
    outbox.record_all(
        session,
        [
            job_event(
                name,
                job_id=job_id,
                organisation_id=job.organisation_id,
                node_id=job.node_id,
                order_line_id=job.order_line_id,
                occurred_at=now,
                **data,
            )
            for job_id, job in told
        ],
    )
    record_audits(
        session,
        entries=[
            audit_entry(job_id, job.organisation_id, name, actor=actor, now=now, node_id=job.node_id, **data)
            for job_id, job in told
        ],
    )


def audit_entry(
    job_id: str, organisation_id: str, action: str, *, actor: str, now: datetime, **data: JsonScalar
) -> AuditRecord:
    """Return an entry for the audit log about a job; it belongs to the owner of its part."""
    return AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=actor,
        action=action,
        subject_type="job",
        subject_id=job_id,
        data=data,
    )
