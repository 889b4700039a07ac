"""What nodes of a sandbox answer: an order is made without a hitch, unless a word asks for another story.

| word | what happens |
|---|---|
| `decline` | the first node declines; the line goes to the other one, which makes it |
| `counter` | the first node wants a tenth more; the owner accepts or refuses (or the owner's band does) |
| `silent` | the first node never answers; after a minute its offer lapses, and the other one makes it |
| `print_fails` | the first node's print fails, and it gives the job up; the other one makes it |
| `late` | the carrier reports an exception, and delivers six steps later |

The word stands in the order's reference, or in the number of a part: `PO-17 decline`, `BRACKET-PRINT_FAILS`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Answer = Literal["good", "decline", "counter", "silent", "print_fails", "late"]
Step = Literal[
    "accept",
    "decline",
    "counter",
    "start",
    "print",
    "print_badly",
    "give_up",
    "inspect",
    "pack",
    "hand_over",
    "travel",
    "be_late",
    "deliver",
    "stop",
    "beat",
]

ANSWERS: Sequence[Answer] = get_args(Answer)
LATE_STEPS = 6
OFFER_SECONDS = 60
"""How long a node of a sandbox has to answer."""
_WORDS = re.compile(r"[a-z]+(?:_[a-z]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a job of a sandbox is."""

    state: str
    good_prints: int
    failed_prints: int
    quantity: int
    shipment_state: str | None
    tried_before: bool
    """Whether another node had its line before, or this one wanted other terms."""
    cancel_requested: bool
    steps_since: float
    """Since the last thing that happened, in steps of the sandbox's pace."""


def answer_to(*, part_no: str, reference: str | None) -> Answer:
    """Return which story an order asks for: the first word of its reference that is one, then of the part's number."""
    words = _WORDS.findall(f"{reference or ''} {part_no}".lower())
    return next((answer for word in words for answer in ANSWERS if word == answer), "good")


def next_step(job: Standing, answer: Answer) -> Step | None:
    """Return what a node does next about a job, ``None`` where it waits for somebody else."""
    first = answer if not job.tried_before else "good"
    if job.cancel_requested and job.state in ("accepted", "in_production", "inspected"):
        return "stop"
    if job.state == "offered":
        return _answered(first)
    if job.state == "in_production":
        return _printed(job, first)
    if job.state == "inspected":
        return "pack" if job.shipment_state is None else "hand_over"
    if job.state == "shipped":
        return _carried(job, answer)
    plain: dict[str, Step] = {"accepted": "start", "suspect": "beat"}
    return plain.get(job.state)


def _answered(answer: Answer) -> Step | None:
    if answer == "silent":
        return None
    return answer if answer in ("decline", "counter") else "accept"


def _printed(job: Standing, answer: Answer) -> Step:
    if answer == "print_fails":
        return "give_up" if job.failed_prints else "print_badly"
    return "print" if job.good_prints < job.quantity else "inspect"


def _carried(job: Standing, answer: Answer) -> Step | None:
    if job.shipment_state == "handed_over":
        return "travel"
    if answer != "late":
        return "deliver"
    if job.shipment_state == "in_transit":
        return "be_late"
    return "deliver" if job.steps_since >= LATE_STEPS else None
