"""The model of what bureaus do with jobs: each function returns the code of its refusal, ``ok`` where there is none."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from tests.faults.machine.state import (
    ENDED,
    LEASE,
    LEASE_BY_HAND,
    MADE,
    OFFER,
    OWNERS_TIME,
    WORKING,
    Held,
    Job,
    World,
)

OK, CONFLICT, LOST, REQUIRED = "ok", "job_state_conflict", "lease_lost", "lease_required"
UNQUALIFIED, NOTHING = "job_unqualified", "nothing_to_claim"
STORY = ("started", "printed", "print_failed", "printed", "started", "printed")
"""What the numbered reports of every job say: 1 is the first."""
_MOST_AT_ONCE = 500
_ROUNDS = 3


def claim_named(world: World, job_id: str, *, lease_id: str, by: str) -> str:
    """Claim a job by its id; to one whose gate is closed the claim leads to its being held."""
    job = world.jobs[job_id]
    if job.state != "offered":
        return CONFLICT
    if job.lease_id is not None:
        return "job_already_claimed"
    if job.offer_until <= world.now:
        return "offer_lapsed"
    if world.closed(job):
        world.hold(job)
        return UNQUALIFIED
    _give(world, job, lease_id, by)
    return OK


def claim_oldest(world: World, node: str, *, lease_id: str, by: str) -> str:
    """Claim the soonest due job of a node that nobody holds; those with a closed gate are held on the way."""
    for number in range(_ROUNDS):
        found = _claimable(world, node)[: max(1, min(1 << (3 * number), _MOST_AT_ONCE))]
        closed = [job for job in found if world.closed(job)]
        for job in closed:
            world.hold(job)
        free = [job for job in found if job not in closed]
        if free:
            _give(world, free[0], lease_id, by)
            return OK
        if not closed:
            break
    return NOTHING


def next_claimable(world: World, node: str) -> str | None:
    """Return the job that a claim of a node's oldest would lead to, if its gates are open."""
    return next((job.id for job in _claimable(world, node) if not world.closed(job)), None)


def heartbeat(world: World, job_id: str, lease: Held | None) -> str:
    """Give a sign of life: never shortens a lease; a suspect job comes back."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal:
        return refusal
    if job.state == "suspect":
        revive(world, job)
        return OK
    if job.lease_id is None:
        return CONFLICT
    if job.state in ("countered", "accepted", "in_production", "inspected", "held"):
        job.until = max(job.until or world.now, world.now + LEASE)
    return OK


def accept(world: World, job_id: str, lease: Held | None, *, lease_id: str, by: str) -> str:
    """Take an offered job: a claim's lease goes on, a person gets one by hand."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal or (job.state == "accepted" and job.accepted_by == by):
        return refusal or OK
    refusal = _not_answerable(world, job) or (UNQUALIFIED if world.closed(job) else "")
    if refusal:
        return refusal
    _take(world, job, lease_id, by=by, until=world.now + LEASE)
    return OK


def decline(world: World, job_id: str, lease: Held | None, *, reason: str) -> str:
    """Decline a job: its line goes to another node."""
    job = world.jobs[job_id]
    if job.state == "declined" and job.decline == reason:
        return OK
    refusal = _refused(job, lease)
    if refusal or job.state not in ("offered", "countered", "accepted"):
        return refusal or CONFLICT
    world.leave(job, "declined", cause="declined", exclude=True)
    job.decline = reason
    return OK


def counter(world: World, job_id: str, lease: Held | None, *, by: str) -> str:
    """Ask for a higher price: outside the owner's band, so that it waits for the owner."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal or job.state == "countered":
        return refusal or OK
    refusal = _not_answerable(world, job)
    if refusal:
        return refusal
    job.counter, job.countered_by = "open", by
    job.offer_until = max(job.offer_until, world.now) + OWNERS_TIME
    job.move("countered", same_hands=True)
    return OK


def decide_counter(world: World, job_id: str, *, yes: bool, lease_id: str) -> str:
    """Let the owner decide about a counter-offer."""
    job = world.jobs[job_id]
    wanted = "accepted" if yes else "refused"
    if job.counter != "open":
        return OK if job.counter == wanted else "counter_offer_decided"
    if job.state != "countered":
        return CONFLICT
    if not yes:
        job.counter = wanted
        world.leave(job, "declined", cause="counter_refused", exclude=True)
        return OK
    if world.closed(job):
        return UNQUALIFIED
    job.counter = wanted
    job.price += 500
    _take(world, job, lease_id, by=job.countered_by, until=world.now + OFFER)
    return OK


def fetch(world: World, job_id: str, lease: Held | None) -> str:
    """Fetch the print file."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal:
        return refusal
    if job.state not in WORKING or job.prints_left == 0:
        return "print_file_refused"
    if world.closed(job):
        return UNQUALIFIED
    if not job.fetched:
        job.fetched = True
        job.version += 1
    return OK


def start(world: World, job_id: str, lease: Held | None) -> str:
    """Say that it is printed."""
    job = world.jobs[job_id]
    return _late(world, job, lease, "start", "") or _start(world, job)


def report_print(world: World, job_id: str, lease: Held | None, *, result: str, number: int | None) -> str:
    """Report how a print came out; under its number it is safe to repeat."""
    job = world.jobs[job_id]
    return _late(world, job, lease, "print", f"{result} {number}") or _print(world, job, result, number)


def take_reports(world: World, job_id: str, lease: Held | None, sequences: Sequence[int]) -> str:
    """Take numbered reports, in any order: each counts once, when its turn has come."""
    job = world.jobs[job_id]
    refusal = _late(world, job, lease, "reports", str(list(sequences)))
    if refusal or job.lease_id is None:
        return refusal or CONFLICT
    revive(world, job)
    lease_id = job.lease_id
    for sequence in sequences:
        world.reports.setdefault((job_id, lease_id, sequence), "waiting")
    following = 1
    while (state := world.reports.get((job_id, lease_id, following))) is not None:
        if state == "waiting":
            world.reports[job_id, lease_id, following] = _applied(world, job, STORY[following - 1])
        following += 1
    return OK


def fail(world: World, job_id: str, lease: Held | None) -> str:
    """Say that a job can't be finished: its line goes to another node."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal:
        return refusal
    if job.state not in ("accepted", "in_production", "inspected", "held", "suspect"):
        return CONFLICT
    if job.made:
        return "job_finished"
    world.leave(job, "failed", cause="print_failed", exclude=True)
    return OK


def answer_stop(world: World, job_id: str, lease: Held | None, *, agreed: bool) -> str:
    """Answer the request to stop a started job."""
    job = world.jobs[job_id]
    refusal = _refused(job, lease)
    if refusal:
        return refusal
    if job.asked is None or job.ended_at is not None:
        return CONFLICT
    if not agreed:
        job.asked = None
        job.version += 1
    elif job.asked:
        world.leave(job, "cancelled", cause=job.asked, exclude=False)
    else:
        _cancel_line(world, job)
    return OK


def revive(world: World, job: Job) -> None:
    """Put a suspect job back to where its node fell silent."""
    if job.state != "suspect":
        return
    job.move(job.suspect_from or "", same_hands=True)
    job.suspect_from = job.suspect_at = None
    job.until = world.now + (LEASE_BY_HAND if job.kind == "hand" else LEASE)


def _cancel_line(world: World, job: Job) -> None:
    job.version += 1  # its node agreed
    world.end(job, "cancelled")
    line = world.lines[job.line_id]
    line.state = "cancelled"
    line.fence += 1


def _claimable(world: World, node: str) -> list[Job]:
    open_still = [
        job
        for job in world.jobs.values()
        if job.plan.node == node and job.state == "offered" and job.lease_id is None and job.offer_until > world.now
    ]
    return sorted(open_still, key=lambda job: (job.produce_by, job.id))


def _give(world: World, job: Job, lease_id: str, by: str) -> None:
    world.lease(job, lease_id, kind="claim", until=world.now + OFFER)
    job.claimed_by = by
    job.move("offered")


def _take(world: World, job: Job, lease_id: str, *, by: str, until: datetime) -> None:
    if job.lease_id is None:
        world.lease(job, lease_id, kind="hand", until=_by_hand_until(job.produce_by, world.now))
    else:
        job.until = until
    job.accepted_by = by
    job.move("accepted")


def _by_hand_until(produce_by: date, now: datetime) -> datetime:
    return datetime.combine(max(produce_by, now.date()) + timedelta(days=2), time.min, tzinfo=UTC)


def _refused(job: Job, lease: Held | None) -> str:
    if lease is not None:
        return LOST if job.state in ENDED or lease != (job.lease_id, job.epoch) else ""
    return REQUIRED if job.kind == "claim" and job.state not in ENDED else ""


def _not_answerable(world: World, job: Job) -> str:
    if job.state != "offered":
        return CONFLICT
    if job.lease_id is not None:
        return LOST if job.until is not None and job.until <= world.now else ""
    return "offer_lapsed" if job.offer_until <= world.now else ""


def _late(world: World, job: Job, lease: Held | None, what: str, content: str) -> str:
    """Return the refusal of something physical; what was done under a lease that is over is kept for a person."""
    refusal = _refused(job, lease)
    if refusal == REQUIRED:
        return refusal
    if not refusal and not (job.state in ENDED and job.accepted_by is not None):
        return ""
    lease_id, epoch = lease or ("", 0)
    kind = "physical_duplicate" if _made_elsewhere(world, job) else "late_report"
    world.late.setdefault((job.id, lease_id, epoch, what, content), kind)
    return LOST


def _made_elsewhere(world: World, job: Job) -> bool:
    if job.state in ("accepted", "suspect", "in_production", *MADE):
        return True
    since = job.ended_at
    others = [other for other in world.live_jobs() if other.line_id == job.line_id and other is not job]
    return since is not None and any(other.offered_at >= since for other in others)


def _start(world: World, job: Job) -> str:
    state = job.state_of_work
    if state not in WORKING:
        return CONFLICT
    if state == "accepted":
        if not job.fetched:
            return "file_not_fetched"
        if world.closed(job):
            return UNQUALIFIED
    revive(world, job)
    if state == "accepted":
        job.begun = True
        job.move("in_production", same_hands=True)
    return OK


def _print(world: World, job: Job, result: str, number: int | None) -> str:
    following = job.good + job.failed + 1
    if number is not None and number != following:
        same = world.prints.get((job.id, number)) == result
        if same:
            revive(world, job)
        return OK if same else "print_conflict"
    refusal = _unprintable(world, job, result)
    if refusal:
        return refusal
    revive(world, job)
    world.prints[job.id, following] = result
    _count(world, job, result)
    return OK


def _unprintable(world: World, job: Job, result: str) -> str:
    if job.state_of_work not in (*WORKING, *MADE):
        return CONFLICT
    if not job.fetched:
        return "file_not_fetched"
    if job.prints_left == 0:
        return "no_prints_left"
    return UNQUALIFIED if result == "good" and world.closed(job) else ""


def _count(world: World, job: Job, result: str) -> None:
    job.version += 1
    job.good += result == "good"
    job.failed += result == "failed"
    if result == "good" and job.licensed:
        world.licence.good += 1
        world.licence.leased -= 1
    if job.state == "accepted":
        job.begun = True
        job.move("in_production", same_hands=True)
    if job.made and job.state == "in_production":
        job.move("inspected", same_hands=True)


def _applied(world: World, job: Job, name: str) -> str:
    if name == "started":
        done = _start(world, job)
    else:
        done = _print(world, job, "good" if name == "printed" else "failed", None)
    return "applied" if done == OK else "refused"
