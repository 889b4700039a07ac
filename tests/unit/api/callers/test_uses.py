import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError

from fabroute.api.callers.uses import LastUses
from tests.factories.organisations import NOW


class Written:
    """Keeps what is written; fails as often as it is told to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.batches: list[dict[str, datetime]] = []
        self._failures = failures

    def __call__(self, uses: Mapping[str, datetime]) -> None:
        if self._failures:
            self._failures -= 1
            raise OperationalError("UPDATE", {}, Exception("gone"))
        self.batches.append(dict(uses))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_key_that_is_used_all_the_time_is_written_once_a_minute() -> None:
    written = Written()
    uses = LastUses(write=written)
    for second in range(121):
        uses.note("key_1", at=at(second))
        uses.write()

    assert written.batches == [{"key_1": at(0)}, {"key_1": at(60)}, {"key_1": at(120)}]


def test_several_keys_share_a_statement_and_nothing_is_written_where_nobody_came() -> None:
    written = Written()
    uses = LastUses(write=written)
    uses.write()
    for actor in ("key_1", "key_2", "key_1"):
        uses.note(actor, at=at(1))
    uses.write()
    uses.write()

    assert written.batches == [{"key_1": at(1), "key_2": at(1)}]


def test_what_can_not_be_written_waits_for_the_next_time_and_the_later_use_counts() -> None:
    written = Written(failures=1)
    uses = LastUses(write=written)
    uses.note("key_1", at=at(0))
    uses.note("key_2", at=at(1))
    uses.write()
    uses.note("key_1", at=at(60))
    uses.write()

    assert written.batches == [{"key_1": at(60), "key_2": at(1)}]


def test_uses_are_written_in_the_background_and_once_more_at_the_end() -> None:
    written = Written()

    async def live() -> None:
        uses = LastUses(write=written, seconds=0.001)
        uses.start()
        uses.note("key_1", at=at(0))
        while not written.batches:
            await asyncio.sleep(0.001)
        uses.note("key_2", at=at(2))
        await uses.stop()

    asyncio.run(live())
    assert written.batches == [{"key_1": at(0)}, {"key_2": at(2)}]
