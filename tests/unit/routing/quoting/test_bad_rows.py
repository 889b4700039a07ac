"""A row that no machine or material can be rules its own machine out, and stops neither a run nor a quote."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from fabroute.network.service import OfferView
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.quoting import PartAsked, QuoteBook, QuoteResult, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import a_node_view
from tests.factories.snapshots import PLA, PRINTER, a_printer, a_revision_view, a_snapshot
from tests.unit.routing.quoting.test_quotes import a_question

NO_RATE = replace(a_printer(node_id="N101"), model=replace(PRINTER, model="Free", rate_minor_per_hour=0))
HUGE = replace(a_printer(node_id="N101"), model=replace(PRINTER, model="Huge", x_mm=200_000))
NO_PRICE = replace(a_printer(node_id="N101"), material=replace(PLA, price_minor_per_kg=0))
WORDS = {
    "Free has no rate: give rate_minor_per_hour, or let a node state 0 of its own machine": NO_RATE,
    "a side of the build volume in mm is 200,000, more than 100,000, which nothing has: check its unit": HUGE,
    "PLA has no price: give price_minor_per_kg, or let a node state 0 of its own": NO_PRICE,
}


def two_nodes(bad: OfferView) -> RoutingSnapshot:
    """A node with a bad row, and one without."""
    nodes = (a_node_view(node_id="N101"), a_node_view(node_id="N102"))
    return a_snapshot(nodes=nodes, offers=(bad, a_printer(node_id="N102")))


def both(snapshot: RoutingSnapshot) -> tuple[QuoteResult, QuoteResult]:
    book, asked = QuoteBook(snapshot=snapshot), a_question(1, 20)
    return quote(book, asked), quote_one_by_one(book, asked)


@pytest.mark.parametrize("words", WORDS)
def test_the_machine_is_ruled_out_with_the_words_of_the_row_and_the_others_go_on(words: str) -> None:
    quick, slow = both(two_nodes(WORDS[words]))

    assert quick == slow
    for each in quick.quotes:
        (excluded,) = each.exclusions
        (reason,) = excluded.reasons
        assert (excluded.node.node_id, reason.code.value, reason.machine_id) == ("N101", "NODE_DOWN", "N101-A")
        assert reason.message == f"machine N101-A can't be estimated with: {words}"
        assert reason.figures == {"status": "not_estimable", "invalid": words}
        assert {offer.node.node_id for offer in each.offers} == {"N102"}


def test_a_good_machine_beside_it_at_the_same_node_makes_the_part() -> None:
    snapshot = a_snapshot(offers=(NO_RATE, a_printer(node_id="N101", machine_id="N101-B")))
    quick, slow = both(snapshot)

    assert quick == slow
    assert [each.exclusions for each in quick.quotes] == [(), ()]
    assert {offer.offer.machine_id for each in quick.quotes for offer in each.offers} == {"N101-B"}


def test_what_else_speaks_against_the_machine_is_said_too() -> None:
    part = PartAsked(revision=a_revision_view(required_certificates=("ISO9001",), part_qualification=True))
    book = QuoteBook(snapshot=a_snapshot(offers=(NO_RATE,)))
    quick, slow = quote(book, a_question(part=part)), quote_one_by_one(book, a_question(part=part))

    (excluded,) = quick.quotes[0].exclusions
    assert [reason.code.value for reason in excluded.reasons] == ["CERTIFICATE_MISSING", "NODE_DOWN"]
    assert quick.quotes[0].exclusions == slow.quotes[0].exclusions


def test_where_nothing_else_is_wrong_the_row_is_what_has_to_change() -> None:
    (found,) = quote(QuoteBook(snapshot=a_snapshot(offers=(HUGE,))), a_question()).quotes

    (words,) = [words for words, offer in WORDS.items() if offer is HUGE]
    assert found.routable_if == ()  # without a row there is no price and no day to name
    assert [words in reason.message for node in found.exclusions for reason in node.reasons] == [True]


def test_a_run_goes_on_and_the_log_names_the_machine_once() -> None:
    bad = replace(NO_RATE, offer_id="offer_logged_once", machine_id="N101-A")
    snapshot = two_nodes(bad)
    with capture_logs() as log:
        runs = [CandidateFinder(snapshot).choices() for _ in range(3)]
        both(snapshot)

    ((choices,), *_) = runs
    assert {option.way.node.node_id for option in choices.options} == {"N102"}
    assert [(entry["event"], entry["machine_id"], entry["log_level"]) for entry in log] == [
        ("routing.machine_not_estimable", "N101-A", "warning")
    ]
