import asyncio

from fabroute.api.queues.versions import QueueVersions
from fabroute.network.service.queues import QueuePosition, QueuePositions


def found(version: int = 1, *, epoch: str = "e1", node_id: str = "N1") -> QueuePositions:
    return QueuePositions(epoch=epoch, nodes={node_id: (version, "org_1"), "N2": (9, "org_2")})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_queue_is_known_once_it_was_read_and_an_unknown_node_never() -> None:
    versions = QueueVersions()
    before = versions.known("N1")
    versions.take(found(4), mark=versions.mark)

    assert before is None
    assert versions.known("N1") == QueuePosition(epoch="e1", version=4, organisation_id="org_1")
    assert versions.known("N3") is None


def test_after_a_commit_of_this_process_only_what_was_read_later_counts() -> None:
    versions = QueueVersions()
    mark = versions.mark
    versions.outdated()
    versions.take(found(4), mark=mark)  # that look had begun before the commit
    too_early = versions.known("N1")
    versions.take(found(5), mark=versions.mark)
    known = versions.known("N1")

    assert too_early is None
    assert known is not None
    assert known.version == 5


def test_two_commits_during_one_look_need_another_look() -> None:
    versions = QueueVersions()
    versions.outdated()
    mark = versions.mark
    versions.outdated()
    versions.take(found(5), mark=mark)

    assert versions.known("N1") is None
    assert versions.seen("N1") == ("e1", 5)


def test_what_was_not_looked_at_for_three_seconds_is_not_known_any_more() -> None:
    clock = Clock()
    versions = QueueVersions(clock=clock)
    versions.take(found(), mark=versions.mark)
    clock.now += 3.0
    still = versions.known("N1")
    clock.now += 0.1

    assert still is not None
    assert versions.known("N1") is None


def test_after_an_outage_nothing_is_known_until_it_was_read_again() -> None:
    versions = QueueVersions()
    versions.take(found(), mark=versions.mark)
    versions.forget()
    lost = versions.known("N1")
    versions.take(found(2), mark=versions.mark)
    again = versions.known("N1")

    assert lost is None
    assert again is not None
    assert again.version == 2


async def woken_by(*positions: QueuePositions, forget: bool = False) -> list[bool]:
    """Return which of two polls, of N1 and of N2, are awake after these were read."""
    versions = QueueVersions()
    versions.take(found(1), mark=versions.mark)
    with versions.parking("N1") as first, versions.parking("N2") as second:
        if forget:
            versions.forget()
        for position in positions:
            versions.take(position, mark=versions.mark)
        return [first.done(), second.done(), versions.parked == 2]


def test_only_polls_of_a_queue_that_went_on_are_woken() -> None:
    assert asyncio.run(woken_by(found(1))) == [False, False, True]
    assert asyncio.run(woken_by(found(1), found(2))) == [True, False, True]


def test_everyone_is_woken_by_another_epoch_and_after_an_outage() -> None:
    assert asyncio.run(woken_by(found(1, epoch="e2"))) == [True, True, True]
    assert asyncio.run(woken_by(found(1), forget=True)) == [True, True, True]


def test_polls_that_end_leave_nothing_behind() -> None:
    async def park() -> tuple[int, int]:
        versions = QueueVersions()
        with versions.parking("N1"), versions.parking("N1"), versions.parking("N2"):
            most = versions.parked
        return most, versions.parked

    assert asyncio.run(park()) == (3, 0)
