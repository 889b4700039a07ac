"""The collector rests while the API serves, and is as before afterwards."""

import gc

from fabroute.api.garbage import rare_garbage_collection, set_aside_again


class Loop:
    """Something that only the collector could take away."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_at_the_start_is_set_aside_and_collections_are_rare() -> None:
    before = gc.get_threshold()
    with rare_garbage_collection():
        frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()

    assert thresholds == (50_000, 50, 1_000)
    assert frozen >= 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)


def test_what_came_to_stay_is_set_aside_too() -> None:
    with rare_garbage_collection():
        first = gc.get_freeze_count()
        book = [Loop() for _ in range(1_000)]
        set_aside_again()
        second = gc.get_freeze_count()

    assert second >= first + len(book)
    assert gc.get_freeze_count() == 0


def test_outside_of_a_serving_process_nothing_is_set_aside() -> None:
    set_aside_again()

    assert gc.get_freeze_count() == 0
    assert gc.isenabled()
