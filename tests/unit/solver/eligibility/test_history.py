"""A line doesn't come twice to a node that would not or could not make it."""

from datetime import UTC, datetime

import pytest

from fabroute.solver.eligibility import ExclusionCode, RuledOutFacts
from fabroute.solver.eligibility.history import not_declined

WHEN = datetime(2026, 6, 15, 9, tzinfo=UTC)


def test_a_node_that_never_had_the_line_may_have_it() -> None:
    assert not_declined(None) is None


@pytest.mark.parametrize(
    ("cause", "reason", "words"),
    [
        ("declined", "capacity", "N1 declined this line on 2026-06-15: capacity"),
        ("lapsed", "", "N1 didn't answer in time on 2026-06-15"),
        ("print_failed", "warped", "N1 could not make it on 2026-06-15: warped"),
        ("counter_refused", "", "N1 wanted other terms than its owner on 2026-06-15"),
        ("suspect", "no heartbeat", "N1 fell silent over it on 2026-06-15: no heartbeat"),
        ("lot_blocked", "", "N1 lost this line on 2026-06-15"),
    ],
)
def test_a_node_that_had_it_says_what_happened(cause: str, reason: str, words: str) -> None:
    before = RuledOutFacts(node_id="N1", cause=cause, reason=reason, excluded_at=WHEN)

    refusal = not_declined(before)

    assert refusal is not None
    assert (refusal.code, refusal.message) == (ExclusionCode.DECLINED, words)
    assert refusal.figures == {
        "node_id": "N1",
        "cause": cause,
        "excluded_at": "2026-06-15T09:00:00+00:00",
        "reason": reason,
    }
