"""A story of numbered reports about a job of three, in any order, with duplicates, in any requests."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fabroute.production.service import accept_job, issue_ticket, redeem_ticket
from fabroute.production.service.leases import Lease
from fabroute.production.service.reports.rules import NewReport
from tests.factories.organisations import NOW
from tests.factories.phases import a_report, claimed, job_of
from tests.factories.production import BUREAU_KEY, Floor

STORY = (
    a_report(1, "started"),
    a_report(2, "printed", serial="S-1"),
    a_report(3, "print_failed", note="warped"),
    a_report(4, "printed", serial="S-2"),
    a_report(5, "started"),
)
"""Of a job of three: one good print, a failed one, one good print; the last report is late news."""
EFFECTS = ["job.started", "job.print_reported", "job.print_reported", "job.print_reported"]
"""What is told of it, in order."""


def worked_on(floor: Floor, job_id: str) -> Lease:
    """Have a client claim an offered job, accept it and fetch its file; return its lease."""
    lease = claimed(floor, job_id)
    known: dict[str, Any] = {"principal": BUREAU_KEY, "now": NOW}
    floor.do(lambda session: accept_job(session, job_id=job_id, lease=lease, **known))
    token = floor.do(lambda session: issue_ticket(session, job_id=job_id, lease=lease, **known)).token
    floor.do(lambda session: redeem_ticket(session, token=token, **known))
    return lease


def shuffled(draw: random.Random) -> list[Sequence[NewReport]]:
    """Return the story in any order, some of it twice, cut into any requests."""
    reports = [*STORY, *draw.choices(STORY, k=draw.randrange(4))]
    draw.shuffle(reports)
    cuts = sorted({0, len(reports), *(draw.randrange(len(reports)) for _ in range(draw.randrange(len(reports))))})
    return [reports[first:last] for first, last in pairwise(cuts)]


def what_came_of(floor: Floor, job_id: str) -> tuple[object, ...]:
    """Return all that reports change of a job."""
    job = job_of(floor, job_id)
    prints = floor.table(
        "SELECT number, result, serial, note FROM print_records WHERE job_id = :it ORDER BY 1", it=job_id
    )
    states = floor.table("SELECT sequence, name, state FROM job_reports WHERE job_id = :it ORDER BY 1", it=job_id)
    return job.state, job.good_prints, job.failed_prints, job.version, tuple(prints), tuple(states)


def history_of(floor: Floor, job_id: str, *, after: int = 0) -> list[str]:
    """Return what was told of a job's production after an event of the outbox, oldest first."""
    found = floor.table(
        "SELECT name FROM outbox_events WHERE subject_id = :it AND id > :after"
        " AND name IN ('job.started', 'job.print_reported') ORDER BY id",
        it=job_id,
        after=after,
    )
    return [str(name) for (name,) in found]
