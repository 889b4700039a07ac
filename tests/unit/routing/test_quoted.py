"""A quote as it is stored and shown, and its terms read back."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fabroute.estimation.breakdown import BreakdownRow
from fabroute.estimation.sources import Mark, SourcedFigure
from fabroute.routing.service.options import ExcludedNode, Price
from fabroute.routing.service.quoted import (
    Currency,
    QuotedTerms,
    money,
    quote_document,
    quoted_quantities,
    quoted_terms,
)
from fabroute.routing.service.quoting import ParetoPoint, QuantityQuote, QuotedOffer, QuoteResult, RoutableIf
from fabroute.routing.service.quoting.grouping import rule_out
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from tests.factories.routing import a_node_view, an_exclusion, an_offer_view

AS_OF = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
ARRIVAL = datetime(2026, 6, 18, 16, 0, tzinfo=UTC)
CUTOFF, VALID_UNTIL = datetime(2026, 6, 15, 13, 0, tzinfo=UTC), datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
EURO = Currency()
FIGURE = SourcedFigure(code="layer_um", value=80.0, unit="um", mark=Mark.VENDOR, source="V")
ROWS = {
    "file_preparation": 100,
    "machine": 200,
    "operator": 10,
    "setup_and_unloading": 20,
    "consumables_and_gas": 30,
    "material": 40,
    "post_processing": 50,
    "inspection": 60,
    "yield_loss": 5,
    "margin": 85,
    "minimum_order_top_up": 40,
    "freight_base": 400,
    "freight_weight": 40,
    "fuel": 50,
    "duty": 7,
}


def a_price(*, landed_minor: int = 1_137) -> Price:
    """Return a price with a row of every kind; the machine's makes it ``landed_minor``."""
    rows = ROWS | {"machine": ROWS["machine"] + landed_minor - sum(ROWS.values())}
    return Price(
        production_minor=landed_minor - 497,
        freight_minor=490,
        duty_minor=7,
        co2e_g=500,
        breakdown=tuple(BreakdownRow(code=code, amount_minor=amount) for code, amount in rows.items()),
    )


def an_offer(
    *, quantity: int = 1, landed_minor: int = 1_137, labels: tuple[str, ...] = ("cheapest",), node_id: str = "N101"
) -> QuotedOffer:
    return QuotedOffer(
        labels=labels,
        quantity=quantity,
        node=a_node_view(node_id=node_id),
        offer=an_offer_view(node_id=node_id),
        lot_id=f"lot_{node_id}",
        service="express",
        carrier="dhl",
        price=a_price(landed_minor=landed_minor),
        earliest_at=datetime(2026, 6, 16, 16, 0, tzinfo=UTC),
        expected_at=datetime(2026, 6, 17, 16, 0, tzinfo=UTC),
        promised_at=ARRIVAL,
        on_time_per_mille=950,
        cutoff_at=CUTOFF,
        produce_by=date(2026, 6, 15),
        machine_minutes=60,
        grams=10,
        figures=(FIGURE,),
    )


def a_result(*offers: QuotedOffer, exclusions: tuple[ExcludedNode, ...] = ()) -> QuoteResult:
    """Return a quote of the quantities of these offers."""
    quantities = sorted({offer.quantity for offer in offers}) or [1]
    ruled_out = rule_out([each.node for each in exclusions], [(quantity, exclusions) for quantity in quantities])
    return QuoteResult(
        as_of=AS_OF,
        quotes=tuple(
            QuantityQuote(
                quantity=quantity,
                offers=tuple(offer for offer in offers if offer.quantity == quantity),
                candidates=3,
                pareto=(),
                ruled_out=ruled_out,
            )
            for quantity in quantities
        ),
    )


def shown(result: QuoteResult, *, currency: Currency = EURO) -> dict[str, object]:
    return quote_document(result, quote_id="qte_1", currency=currency, valid_until=VALID_UNTIL)


def the_offers(document: dict[str, object]) -> list[dict[str, object]]:
    quantities = document["quantities"]
    assert isinstance(quantities, list)
    return [offer for quoted in quantities for offer in quoted["offers"]]


def test_an_offer_is_shown_with_all_that_it_says() -> None:
    (offer,) = the_offers(shown(a_result(an_offer(quantity=4, labels=("fastest", "greenest")))))

    assert (offer["id"], offer["labels"], offer["quantity"]) == ("qte_1.4.fastest", ["fastest", "greenest"], 4)
    assert offer["node"] == {"node_id": "N101", "kind": "service_bureau", "city": "Berlin", "country": "DE"}
    assert (offer["machine_id"], offer["machine_offer_id"]) == ("N101-A", "offer_N101-A_PA12-MJF_PS-1")
    assert (offer["process"], offer["material"], offer["parameter_set"]) == ("MJF", "PA12-MJF", "PS-1")
    assert (offer["lot_id"], offer["service"], offer["carrier"]) == ("lot_N101", "express", "dhl")
    assert (offer["earliest_at"], offer["expected_at"]) == ("2026-06-16T16:00:00+00:00", "2026-06-17T16:00:00+00:00")
    assert (offer["promised_at"], offer["on_time_probability"]) == ("2026-06-18T16:00:00+00:00", 0.95)
    assert (offer["produce_by"], offer["machine_minutes"], offer["grams"]) == ("2026-06-15", 60, 10)
    assert (offer["production"], offer["freight"], offer["duty"]) == (money(640), money(490), money(7))


def test_the_rows_of_a_price_are_grouped_by_what_they_are_for() -> None:
    (offer,) = the_offers(shown(a_result(an_offer())))

    assert offer["breakdown"] == [
        {"code": "machine", "amount_minor": 200},
        {"code": "labour", "amount_minor": 130},
        {"code": "material", "amount_minor": 40},
        {"code": "consumables", "amount_minor": 30},
        {"code": "post", "amount_minor": 50},
        {"code": "inspection", "amount_minor": 60},
        {"code": "yield", "amount_minor": 5},
        {"code": "margin", "amount_minor": 85},
        {"code": "minimum_order", "amount_minor": 40},
        {"code": "duty", "amount_minor": 7},
        {"code": "freight", "amount_minor": 490},
    ]
    assert offer["landed"] == money(1_137)


@pytest.mark.parametrize(
    ("minor", "per_eur", "amount"),
    [(1_000, 0.94, 940), (5, 1.1, 6), (5, 0.9, 5), (1, 0.5, 1), (1, 0.49, 0), (5_997, 165.25, 991_004), (0, 2.0, 0)],
)
def test_money_in_another_currency_is_rounded_once_half_a_cent_up(minor: int, per_eur: float, amount: int) -> None:
    currency = Currency(code="XXX", per_eur=per_eur)

    assert currency.of(minor) == {"amount_minor": amount, "currency": "XXX"}
    assert Currency().of(minor) == {"amount_minor": minor, "currency": "EUR"}


def test_a_unit_price_is_rounded_from_the_whole_in_either_currency() -> None:
    result = a_result(an_offer(quantity=3, landed_minor=1_000))

    (offer,) = the_offers(shown(result, currency=Currency(code="CHF", per_eur=0.94)))

    assert (offer["landed"], offer["unit"]) == (money(1_000), money(333))
    assert offer["price"] == {"amount_minor": 940, "currency": "CHF"}
    assert offer["unit_price"] == {"amount_minor": 313, "currency": "CHF"}  # 313.33, not 333 x 0.94 = 313.02
    assert money(Decimal("312.5")) == {"amount_minor": 313, "currency": "EUR"}


def test_price_breaks_are_the_cheapest_of_each_quantity_against_the_smallest() -> None:
    result = a_result(
        an_offer(quantity=1, landed_minor=1_000, labels=("fastest",), node_id="N102"),
        an_offer(quantity=1, landed_minor=800),
        an_offer(quantity=10, landed_minor=2_000),
        an_offer(quantity=100, landed_minor=90_000),
    )

    breaks = shown(result)["price_breaks"]

    assert isinstance(breaks, list)
    assert [each["quantity"] for each in breaks] == [1, 10, 100]
    assert [each["unit"]["amount_minor"] for each in breaks] == [800, 200, 900]
    assert [each["saving"] for each in breaks] == [0.0, 0.75, -0.125]
    assert breaks[1]["promised_at"] == ARRIVAL.isoformat()


def test_a_quantity_that_nothing_fits_has_no_price_and_what_would_have_to_change() -> None:
    change = RoutableIf(
        node=a_node_view(),
        code=ExclusionCode.NEED_BY,
        change="it may arrive on 24 Jun",
        figures={"need_by": "2026-06-24T15:00:00+00:00"},
        machine_id="N101-A",
        landed_minor=1_330,
        promised_at=ARRIVAL,
    )
    nothing = QuantityQuote(quantity=1, offers=(), candidates=0, pareto=(), ruled_out=(), routable_if=(change,))

    document = shown(QuoteResult(as_of=AS_OF, quotes=(nothing,)))

    assert document["price_breaks"] == document["sources"] == []
    assert the_offers(document) == []
    quantities = document["quantities"]
    assert isinstance(quantities, list)
    (said,) = quantities[0]["routable_if"]
    assert (said["node_id"], said["code"], said["change"]) == ("N101", "NEED_BY", "it may arrive on 24 Jun")
    assert (said["landed"], said["promised_at"], said["machine_id"]) == (money(1_330), ARRIVAL.isoformat(), "N101-A")
    unpriced = replace(nothing, routable_if=(replace(change, landed_minor=None, promised_at=None),))
    without = shown(QuoteResult(as_of=AS_OF, quotes=(unpriced,)))["quantities"]
    assert isinstance(without, list)
    assert (without[0]["routable_if"][0]["landed"], without[0]["routable_if"][0]["promised_at"]) == (None, None)


def test_nodes_with_the_same_reasons_for_several_quantities_are_named_once() -> None:
    excluded = an_exclusion("N102", "PACKAGING", city="Lyon")
    figures = Exclusion(code=ExclusionCode.CAPACITY, message="full", figures={"free_minutes": 0}, machine_id="N103-A")
    full = ExcludedNode(node=a_node_view(node_id="N103"), reasons=(figures,))
    alike = an_exclusion("N104", "PACKAGING", city="Lyon")
    result = a_result(an_offer(quantity=1), an_offer(quantity=10), exclusions=(excluded, full, alike))

    ruled_out = shown(result)["ruled_out"]

    assert isinstance(ruled_out, list)
    assert [
        ([(node["node_id"], node["city"]) for node in each["nodes"]], each["quantities"]) for each in ruled_out
    ] == [
        ([("N102", "Lyon"), ("N104", "Lyon")], [1, 10]),
        ([("N103", "Berlin")], [1, 10]),
    ]
    assert ruled_out[0]["nodes"][1] == {"node_id": "N104", "city": "Lyon", "country": "DE"}
    assert ruled_out[1]["reasons"] == [
        {"code": "CAPACITY", "message": "full", "figures": {"free_minutes": 0}, "machine_id": "N103-A"}
    ]


def test_pareto_points_and_sources_are_shown_once() -> None:
    point = ParetoPoint(
        node_id="N101", offer_id="offer", service="express", landed_minor=1_130, promised_at=ARRIVAL, co2e_g=500
    )
    result = a_result(an_offer(quantity=1), an_offer(quantity=10))
    document = shown(replace(result, quotes=tuple(replace(quote, pareto=(point,)) for quote in result.quotes)))

    quantities = document["quantities"]
    assert isinstance(quantities, list)
    assert quantities[0]["pareto"] == [
        {
            "node_id": "N101",
            "machine_offer_id": "offer",
            "service": "express",
            "landed": money(1_130),
            "promised_at": ARRIVAL.isoformat(),
            "co2e_g": 500,
        }
    ]
    assert document["sources"] == [
        {
            "node_id": "N101",
            "machine_offer_id": "offer_N101-A_PA12-MJF_PS-1",
            "figures": [
                {"code": "layer_um", "value": 80.0, "unit": "um", "mark": "vendor", "source": "V", "subject": ""}
            ],
        }
    ]


def test_the_terms_of_an_offer_are_read_back_by_any_of_its_labels() -> None:
    document = shown(
        a_result(
            an_offer(quantity=1, labels=("cheapest", "greenest")),
            an_offer(quantity=1, labels=("fastest",), node_id="N102", landed_minor=2_000),
            an_offer(quantity=10),
        )
    )

    cheapest = quoted_terms(document, quantity=1, label="cheapest")
    fastest = quoted_terms(document, quantity=1, label="fastest")

    assert cheapest == quoted_terms(document, quantity=1, label="greenest")
    assert cheapest == QuotedTerms(
        quantity=1,
        labels=("cheapest", "greenest"),
        node_id="N101",
        city="Berlin",
        machine_id="N101-A",
        machine_offer_id="offer_N101-A_PA12-MJF_PS-1",
        lot_id="lot_N101",
        service="express",
        landed_minor=1_137,
        promised_at=ARRIVAL,
        valid_until=CUTOFF,
    )
    assert fastest is not None
    assert (fastest.node_id, fastest.landed_minor) == ("N102", 2_000)
    assert quoted_terms(document, quantity=10, label="fastest") is None
    assert quoted_terms(document, quantity=2, label="cheapest") is None
    assert quoted_quantities(document) == (1, 10)


def test_an_offer_stands_until_its_cut_off_and_no_longer_than_the_quote() -> None:
    soon = replace(an_offer(quantity=1), cutoff_at=CUTOFF)
    tomorrow = replace(an_offer(quantity=1, labels=("fastest",)), cutoff_at=CUTOFF.replace(day=16))

    document = shown(a_result(soon, tomorrow))

    assert [offer["valid_until"] for offer in the_offers(document)] == [CUTOFF.isoformat(), VALID_UNTIL.isoformat()]
    assert document["shortest_valid_until"] == CUTOFF.isoformat()
    assert shown(a_result(tomorrow))["shortest_valid_until"] == VALID_UNTIL.isoformat()
    assert shown(a_result())["shortest_valid_until"] is None


def test_an_offer_of_an_old_quote_has_no_end_of_its_own() -> None:
    document = shown(a_result(an_offer(quantity=1)))
    for offer in the_offers(document):
        del offer["valid_until"]

    terms = quoted_terms(document, quantity=1, label="cheapest")

    assert terms is not None
    assert (terms.valid_until, terms.promised_at) == (None, ARRIVAL)
