"""Facts that routing tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def policy_stated(*, policy_id: str, organisation_id: str, now: datetime) -> DomainEvent:
    """Return the event ``routing_policy.stated``: lines are decided by another policy from now on."""
    return DomainEvent(
        name="routing_policy.stated",
        subject_type="routing_policy",
        subject_id=policy_id,
        organisation_id=organisation_id,
        occurred_at=now,
    )


def shadow_run_told(what: str, *, shadow_run_id: str, organisation_id: str, now: datetime) -> DomainEvent:
    """Return the event ``shadow_run.asked``, ``.paused`` (runs are left for the next worker) or ``.done``."""
    return DomainEvent(
        name=f"shadow_run.{what}",
        subject_type="shadow_run",
        subject_id=shadow_run_id,
        organisation_id=organisation_id,
        occurred_at=now,
    )
