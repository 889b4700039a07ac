import asyncio

from fabroute.api.feed.polling import read_or_wait
from fabroute.api.feed.watch import FeedWatch
from fabroute.webhooks.service.feed import FeedPage
from fabroute.webhooks.service.views import EventView
from tests.factories.organisations import NOW

EMPTY = FeedPage(events=(), has_more=False, resume_from="7")
FULL = FeedPage(
    events=(
        EventView(
            position=8,
            event_id="evt_1",
            organisation_id="org_1",
            type="order.placed",
            version=1,
            subject_type="order",
            subject_id="ord_1",
            occurred_at=NOW,
            data={},
        ),
    ),
    has_more=False,
    resume_from="8",
)


class Pages:
    """Pages that are read one after the other, the last one again and again."""

    def __init__(self, *pages: FeedPage) -> None:
        self.pages = pages
        self.read = 0

    async def __call__(self) -> FeedPage:
        """Return the next page."""
        self.read += 1
        return self.pages[min(self.read, len(self.pages)) - 1]


async def staying() -> dict[str, str]:
    """A client that never hangs up."""
    await asyncio.sleep(3600)
    return {"type": "http.disconnect"}


async def leaving() -> dict[str, str]:
    """A client that hangs up at once."""
    return {"type": "http.disconnect"}


async def poll(pages: Pages, watch: FeedWatch, *, wait: float, stays: bool = True) -> FeedPage:
    return await read_or_wait(
        pages, watch=watch, organisation_id="org_1", wait_seconds=wait, receive=staying if stays else leaving
    )


def test_what_is_there_is_answered_at_once() -> None:
    pages, watch = Pages(FULL), FeedWatch()

    assert asyncio.run(poll(pages, watch, wait=25)) is FULL
    assert (pages.read, watch.parked) == (1, 0)


def test_without_a_wait_nothing_is_waited_for() -> None:
    pages = Pages(EMPTY, FULL)

    assert asyncio.run(poll(pages, FeedWatch(), wait=0)) is EMPTY
    assert pages.read == 1


def test_an_event_that_came_between_reading_and_waiting_is_not_missed() -> None:
    pages = Pages(EMPTY, FULL)

    assert asyncio.run(poll(pages, FeedWatch(), wait=25)) is FULL
    assert pages.read == 2


def test_who_waits_is_woken_by_an_event_of_its_own_organisation_alone() -> None:
    pages, watch = Pages(EMPTY, EMPTY, FULL), FeedWatch()

    async def story() -> tuple[FeedPage, int]:
        waiting = asyncio.create_task(poll(pages, watch, wait=25))
        while watch.parked == 0 or pages.read < 2:
            await asyncio.sleep(0)
        watch.take({"org_2": 8})
        await asyncio.sleep(0)
        reads = pages.read
        watch.take({"org_1": 8})
        watch.take({"org_1": 9})
        return await waiting, reads

    page, reads = asyncio.run(story())
    assert (page, reads) == (FULL, 2)
    assert watch.parked == 0


def test_a_wait_ends_with_its_time_and_when_the_client_leaves() -> None:
    pages, watch = Pages(EMPTY), FeedWatch()

    assert asyncio.run(poll(pages, watch, wait=0.01)) is EMPTY
    assert asyncio.run(poll(pages, watch, wait=25, stays=False)) is EMPTY
    assert watch.parked == 0
