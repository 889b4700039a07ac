"""One book for all threads: fresh, or being read, and never much too old."""

import threading

import pytest
import structlog

from fabroute.routing.service.quoting import QuoteBook, QuoteBooks
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

    def __call__(self) -> float:
        return self.seconds


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
