"""A quote on the command line says that some of its offers end before it does."""

from io import StringIO

from rich.console import Console

from fabroute.cli.client import JsonObject
from fabroute.cli.quote_story import quote_report
from tests.factories.quote_answers import a_quote_answer, an_offer_answer


def second_line(quote: JsonObject) -> str:
    page = StringIO()
    Console(file=page, width=160).print(quote_report(quote, width=160))
    return page.getvalue().splitlines()[1]


def test_the_shortest_offer_is_named_beside_the_end_of_the_quote() -> None:
    soon = an_offer_answer(city="Hamburg") | {"valid_until": "2026-06-14T09:15:00Z"}
    quote = a_quote_answer({1: [soon]}) | {"shortest_valid_until": "2026-06-14T09:15:00Z"}

    assert second_line(quote) == (
        "quote qte_1: stands until 14 Jun 10:00 UTC, its first offer until 14 Jun 09:15 UTC (cut-off); "
        "nothing is held for it"
    )
    assert second_line(quote | {"shortest_valid_until": "2026-06-14T10:00:00Z"}) == second_line(a_quote_answer())


def test_a_quote_without_offers_or_from_before_has_only_its_own_end() -> None:
    words = "quote qte_1: stands until 14 Jun 10:00 UTC; nothing is held for it"

    assert second_line(a_quote_answer({1: []}) | {"shortest_valid_until": None}) == words
    assert second_line(a_quote_answer()) == words
