"""The life of a job: planned, offered to a node, accepted, made, inspected, shipped, delivered; or it ends before.

It is held where a gate is closed or its first article waits for approval, and suspect where its node fell silent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from fabroute.kernel.errors import DomainError

JobState = Literal[
    "planned",
    "offered",
    "countered",
    "accepted",
    "in_production",
    "inspected",
    "shipped",
    "delivered",
    "held",
    "suspect",
    "declined",
    "lapsed",
    "failed",
    "cancelled",
]

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "planned": frozenset({"offered", "held", "cancelled"}),
        "offered": frozenset({"countered", "accepted", "held", "declined", "lapsed", "cancelled"}),
        "countered": frozenset({"offered", "accepted", "held", "declined", "lapsed", "cancelled"}),
        "accepted": frozenset({"in_production", "held", "suspect", "declined", "failed", "cancelled"}),
        "in_production": frozenset({"inspected", "held", "suspect", "failed", "cancelled"}),
        "inspected": frozenset({"in_production", "shipped", "held", "suspect", "failed", "cancelled"}),
        "shipped": frozenset({"delivered", "failed"}),
        "held": frozenset(
            {"planned", "offered", "countered", "accepted", "in_production", "inspected", "failed", "cancelled"}
        ),
        "suspect": frozenset({"accepted", "in_production", "inspected", "held", "failed", "cancelled"}),
        "delivered": frozenset(),
        "declined": frozenset(),
        "lapsed": frozenset(),
        "failed": frozenset(),
        "cancelled": frozenset(),
    }
)
"""From each state, where a job may go. A held or suspect job goes back to where it was.

A job that ended without a part never comes back: its line gets a new one. A shipped one fails if it is lost.
"""

JOB_STATES: tuple[str, ...] = tuple(TRANSITIONS)
FINAL_STATES: frozenset[str] = frozenset(state for state, following in TRANSITIONS.items() if not following)
ENDED_STATES: frozenset[str] = FINAL_STATES - {"delivered"}
"""States of jobs that ended without a part: they hold no material and no machine time, and another may take over."""
LIVE_STATES: frozenset[str] = frozenset(TRANSITIONS) - ENDED_STATES
"""States of jobs that hold material and machine time, or have used it."""
WORKING_STATES: frozenset[str] = frozenset({"accepted", "in_production"})
"""States in which a node may fetch the file and print."""


class UnknownJobState(DomainError):
    """A job was asked for by a state that there is not."""

    code = "unknown_job_state"
    status = 422


def may_become(*, present: str, wanted: str) -> bool:
    """Say whether a job may go from its present state to the wanted one."""
    return wanted in TRANSITIONS.get(present, frozenset())


def states_before(wanted: JobState) -> frozenset[str]:
    """Return the states from which a job may go to ``wanted``."""
    return frozenset(state for state in TRANSITIONS if may_become(present=state, wanted=wanted))


def require_known_state(state: str) -> str:
    """Return ``state`` if jobs can be in it, else raise ``UnknownJobState`` naming those there are."""
    if state not in TRANSITIONS:
        raise UnknownJobState(f"jobs are never {state!r}: ask for {_either(JOB_STATES)}")
    return state


def _either(words: tuple[str, ...]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))
