"""The life of a part revision."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from fabroute.kernel.errors import DomainError

RevisionState = Literal["draft", "validated", "released", "superseded", "withdrawn"]

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "draft": frozenset({"validated", "withdrawn"}),
        "validated": frozenset({"draft", "released", "withdrawn"}),
        "released": frozenset({"superseded", "withdrawn"}),
        "superseded": frozenset({"withdrawn"}),
        "withdrawn": frozenset(),
    }
)
"""From each state, where a revision may go. Another file makes a validated one a draft again; once it is released,
nothing comes back: a changed part is a new revision."""

_ADVICE = {
    "draft": "attach a print file that passes its checks first",
    "validated": "release it first",
    "released": "it is released already",
    "superseded": "a newer revision took its place: release a new one instead",
    "withdrawn": "it is withdrawn for good: add a new revision",
}


class RevisionStateConflict(DomainError):
    """A revision can't go from its state to the wanted one."""

    code = "revision_state_conflict"
    status = 409


def require_transition(*, revision: str, present: str, wanted: RevisionState) -> None:
    """Raise ``RevisionStateConflict`` with what to do unless ``present`` may become ``wanted``."""
    if wanted not in TRANSITIONS[present]:
        raise RevisionStateConflict(f"revision {revision} is {present} and can't be {wanted}: {_ADVICE[present]}")
