"""Errands are sent at once, but not again while the first still waits."""

from fabroute_workers.bells import REPEAT_SECONDS, Bells
from fabroute_workers.subscriptions import EXTEND_CAPACITY, REQUEUE_UNROUTABLE, ROUTE_PENDING, Errand

HERE = Errand(task=ROUTE_PENDING, scope="here")
THERE = Errand(task=ROUTE_PENDING, scope="there")


def test_an_errand_never_sent_is_ready_and_overdue() -> None:
    bells = Bells()
    assert bells.ready(HERE, at=0.0)
    assert bells.overdue(HERE, at=0.0)


def test_fresh_events_may_ring_again_after_the_spacing_of_their_task() -> None:
    bells = Bells()
    bells.sent(HERE, at=10.0)
    assert not bells.ready(HERE, at=10.04)
    assert bells.ready(HERE, at=10.06)
    assert bells.ready(THERE, at=10.0)


def test_looking_again_at_lines_without_a_route_is_spaced_by_a_second() -> None:
    bells, errand = Bells(), Errand(task=REQUEUE_UNROUTABLE, scope="here")
    bells.sent(errand, at=10.0)
    assert not bells.ready(errand, at=10.9)
    assert bells.ready(errand, at=11.0)


def test_the_sweep_rings_again_only_after_some_seconds() -> None:
    bells = Bells()
    bells.sent(HERE, at=10.0)
    assert not bells.overdue(HERE, at=10.0 + REPEAT_SECONDS - 0.1)
    assert bells.overdue(HERE, at=10.0 + REPEAT_SECONDS)
    assert bells.overdue(THERE, at=10.0)


def test_a_task_without_a_spacing_is_always_ready() -> None:
    bells, errand = Bells(), Errand(task=EXTEND_CAPACITY)
    bells.sent(errand, at=10.0)
    assert bells.ready(errand, at=10.0)
    assert not bells.overdue(errand, at=10.0)
