"""What is lost between a commit and its message: nothing."""

import pytest
from sqlalchemy import Engine

from tests.conftest import Database
from tests.faults.threats.relay_kills import kill_relays


@pytest.mark.slow
def test_orders_whose_relay_is_killed_between_commit_and_message_are_told_of_and_decided_once(
    database: Database, engine: Engine
) -> None:
    seen = kill_relays(engine, database.url, times=24, seed=7)

    assert (seen.killed, seen.waiting, seen.published, seen.decided_once) == (24, 24, 24, 24)
    assert seen.heard == 7  # the other 17 of seed 7 died before the broker heard of anything
