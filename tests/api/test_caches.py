from datetime import timedelta

import pytest

from fabroute.api.intake.places import Places
from fabroute.api.keys import KeyCache
from fabroute.database import unit_of_work
from fabroute.identity.rules import Unauthenticated
from fabroute.logistics.service import LogisticsData, save_logistics
from tests.conftest import Database
from tests.factories.api import BERLIN
from tests.factories.databases import engine_for, in_transaction
from tests.factories.orders import given_owner
from tests.factories.organisations import NOW

SECOND = timedelta(seconds=1)


def test_a_good_key_is_remembered_for_a_second_and_a_bad_one_never(database: Database) -> None:
    with engine_for(database.url) as engine:
        token = given_owner(engine).token
        cache = KeyCache(engine=engine, seconds=1)
        principal = cache.look_up(token, now=NOW)
        with pytest.raises(Unauthenticated):
            cache.look_up("fr_test_1_2", now=NOW)

    assert cache.recall(token, now=NOW + SECOND - timedelta(milliseconds=1)) == principal
    assert cache.recall(token, now=NOW + SECOND) is None
    assert cache.recall("fr_test_1_2", now=NOW) is None


def test_the_key_cache_does_not_grow_without_end(database: Database) -> None:
    with engine_for(database.url) as engine:
        first, second, third = (given_owner(engine, name=name).token for name in "abc")
        cache = KeyCache(engine=engine, seconds=60, maximum_keys=2)
        for token in (first, second, third):
            cache.look_up(token, now=NOW)

    assert cache.recall(first, now=NOW) is None
    assert cache.recall(third, now=NOW) is not None


def test_places_are_read_again_after_five_minutes_and_while_there_are_none(database: Database) -> None:
    places, later = Places(), NOW + timedelta(minutes=5)
    with engine_for(database.url) as engine:
        assert places.recall(now=NOW) is None
        empty = in_transaction(engine, lambda session: places.load(session, now=NOW))
        assert (len(empty.places), places.recall(now=NOW)) == (0, None)
        with unit_of_work(engine) as session:
            save_logistics(session, data=LogisticsData(places=(BERLIN,)))
            book = places.load(session, now=NOW)

    assert places.recall(now=later - SECOND) is book
    assert places.recall(now=later) is None
