"""Instant quotes from a book of the network that is kept in memory. No solver is asked, and none is imported."""

from fabroute.routing.service.quoting.answers import (
    CHEAPEST,
    FASTEST,
    GREENEST,
    LABELS,
    ParetoPoint,
    QuantityQuote,
    QuotedOffer,
    QuoteResult,
    RoutableIf,
    RuledOut,
)
from fabroute.routing.service.quoting.asking import (
    LARGEST_QUANTITY,
    MOST_QUANTITIES,
    InvalidQuantities,
    PartAsked,
    QuoteAsked,
    normal_quantities,
    read_part,
)
from fabroute.routing.service.quoting.book import QuoteBook, read_book
from fabroute.routing.service.quoting.books import QuoteBooks
from fabroute.routing.service.quoting.quotes import quote

__all__ = [
    "CHEAPEST",
    "FASTEST",
    "GREENEST",
    "LABELS",
    "LARGEST_QUANTITY",
    "MOST_QUANTITIES",
    "InvalidQuantities",
    "ParetoPoint",
    "PartAsked",
    "QuantityQuote",
    "QuoteAsked",
    "QuoteBook",
    "QuoteBooks",
    "QuoteResult",
    "QuotedOffer",
    "RoutableIf",
    "RuledOut",
    "normal_quantities",
    "quote",
    "read_book",
    "read_part",
]
