"""One book for all threads: fresh, or being read, and never much too old."""

import threading
from functools import partial

import pytest
import structlog

from fabroute.routing.service.quoting import QuoteBook, QuoteBooks
from tests.factories.concurrency import at_once
from tests.factories.snapshots import a_snapshot


class Reader:
    """Reads a new book each time, or fails; notes what it was given."""

    def __init__(self) -> None:
        self.given: list[QuoteBook | None] = []
        self.read: list[QuoteBook] = []
        self.fails = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()

    def __call__(self, before: QuoteBook | None) -> QuoteBook:
        self.began.set()
        self.may_go_on.wait(10)
        self.given.append(before)
        if self.fails:
            raise RuntimeError("the database is away")
        self.read.append(QuoteBook(snapshot=a_snapshot()))
        return self.read[-1]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.seconds += seconds


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_book_is_read_once_and_again_when_its_time_is_over(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    first = books.book()
    clock.seconds += 9.9
    assert books.book() is first
    clock.seconds += 0.1

    assert books.book() is reader.read[1]
    assert reader.given == [None, first]


def test_with_no_time_to_live_every_call_reads(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=0, clock=clock)

    assert [books.book() for _ in range(3)] == reader.read
    assert len(reader.read) == 3


def test_while_one_thread_reads_the_others_go_on_with_the_old_book(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    old = books.book()
    clock.seconds += 15
    reader.may_go_on.clear()
    reader.began.clear()
    refreshing = threading.Thread(target=books.book)
    refreshing.start()
    assert reader.began.wait(10)

    assert books.book() is old
    reader.may_go_on.set()
    refreshing.join(10)
    assert books.book() is reader.read[1]
    assert len(reader.read) == 2


def test_a_failed_refresh_leaves_the_old_book_and_is_logged(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    old = books.book()
    reader.fails = True
    clock.seconds += 30
    with structlog.testing.capture_logs() as logs:
        assert books.book() is old

    assert [(entry["event"], entry["error"]) for entry in logs] == [("quoting.book_not_read", "the database is away")]
    reader.fails = False
    assert books.book() is reader.read[1]


def test_a_book_that_is_six_times_too_old_is_not_used(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    books.book()
    reader.fails = True
    clock.seconds += 60

    with pytest.raises(RuntimeError, match="the database is away"):
        books.book()
    reader.fails = False
    assert books.book() is reader.read[1]


def test_without_any_book_the_error_comes_through_and_the_next_call_reads_again(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    reader.fails = True
    with pytest.raises(RuntimeError):
        books.book()
    reader.fails = False

    assert books.book() is reader.read[0]
    assert reader.given == [None, None]


def test_threads_that_come_at_once_wait_for_one_reading(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    found: list[QuoteBook] = []
    reader.may_go_on.clear()
    threads = [threading.Thread(target=lambda: found.append(books.book())) for _ in range(4)]
    for thread in threads:
        thread.start()
    reader.may_go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(reader.read) == 1
    assert found == reader.read * 4


def test_the_next_quote_after_a_change_reads_a_new_book_and_the_one_after_takes_it(
    reader: Reader, clock: Clock
) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock)
    first = books.book()
    clock.seconds += 0.5
    assert books.book() is first
    books.outdated()

    assert books.book() is reader.read[1]
    assert books.book() is reader.read[1]
    assert len(reader.read) == 2


def test_a_burst_of_changes_reads_twice_a_second_and_quotes_go_on_with_what_is_there(
    reader: Reader, clock: Clock
) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock, sleep=clock.sleep)
    got = []
    for _ in range(100):
        books.outdated()
        got.append(reader.read.index(books.book()))
        clock.seconds += 0.0625

    assert len(reader.read) == 13
    assert got == [step // 8 for step in range(100)]
    assert clock.slept == []


def test_who_was_told_of_a_change_waits_for_a_book_that_has_it_and_others_do_not(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock, sleep=clock.sleep)
    first = books.book()
    clock.seconds += 0.125
    books.outdated(told="org_a")

    assert books.book(asked_by="org_b") is books.book() is first
    assert books.book(asked_by="org_a") is reader.read[1]
    assert clock.slept == [0.375]
    assert books.book(asked_by="org_b") is books.book(asked_by="org_a") is reader.read[1]
    assert len(reader.read) == 2


def test_a_change_during_a_reading_is_not_in_its_book(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock, sleep=clock.sleep)
    books.book()
    clock.seconds += 1
    books.outdated()
    reader.may_go_on.clear()
    reader.began.clear()
    refreshing = threading.Thread(target=books.book)
    refreshing.start()
    assert reader.began.wait(10)
    books.outdated(told="org_a")
    told: list[QuoteBook] = []
    waiting = threading.Thread(target=lambda: told.append(books.book(asked_by="org_a")))
    waiting.start()
    reader.may_go_on.set()
    for thread in (refreshing, waiting):
        thread.join(10)

    assert told == reader.read[2:]
    assert (len(reader.read), clock.slept) == (3, [0.5])


def test_many_who_were_told_wait_for_one_reading(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock, sleep=clock.sleep)
    books.book()
    clock.seconds += 1
    for number in range(8):
        books.outdated(told=f"org_{number}")
    got = at_once(*(partial(books.book, asked_by=f"org_{number}") for number in range(8)))

    assert got == [reader.read[1]] * 8
    assert len(reader.read) == 2


def test_a_reading_that_takes_long_is_followed_by_as_long_a_pause(reader: Reader, clock: Clock) -> None:
    def slowly(before: QuoteBook | None) -> QuoteBook:
        clock.seconds += 3
        return reader(before)

    books = QuoteBooks(slowly, seconds=10, clock=clock)
    first = books.book()
    books.outdated()
    clock.seconds += 2.9
    assert books.book() is first
    clock.seconds += 0.1

    assert books.book() is reader.read[1]


def test_who_was_told_goes_on_with_the_old_book_where_it_can_not_be_read_again(reader: Reader, clock: Clock) -> None:
    books = QuoteBooks(reader, seconds=10, clock=clock, sleep=clock.sleep)
    old = books.book()
    books.outdated(told="org_a")
    reader.fails = True
    with structlog.testing.capture_logs() as logs:
        assert books.book(asked_by="org_a") is old

    assert [entry["event"] for entry in logs] == ["quoting.book_not_read"]
    reader.fails = False
    assert books.book(asked_by="org_a") is reader.read[1]
