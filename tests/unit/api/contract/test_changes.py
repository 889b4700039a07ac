"""Who waits for a thing is woken when its rows changed, at once when nobody can tell, and never for another's."""

import asyncio

import pytest
from sqlalchemy.engine import make_url

from fabroute.api.contract import changes
from fabroute.api.contract.changes import Changes

ORDERS, JOBS = (("orders", "id"),), (("jobs", "id"),)


@pytest.fixture
def waiting() -> Changes:
    """Return what looks at a database that is not there."""
    return Changes(url=make_url("postgresql+psycopg://nobody@127.0.0.1:1/nothing"))


def test_the_first_look_only_remembers_and_the_next_wakes_whose_rows_changed(waiting: Changes) -> None:
    async def scenario() -> list[list[bool]]:
        seen = []
        with (
            waiting.parking(ORDERS, "ord_1") as first,
            waiting.parking(ORDERS, "ord_2") as second,
            waiting.parking(JOBS, "ord_1") as other,
        ):
            for found in ({"ord_1": "7", "ord_2": "7"}, {"ord_1": "7", "ord_2": "8"}, {"ord_2": "8"}):
                waiting._take(ORDERS, found)
                seen.append([event.is_set() for event in (first, second, other)])
            assert waiting.parked == 3
        await waiting.stop()
        return seen

    assert asyncio.run(scenario()) == [[False, False, False], [False, True, False], [True, True, False]]
    assert (waiting.parked, waiting.is_open) == (0, False)


def test_while_the_database_is_away_all_look_by_themselves(waiting: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_LOOK_SECONDS", 0.01)

    async def scenario() -> bool:
        with waiting.parking(ORDERS, "ord_1") as changed:
            async with asyncio.timeout(20):
                await changed.wait()
            return changed.is_set()

    assert asyncio.run(scenario()) is True
    assert waiting.parked == 0


def test_a_process_that_stops_lets_everyone_go(waiting: Changes) -> None:
    async def scenario() -> tuple[bool, bool]:
        with waiting.parking(ORDERS, "ord_1") as changed:
            before = changed.is_set()
            await waiting.stop()
            return before, changed.is_set()

    assert asyncio.run(scenario()) == (False, True)
    assert not waiting.is_open


def test_what_was_seen_is_forgotten_with_the_last_who_waits(waiting: Changes) -> None:
    async def scenario() -> bool:
        with waiting.parking(ORDERS, "ord_1"):
            waiting._take(ORDERS, {"ord_1": "7"})
        with waiting.parking(ORDERS, "ord_1") as again:
            waiting._take(ORDERS, {"ord_1": "8"})
            woken = again.is_set()
        await waiting.stop()
        return woken

    assert asyncio.run(scenario()) is False
    assert waiting._seen == {}
