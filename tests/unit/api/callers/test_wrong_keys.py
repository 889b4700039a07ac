import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from fabroute.api.callers.wrong_keys import TooManyWrongKeys, WrongKeys
from fabroute.identity.rules import MissingScope, Unauthenticated

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(wrong_keys: WrongKeys, address: str, secret: str) -> None:
    with pytest.raises(Unauthenticated), wrong_keys.watching(address, secret):
        raise Unauthenticated("no")


def wait_of(wrong_keys: WrongKeys, address: str, secret: str = "fresh") -> int:
    try:
        wrong_keys.require_patience(address, secret)
    except TooManyWrongKeys as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


def test_twenty_wrong_keys_a_minute_are_refused_one_by_one_and_the_next_has_to_wait_three_seconds(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=20, clock=clock)
    for number in range(20):
        fail(wrong_keys, HERE, f"guess {number}")

    assert (wait_of(wrong_keys, HERE), wait_of(wrong_keys, THERE)) == (3, 0)
    clock.seconds += 2
    assert wait_of(wrong_keys, HERE) == 1
    clock.seconds += 1
    fail(wrong_keys, HERE, "the twenty-first")
    assert wait_of(wrong_keys, HERE) == 3


def test_after_a_quiet_minute_all_twenty_are_there_again(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=20, clock=clock)
    for _ in range(2):
        for number in range(20):
            fail(wrong_keys, HERE, f"guess {number}")
        assert wait_of(wrong_keys, HERE) == 3
        clock.seconds += 60


def test_many_at_once_are_no_way_round_once_a_wrong_key_came(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=4, clock=clock)
    fail(wrong_keys, HERE, "guess")
    with ExitStack() as inside:
        for number in range(3):
            inside.enter_context(wrong_keys.watching(HERE, f"at once {number}"))
        with pytest.raises(TooManyWrongKeys):
            inside.enter_context(wrong_keys.watching(HERE, "one too many"))
    after = wait_of(wrong_keys, HERE)

    assert after == 0  # the three were good, and got back what they had paid
    for number in range(3):
        fail(wrong_keys, HERE, f"guess {number}")
    assert wait_of(wrong_keys, HERE) == 15


def test_those_who_came_together_before_the_first_was_refused_wait_for_a_full_bucket_at_most(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=2, clock=clock)
    with ThreadPoolExecutor(max_workers=8) as threads:
        gate = threading.Barrier(8)

        def guess(number: int) -> None:
            with suppress(Unauthenticated), wrong_keys.watching(HERE, f"guess {number}"):
                gate.wait(timeout=30)
                raise Unauthenticated("no")

        list(threads.map(guess, range(8)))

    assert wait_of(wrong_keys, HERE) == 30


def test_a_credential_that_was_good_is_let_through_until_it_is_refused(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=1, clock=clock)
    with wrong_keys.watching(HERE, "good"):
        pass
    fail(wrong_keys, HERE, "bad")

    assert (wait_of(wrong_keys, HERE, "good"), wait_of(wrong_keys, HERE, "other")) == (0, 60)
    fail(wrong_keys, HERE, "good")
    assert wait_of(wrong_keys, HERE, "good") == 60


def test_other_refusals_than_of_the_credential_are_not_counted(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=1, clock=clock)
    for _ in range(3):
        with pytest.raises(MissingScope), wrong_keys.watching(HERE, "narrow"):
            raise MissingScope("no")

    assert wait_of(wrong_keys, HERE) == 0


def test_many_addresses_take_bounded_room_and_those_that_wait_are_forgotten_last(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=1, maximum_addresses=4, clock=clock)
    for number in range(3):
        fail(wrong_keys, f"10.0.0.{number}", "x")
    clock.seconds += 59
    fail(wrong_keys, "10.0.0.3", "x")
    clock.seconds += 2  # three of the four may try again
    fail(wrong_keys, "10.0.0.4", "x")
    assert set(wrong_keys._empty_at) == {"10.0.0.3", "10.0.0.4"}

    for number in range(5, 100):
        fail(wrong_keys, f"10.0.0.{number}", "x")
    assert 1 <= len(wrong_keys._empty_at) <= 4
    assert wait_of(wrong_keys, "10.0.0.99") == 60


def test_what_was_good_takes_bounded_room(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=1, maximum_familiar=2, clock=clock)
    for secret in ("first", "second", "third"):
        with wrong_keys.watching(HERE, secret):
            pass
    fail(wrong_keys, HERE, "bad")

    assert [wait_of(wrong_keys, HERE, it) for it in ("first", "second", "third")] == [60, 60, 0]


def test_keys_that_come_from_many_addresses_wait_as_soon_as_there_are_too_many_in_all(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=2, in_all_a_minute=36, clock=clock, pick=lambda _, latest: latest)
    with wrong_keys.watching("10.1.0.0", "good"):
        pass
    for number in range(6):
        fail(wrong_keys, f"10.0.0.{number}", "guess")

    assert (wait_of(wrong_keys, "10.0.0.7"), wait_of(wrong_keys, "10.0.0.1")) == (10, 10)
    assert (wait_of(wrong_keys, "10.0.0.7", "good"), wait_of(wrong_keys, "10.1.0.0", "new")) == (0, 0)
    clock.seconds += 2  # one may be tried in so many seconds, and six at once
    assert wait_of(wrong_keys, "10.0.0.7") == 0
    fail(wrong_keys, "10.0.0.7", "guess")
    assert wait_of(wrong_keys, "10.0.0.8") == 10


def test_tries_from_many_addresses_count_while_they_are_looked_at_and_are_paid_back_where_they_were_good(
    clock: Clock,
) -> None:
    wrong_keys = WrongKeys(a_minute=2, in_all_a_minute=36, clock=clock, pick=lambda _, latest: latest)
    with ExitStack() as looked_at:
        for number in range(6):
            looked_at.enter_context(wrong_keys.watching(f"10.0.0.{number}", f"key {number}"))
        assert wait_of(wrong_keys, "10.0.0.9") == 10

    assert wait_of(wrong_keys, "10.0.0.9") == 0


def test_what_needs_no_look_to_be_wrong_counts_like_any_other(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=2, in_all_a_minute=4, clock=clock, pick=lambda _, latest: latest)
    for address in (HERE, HERE, THERE, THERE):
        wrong_keys.note_wrong(address)

    assert (wait_of(wrong_keys, HERE), wait_of(wrong_keys, THERE)) == (30, 30)
    assert wait_of(wrong_keys, "10.0.0.1") == 10


def test_all_addresses_together_may_never_do_less_than_one(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=3, in_all_a_minute=1, clock=clock)
    for _ in range(3):
        assert wait_of(wrong_keys, HERE) == 0
        fail(wrong_keys, HERE, "guess")
    assert wait_of(wrong_keys, HERE) == 20


def test_addresses_of_good_keys_take_bounded_room(clock: Clock) -> None:
    wrong_keys = WrongKeys(a_minute=1, in_all_a_minute=1, maximum_addresses=2, clock=clock)
    for number in range(3):
        with wrong_keys.watching(f"10.0.0.{number}", "good"):
            pass
    assert list(wrong_keys._good_addresses) == ["10.0.0.2"]
