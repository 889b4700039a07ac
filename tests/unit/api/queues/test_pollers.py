from fabroute.api.queues.pollers import PollerKeys
from tests.factories.production import BUREAU_KEY, RIVAL_KEY


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def looked(keys: PollerKeys, *live: str) -> None:
    keys.take(live, asked=keys.due, looked_at=keys.now)


def test_a_key_counts_from_the_first_look_that_finds_it_live() -> None:
    keys = PollerKeys(seconds=1)
    keys.remember("token", BUREAU_KEY)
    before = keys.recall("token")
    asked = keys.due
    looked(keys, "key_bureau")

    assert before is None
    assert asked == {"key_bureau"}
    assert keys.recall("token") == BUREAU_KEY
    assert keys.recall("another") is None


def test_a_key_that_was_revoked_opens_nothing_and_is_forgotten() -> None:
    clock = Clock()
    keys = PollerKeys(seconds=1, clock=clock)
    keys.remember("token", BUREAU_KEY)
    keys.remember("rival", RIVAL_KEY)
    looked(keys, "key_bureau", "key_rival")
    clock.now += 0.5
    looked(keys, "key_rival")
    clock.now += 0.5

    assert keys.recall("token") is None
    assert keys.recall("rival") == RIVAL_KEY
    assert keys.due == {"key_rival"}


def test_no_key_counts_for_longer_than_the_setting_after_the_last_look() -> None:
    clock = Clock()
    keys = PollerKeys(seconds=1, clock=clock)
    keys.remember("token", BUREAU_KEY)
    looked(keys, "key_bureau")
    clock.now += 1.0
    still = keys.recall("token")
    clock.now += 0.01

    assert still == BUREAU_KEY
    assert keys.recall("token") is None


def test_where_keys_are_not_to_be_kept_nothing_is_asked() -> None:
    keys = PollerKeys(seconds=0)
    keys.remember("token", BUREAU_KEY)

    assert keys.due == frozenset()
    assert keys.recall("token") is None


def test_a_key_remembered_during_a_look_is_asked_about_by_the_next() -> None:
    clock = Clock()
    keys = PollerKeys(seconds=1, clock=clock)
    keys.remember("token", BUREAU_KEY)
    asked = keys.due
    keys.remember("rival", RIVAL_KEY)
    keys.take({"key_bureau"}, asked=asked, looked_at=clock.now)
    clock.now += 0.5

    assert keys.recall("rival") is None
    assert keys.due == {"key_bureau", "key_rival"}


def test_at_most_so_many_keys_are_remembered() -> None:
    keys = PollerKeys(seconds=1, maximum_keys=1)
    keys.remember("rival", RIVAL_KEY)
    keys.remember("token", BUREAU_KEY)

    assert keys.due == {"key_bureau"}
    looked(keys, "key_bureau", "key_rival")
    assert keys.recall("rival") is None
