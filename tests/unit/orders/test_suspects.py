"""Where lines wait with which a run broke, and how many of them are decided together."""

import re

import pytest

from fabroute.orders.rules import (
    BROKEN_RUN_CAP,
    SUB_SCOPE,
    SUSPECTS_TOGETHER,
    holds_suspects,
    parts_of_scope,
    suspects_at_once,
    suspects_scope,
    whole_scope,
)


def test_suspects_of_a_scope_and_of_its_parts_wait_in_one_place() -> None:
    assert suspects_scope("metal/europe") == "metal/europe/suspects"
    assert suspects_scope("metal/europe/2of3") == "metal/europe/suspects"
    assert suspects_scope("metal/europe/suspects") == "metal/europe/suspects"
    assert whole_scope("metal/europe/suspects") == "metal/europe"


@pytest.mark.parametrize(
    ("scope", "holds"),
    [("metal/europe/suspects", True), ("metal/europe", False), ("metal/suspects/1of2", False), ("suspects", False)],
)
def test_a_scope_says_whether_it_holds_suspects(scope: str, holds: bool) -> None:
    assert holds_suspects(scope) is holds
    assert bool(re.search(SUB_SCOPE, scope)) is (holds or scope.endswith("1of2"))


def test_suspects_are_not_split_into_parts() -> None:
    assert parts_of_scope("metal/europe/suspects", waiting=100_000, most=2_000) == 1
    assert parts_of_scope("metal/europe", waiting=100_000, most=2_000) == 50


def test_a_line_that_broke_with_its_group_goes_alone_until_it_is_parked() -> None:
    together = [suspects_at_once(broken_runs) for broken_runs in range(1, BROKEN_RUN_CAP)]

    assert together == [SUSPECTS_TOGETHER, 1, 1]
    assert (BROKEN_RUN_CAP, SUSPECTS_TOGETHER) == (4, 16)
