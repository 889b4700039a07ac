"""Keeping a quote, in a sentence."""

from datetime import UTC, datetime

import pytest

from fabroute.routing.service.keeping import Kept, kept_sentence
from fabroute.routing.service.quoted import QuotedTerms
from tests.factories.routing import a_node_view, a_way, an_option, some_calendars

QUOTED = QuotedTerms(
    quantity=1,
    labels=("cheapest",),
    node_id="N101",
    city="Hamburg",
    machine_id="N101-A",
    machine_offer_id="offer",
    lot_id="lot",
    service="express",
    landed_minor=1_130,
    promised_at=datetime(2026, 6, 18, 8, 0, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("production_minor", "as_quoted", "said"),
    [
        (640, True, "Berlin: fastest offer accepted at 11.30 EUR, arrives 17 Jun"),
        (600, True, "Berlin: fastest offer accepted at 11.30 EUR, arrives 17 Jun; it costs 10.90 EUR now"),
        (
            600,
            False,
            "Berlin: 10.90 EUR, arrives 17 Jun; fastest offer of Hamburg accepted at 11.30 EUR by 18 Jun,"
            " which it can't keep any more",
        ),
    ],
)
def test_a_sentence_says_what_was_accepted_and_who_keeps_it(production_minor: int, as_quoted: bool, said: str) -> None:
    option = an_option(a_way(node=a_node_view(city="Berlin"), production_minor=production_minor, freight_minor=490))

    sentence = kept_sentence(
        Kept(option=option, as_quoted=as_quoted), QUOTED, label="fastest", calendars=some_calendars()
    )

    assert sentence == said
    assert len(sentence.encode()) <= 200
