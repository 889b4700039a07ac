"""Instant quotes: what some quantities of a part would cost, arrive and emit, at every node that can make them."""

from fabroute.routing.service.quoting.answers import QuoteResult
from fabroute.routing.service.quoting.asking import QuoteAsked
from fabroute.routing.service.quoting.book import QuoteBook
from fabroute.routing.service.quoting.scalar import quote_one_by_one


def quote(book: QuoteBook, asked: QuoteAsked) -> QuoteResult:
    """Return offers, exclusions and, where nothing fits, what would have to be different, for each quantity.

    All of it counts from the instant of the book. The same book and question give the same answer.
    """
    return quote_one_by_one(book, asked)
