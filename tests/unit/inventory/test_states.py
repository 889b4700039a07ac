"""Where a revision may go from where it is: every pair of states, allowed or refused with what to do."""

from typing import get_args

import pytest

from fabroute.inventory.states import TRANSITIONS, RevisionState, RevisionStateConflict, require_transition

STATES: tuple[RevisionState, ...] = get_args(RevisionState)
ALLOWED = {
    ("draft", "validated"),
    ("draft", "withdrawn"),
    ("validated", "draft"),
    ("validated", "released"),
    ("validated", "withdrawn"),
    ("released", "superseded"),
    ("released", "withdrawn"),
    ("superseded", "withdrawn"),
}


@pytest.mark.parametrize("present", STATES)
@pytest.mark.parametrize("wanted", STATES)
def test_exactly_the_drawn_transitions_are_allowed(present: RevisionState, wanted: RevisionState) -> None:
    assert (wanted in TRANSITIONS[present]) is ((present, wanted) in ALLOWED)
    if (present, wanted) in ALLOWED:
        require_transition(revision="rev_1", present=present, wanted=wanted)
        return
    with pytest.raises(RevisionStateConflict) as refusal:
        require_transition(revision="rev_1", present=present, wanted=wanted)
    assert refusal.value.message.startswith(f"revision rev_1 is {present} and can't be {wanted}: ")
    assert (refusal.value.code, refusal.value.status) == ("revision_state_conflict", 409)


def test_nothing_leaves_withdrawn() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert TRANSITIONS["withdrawn"] == frozenset()
