"""The life of a job in this version."""

from itertools import product

import pytest

from fabroute.production.states import (
    ENDED_STATES,
    FINAL_STATES,
    JOB_STATES,
    LIVE_STATES,
    UnknownJobState,
    may_become,
    require_known_state,
    states_before,
)

WORDS = """
planned: offered held cancelled
offered: countered accepted held declined lapsed cancelled
countered: offered accepted held declined lapsed cancelled
accepted: in_production held suspect declined failed cancelled
in_production: inspected held suspect failed cancelled
inspected: in_production shipped held suspect failed cancelled
shipped: delivered failed
held: planned offered countered accepted in_production inspected failed cancelled
suspect: accepted in_production inspected held failed cancelled
"""
"""The life of a job as it was agreed: from each state, where it may go."""
MOVES = {
    (line.partition(":")[0], there) for line in WORDS.split("\n") if line for there in line.partition(":")[2].split()
}


def test_a_job_goes_where_it_may_and_nowhere_else() -> None:
    found = {(here, there) for here, there in product(JOB_STATES, repeat=2) if may_become(present=here, wanted=there)}
    assert found == MOVES
    assert len(found) == 3 + 6 + 6 + 6 + 5 + 6 + 2 + 8 + 6
    assert not may_become(present="printing", wanted="cancelled")
    assert not may_become(present="offered", wanted="printing")


def test_every_state_is_live_or_ended_without_a_part() -> None:
    living = {"planned", "offered", "countered", "accepted", "in_production", "inspected", "shipped", "delivered"}
    assert living | {"held", "suspect"} == LIVE_STATES
    assert {"declined", "lapsed", "failed", "cancelled"} == ENDED_STATES
    assert {"delivered"} | ENDED_STATES == FINAL_STATES
    assert set(JOB_STATES) == LIVE_STATES | ENDED_STATES


def test_every_state_is_reached_from_the_plan_and_leads_to_an_end() -> None:
    reached, ending = {"planned"}, set(FINAL_STATES)
    for _ in JOB_STATES:
        reached |= {there for here, there in MOVES if here in reached}
        ending |= {here for here, there in MOVES if there in ending}
    assert reached == set(JOB_STATES)
    assert ending == set(JOB_STATES)


def test_the_states_before_a_state_are_those_of_the_statement_that_changes_it() -> None:
    assert states_before("held") == {
        "planned",
        "offered",
        "countered",
        "accepted",
        "in_production",
        "inspected",
        "suspect",
    }
    assert states_before("cancelled") == states_before("held") | {"held"}
    assert states_before("offered") == {"planned", "countered", "held"}
    assert states_before("planned") == {"held"}
    assert states_before("accepted") == {"offered", "countered", "held", "suspect"}
    assert states_before("suspect") == {"accepted", "in_production", "inspected"}
    assert states_before("lapsed") == {"offered", "countered"}
    assert states_before("shipped") == {"inspected"}


def test_an_unknown_state_is_refused() -> None:
    assert require_known_state("held") == "held"
    with pytest.raises(UnknownJobState, match="delivered, declined, lapsed, failed or cancelled") as refusal:
        require_known_state("printing")
    assert (refusal.value.code, refusal.value.status) == ("unknown_job_state", 422)
