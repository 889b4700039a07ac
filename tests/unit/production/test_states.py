"""The life of a job in this version."""

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


def test_an_offered_job_may_be_cancelled_and_nothing_comes_back() -> None:
    assert may_become(present="offered", wanted="cancelled")
    assert not may_become(present="cancelled", wanted="offered")
    assert not may_become(present="offered", wanted="offered")
    assert not may_become(present="printing", wanted="cancelled")


def test_every_state_is_live_or_final() -> None:
    assert JOB_STATES == ("offered", "cancelled")
    assert {"offered"} == LIVE_STATES
    assert {"cancelled"} == FINAL_STATES


def test_only_offered_jobs_come_before_cancelled_ones() -> None:
    assert states_before("cancelled") == {"offered"}
    assert states_before("offered") == frozenset()


def test_an_unknown_state_is_refused() -> None:
    assert require_known_state("offered") == "offered"
    with pytest.raises(UnknownJobState) as refusal:
        require_known_state("shipped")
    assert (refusal.value.code, refusal.value.status) == ("unknown_job_state", 422)
