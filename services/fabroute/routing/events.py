"""Facts that routing tells."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fabroute.kernel.events import DomainEvent

_MOST_PARTS = 50


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


def readiness_asked(*, report_id: str, organisation_id: str, now: datetime) -> DomainEvent:
    """Return the event ``readiness.asked``: a worker is to make a report."""
    return _of_report("asked", report_id=report_id, organisation_id=organisation_id, now=now)


def readiness_changed(
    what: str, *, report_id: str, organisation_id: str, parts: Sequence[str], now: datetime
) -> DomainEvent:
    """Return ``readiness.worsened`` or ``.improved``: the numbers of the parts, with commas, stand in its data.

    At most fifty are named, ``count`` says how many there are; the report says from what to what, for which regions.
    """
    event = _of_report(what, report_id=report_id, organisation_id=organisation_id, now=now)
    return replace(event, data={"count": len(parts), "parts": ",".join(parts[:_MOST_PARTS])})


def _of_report(what: str, *, report_id: str, organisation_id: str, now: datetime) -> DomainEvent:
    return DomainEvent(
        name=f"readiness.{what}",
        subject_type="readiness_report",
        subject_id=report_id,
        organisation_id=organisation_id,
        occurred_at=now,
    )
