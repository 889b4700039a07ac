"""A node declines a job, with a reason that means something: its line goes to another one at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import Job
from fabroute.production.rules import DECLINE_REASONS, LONGEST_TEXT
from fabroute.production.service.access import find_to_change, lock_at_node, require_state
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.phases.notes import NoteView, note_of, open_note
from fabroute.production.service.phases.policies import policy_of
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.views import JobView, job_view

_TOLD_IN_WORDS = ("not_manufacturable", "other")


class InvalidDecline(DomainError):
    """A job is declined for a reason that there is not, or without the words that it needs."""

    code = "invalid_decline"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Why a node declines a job: one of ``DECLINE_REASONS``; two of them need words."""

    reason: str
    text: str = ""

    def __post_init__(self) -> None:
        problems = []
        if self.reason not in DECLINE_REASONS:
            problems.append(FieldProblem(pointer="/reason", message=f"use one of {', '.join(DECLINE_REASONS)}"))
        if self.reason in _TOLD_IN_WORDS and not self.text.strip():
            problems.append(FieldProblem(pointer="/text", message="say what is the matter: the owner has to see to it"))
        if len(self.text) > LONGEST_TEXT:
            problems.append(FieldProblem(pointer="/text", message=f"use up to {LONGEST_TEXT:,} characters"))
        if problems:
            raise InvalidDecline("; ".join(problem.message for problem in problems), problems=tuple(problems))

    @property
    def in_words(self) -> str:
        """The reason, and what was said about it: ``capacity: no operator until Monday``."""
        return f"{self.reason}: {self.text.strip()}" if self.text.strip() else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A job that was declined, and the note that its owner got, if any."""

    job: JobView
    note: NoteView | None


def decline_job(
    session: Session, *, principal: Principal, job_id: str, decline: Decline, lease: Lease | None, now: datetime
) -> Declined:
    """Decline a job that is offered, countered or accepted, for its node: its line is routed without that node.

    Audited, ``job.declined``. That a part can't be manufactured opens a note to its owner, and puts the revision on
    hold where the owner's policy says so. The same again changes nothing, whatever lease it is said under. Raises
    ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``LeaseLost`` and ``JobStateConflict``.
    """
    find_to_change(session, principal=principal, job_id=job_id)
    lock_for_reroute(session, (job_id,))
    before = lock_at_node(session, principal=principal, job_id=job_id)
    if before.state == "declined" and before.end_reason == decline.in_words:
        return Declined(job=job_view(before), note=note_of(session, before))
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    require_state(job, "offered", "countered", "accepted", wish="declined")
    actor = principal.key_id
    note = _note(session, job, decline, actor=actor, now=now) if decline.reason == "not_manufacturable" else None
    ended = reroute_jobs(
        session,
        job_ids=(job_id,),
        cause="declined",
        reason=decline.in_words,
        actor=actor,
        now=now,
        state="declined",
        exclude=True,
    )
    return Declined(job=job_view(next(each for each in ended if each.id == job_id)), note=note)


def _note(session: Session, job: Job, decline: Decline, *, actor: str, now: datetime) -> NoteView:
    """Tell the owner, and hold the revision if it wants that: its other jobs are held right after the commit."""
    text, held = decline.text.strip(), False
    if policy_of(session, organisation_id=job.organisation_id).hold_not_manufacturable:
        held = inventory.hold_revision(session, revision_id=job.revision_id, actor=actor, reason=text, now=now)
    return open_note(session, job, text=text, revision_held=held, actor=actor, now=now)
