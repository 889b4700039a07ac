"""What is to be done about a job now: one stage at a time, with its words and its one button."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fabroute.production.service import JobView
from fabroute.production.service.shipping.views import ShipmentView

Stage = Literal[
    "planned", "offer", "late_offer", "client", "countered", "stop", "suspect", "held", "submit", "approval",
    "fetch", "start", "print", "reprint", "reprint_asked", "inspect", "ship", "hand_over", "under_way", "arrived",
    "declined", "lapsed", "failed", "cancelled",
]  # fmt: skip
OVER: frozenset[Stage] = frozenset({"declined", "lapsed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class StageWords:
    """What a stage says to those who make the parts."""

    title: str
    words: str
    kind: str = "note"
    """Of its notice: ``note``, ``waits``, ``problem`` or ``done``."""


WORDS: Mapping[Stage, StageWords] = {
    "planned": StageWords("Not offered yet", "It waits for others that share its build."),
    "offer": StageWords("Will you make it?", "Unanswered, it goes to the next node when the time is over."),
    "late_offer": StageWords(
        "The time to answer is over", "It goes to another node now. See whether others wait in your queue.", "waits"
    ),
    "client": StageWords("Your own program holds this job", "It reports by itself: here you can follow it."),
    "countered": StageWords("Your terms are with the owner", "You hear here what the owner says. Nothing to do yet."),
    "stop": StageWords("You are asked to stop", "Say whether you stop, or go on because it is too late.", "waits"),
    "suspect": StageWords(
        "Are you still at it?", "There was no sign of life from you. Say so, before it is made elsewhere.", "waits"
    ),
    "held": StageWords(
        "Stop: this job is held", "Print and ship nothing of it until the proof that is missing is there.", "problem"
    ),
    "submit": StageWords(
        "Send the first article in", "The owner looks at it before you make the others: add a photo or a report."
    ),
    "approval": StageWords("The first article is with the owner", "You may make the others once it is approved."),
    "fetch": StageWords("Fetch the file", "Its SHA-256 is compared before it is kept."),
    "start": StageWords("Ready to print", "Say when you begin, or report the first print when it is out."),
    "print": StageWords("Report what came out", "Each print counts once, good or failed."),
    "reprint": StageWords(
        "A good part is missing", "Ask the owner for a reprint, with a photo of what went wrong.", "waits"
    ),
    "reprint_asked": StageWords("The owner decides about the reprint", "You may print again once it is granted."),
    "inspect": StageWords("All parts are made: inspect them", "The part's limits decide whether they passed."),
    "ship": StageWords("Released: pack and ship", "Every part is made and passed."),
    "hand_over": StageWords("Packed: print the papers", "Say when the carrier has taken the parcel."),
    "under_way": StageWords("On its way", "Nothing more to do.", "done"),
    "arrived": StageWords("Arrived", "Nothing more to do.", "done"),
    "declined": StageWords("You declined this job", "Its line went to another node. Nothing more to do."),
    "lapsed": StageWords(
        "This offer lapsed",
        "It was not answered in time and went to another node. Nothing of it is to be made.",
        "waits",
    ),
    "failed": StageWords(
        "This job was taken from you", "Make nothing more of it. What you had made already, keep apart.", "problem"
    ),
    "cancelled": StageWords(
        "This job was cancelled", "Make nothing more of it. What you had made already, keep apart.", "problem"
    ),
}


def stage_of(job: JobView, *, shipments: tuple[ShipmentView, ...], is_reprint_asked: bool, now: datetime) -> Stage:
    """Return what is to be done about a job now, by its node."""
    early = _before_work(job, now=now)
    if early is not None:
        return early
    if job.state == "held":
        return _held(job)
    if job.state == "accepted":
        return "fetch" if job.file_released_at is None else "start"
    if job.state == "in_production":
        return _in_production(job, is_reprint_asked=is_reprint_asked)
    if job.state == "inspected":
        return "hand_over" if any(it.state == "prepared" for it in shipments) else "ship"
    return "arrived" if job.state == "delivered" else "under_way"


def _before_work(job: JobView, *, now: datetime) -> Stage | None:
    ended: Mapping[str, Stage] = {
        "declined": "declined", "lapsed": "lapsed", "failed": "failed", "cancelled": "cancelled", "planned": "planned",
        "countered": "countered",
    }  # fmt: skip
    if job.state in ended:
        return ended[job.state]
    if job.cancel_requested_at is not None and job.state not in ("shipped", "delivered"):
        return "stop"
    if job.state == "suspect":
        return "suspect"
    if job.lease_kind in ("claim", "offline") and job.state not in ("shipped", "delivered"):
        return "client"
    if job.state == "offered":
        return "late_offer" if job.offer_until is not None and job.offer_until <= now else "offer"
    return None


def _held(job: JobView) -> Stage:
    if job.held_kind != "first_article":
        return "held"
    return "submit" if job.first_article_submitted_at is None else "approval"


def _in_production(job: JobView, *, is_reprint_asked: bool) -> Stage:
    if job.prints_left:
        return "print"
    if job.good_prints >= job.quantity:
        return "inspect"
    return "reprint_asked" if is_reprint_asked else "reprint"
