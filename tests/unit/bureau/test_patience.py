"""How long a connector waits: longer after each failure, never in step, and as the server asks."""

import pytest

from fabroute.bureau.patience import Patience


def test_it_waits_twice_as_long_each_time_up_to_a_minute() -> None:
    longest = Patience(chance=lambda: 1.0)
    assert [longest.next_seconds(retry_after=None) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_half_of_it_is_chance() -> None:
    shortest = Patience(chance=lambda: 0.0)
    assert [shortest.next_seconds(retry_after=None) for _ in range(4)] == [0.5, 1, 2, 4]


def test_it_begins_anew_after_a_success() -> None:
    patience = Patience(chance=lambda: 1.0)
    for _ in range(5):
        patience.next_seconds(retry_after=None)
    patience.reset()
    assert patience.next_seconds(retry_after=None) == 1


@pytest.mark.parametrize(("asked", "least", "most"), [(7.0, 7.0, 7.7), (60.0, 60.0, 61.0), (0.0, 0.0, 0.0)])
def test_what_the_server_asks_for_is_the_least(asked: float, least: float, most: float) -> None:
    assert Patience(chance=lambda: 0.0).next_seconds(retry_after=asked) == least
    assert Patience(chance=lambda: 1.0).next_seconds(retry_after=asked) == pytest.approx(most)


def test_a_thousand_failures_are_no_overflow() -> None:
    patience = Patience(chance=lambda: 1.0)
    assert {patience.next_seconds(retry_after=None) for _ in range(1000)} == {1, 2, 4, 8, 16, 32, 60}
