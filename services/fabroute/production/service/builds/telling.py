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
    node = network.find_node(session, node_id=build.node_id)
    owners = Counter(job.organisation_id for job in jobs)
    told = {owner: count for owner, count in owners.items() if owner != node.organisation_id}
    told[node.organisation_id] = sum(owners.values())
    network.bump_queue_versions(session, node_ids=[build.node_id])
    outbox.record_all(
        session,
        [
            build_event(
                name,
                build_id=build.id,
                organisation_id=each,
                node_id=build.node_id,
                jobs=told[each],
                occurred_at=now,
            )
            for each in sorted(told)
        ],
    )
    record_audits(
        session,
        entries=[
            AuditRecord(
                organisation_id=each,
                occurred_at=now,
                actor=actor,
                action=name,
                subject_type="build",
                subject_id=build.id,
                data={"node_id": build.node_id, "machine_id": build.machine_id, "jobs": told[each]},
            )
            for each in sorted(told)
        ],
    )
