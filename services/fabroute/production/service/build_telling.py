"""What is told and noted of every change of a build: to its node all, to each owner how much of it is its own."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audits
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import BuildEvent, build_event
from fabroute.production.models import Build, Job


def tell_build(
    session: Session, build: Build, name: BuildEvent, *, jobs: Iterable[Job], actor: str, now: datetime
) -> None:
    """Record that something happened to a build: an event and an audit entry for its node and for each owner in it.

    No owner is told of another's jobs. The node's queue gets its next version.
    """
    told = _told(session, build, jobs)
    network.bump_queue_versions(session, node_ids=[build.node_id])
    outbox.record_all(
        session,
        [
            build_event(
                name,
                build_id=build.id,
                organisation_id=each,
                node_id=build.node_id,
                jobs=count,
                occurred_at=now,
            )
            for each, count in told.items()
        ],
    )
    entries = [_audit(build, name, each, count, actor=actor, now=now) for each, count in told.items()]
    record_audits(session, entries=entries)


def _told(session: Session, build: Build, jobs: Iterable[Job]) -> dict[str, int]:
    """Return whom it concerns, and how many jobs in the build each has: its node all of them."""
    node = network.find_node(session, node_id=build.node_id)
    owners = Counter(job.organisation_id for job in jobs)
    return dict(sorted({**owners, node.organisation_id: sum(owners.values())}.items()))


def _audit(
    build: Build, name: BuildEvent, organisation_id: str, jobs: int, *, actor: str, now: datetime
) -> AuditRecord:
    return AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=actor,
        action=name,
        subject_type="build",
        subject_id=build.id,
        data={"node_id": build.node_id, "machine_id": build.machine_id, "jobs": jobs},
    )
