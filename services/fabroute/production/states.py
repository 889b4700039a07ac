"""The life of a job in this version: planned, offered to a node, accepted, held at a closed gate, or cancelled."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from fabroute.kernel.errors import DomainError

JobState = Literal["planned", "offered", "accepted", "held", "cancelled"]

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "planned": frozenset({"offered", "held", "cancelled"}),
        "offered": frozenset({"accepted", "held", "cancelled"}),
        "accepted": frozenset({"held", "cancelled"}),
        "held": frozenset({"planned", "offered", "accepted", "cancelled"}),
        "cancelled": frozenset(),
    }
)
"""From each state, where a job may go. A held job goes back to where it was.

A cancelled job never comes back: its line gets a new one.
"""

JOB_STATES: tuple[str, ...] = tuple(TRANSITIONS)
FINAL_STATES: frozenset[str] = frozenset(state for state, following in TRANSITIONS.items() if not following)
LIVE_STATES: frozenset[str] = frozenset(TRANSITIONS) - FINAL_STATES
"""States of jobs that hold material and machine time."""


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
        raise UnknownJobState(f"jobs are never {state!r} in this version: ask for {_either(JOB_STATES)}")
    return state


def _either(words: tuple[str, ...]) -> str:
    return " or ".join((", ".join(words[:-1]), words[-1]))
