"""The life of a job in this version."""

from itertools import product

import pytest

from fabroute.production.states import (
    FINAL_STATES,
    JOB_STATES,
    LIVE_STATES,
    UnknownJobState,
    may_become,
    require_known_state,
    states_before,
)

MOVES = {
    ("planned", "offered"),
    ("planned", "held"),
    ("planned", "cancelled"),
    ("offered", "accepted"),
    ("offered", "held"),
    ("offered", "cancelled"),
    ("accepted", "held"),
    ("accepted", "cancelled"),
    ("held", "planned"),
    ("held", "offered"),
    ("held", "accepted"),
    ("held", "cancelled"),
}


def test_a_job_goes_where_it_may_and_nowhere_else() -> None:
    found = {(here, there) for here, there in product(JOB_STATES, repeat=2) if may_become(present=here, wanted=there)}
    assert found == MOVES
    assert not may_become(present="printing", wanted="cancelled")
    assert not may_become(present="offered", wanted="printing")


def test_every_state_is_live_or_final() -> None:
    assert JOB_STATES == ("planned", "offered", "accepted", "held", "cancelled")
    assert {"planned", "offered", "accepted", "held"} == LIVE_STATES
    assert {"cancelled"} == FINAL_STATES


def test_the_states_before_a_state_are_those_of_the_statement_that_changes_it() -> None:
    assert states_before("cancelled") == {"planned", "offered", "accepted", "held"}
    assert states_before("held") == {"planned", "offered", "accepted"}
    assert states_before("offered") == {"planned", "held"}
    assert states_before("planned") == {"held"}
    assert states_before("accepted") == {"offered", "held"}


def test_an_unknown_state_is_refused() -> None:
    assert require_known_state("held") == "held"
    with pytest.raises(UnknownJobState, match="planned, offered, accepted, held or cancelled") as refusal:
        require_known_state("shipped")
    assert (refusal.value.code, refusal.value.status) == ("unknown_job_state", 422)
