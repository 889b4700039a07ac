"""A quote as the command line shows it, and what the commands send."""

from io import StringIO

import pytest
from rich.console import Console

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.quote_story import quote_report
from fabroute.cli.quotes import PlaceUnclear, QuantityUnclear, has_offer, order_body, place_of
from tests.factories.quote_answers import a_quote_answer, a_ruled_out_answer, an_offer_answer

WIDE = 130


def printed(quote: JsonObject, *, width: int = WIDE) -> str:
    page = StringIO()
    Console(file=page, width=width).print(quote_report(quote, width=width))
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())


def line_with(text: str, page: str) -> str:
    (found,) = [line for line in page.splitlines() if text in line]
    return found


def test_the_head_says_what_was_asked_and_until_when_it_stands() -> None:
    page = printed(a_quote_answer())

    assert page.splitlines()[0] == "RL-0001 A to Berlin, DE (routine, brand packaging, by 19 Jun)"
    assert page.splitlines()[1] == "quote qte_1: stands until 14 Jun 10:00 UTC; nothing is held for it"


def test_each_quantity_has_its_offers_with_price_dates_chance_and_carbon() -> None:
    cheap = an_offer_answer(city="Hamburg", landed_minor=1_130)
    quick = an_offer_answer(labels=("fastest", "greenest"), node_id="N002", city="Kraków", landed_minor=1_330)

    page = printed(a_quote_answer({1: [cheap, quick], 10: [cheap]}))

    hamburg = page.splitlines()[4].split()
    assert hamburg == [
        *("1", "cheapest", "N001", "Hamburg", "DE", "MJF", "PA12-MJF", "dhl", "express"),
        *("€11.30", "€11.30", "16", "Jun", "17", "Jun", "18", "Jun", "97", "%", "1.50", "kg"),
    ]
    assert "fastest + greenest" in line_with("Kraków", page)
    assert "€13.30" in line_with("Kraków", page)
    assert line_with("10  cheapest", page).split()[-2:] == ["1.50", "kg"]


def test_another_currency_stands_beside_euro_and_a_chance_only_with_a_need_by() -> None:
    page = printed(a_quote_answer() | {"currency": "CHF", "need_by": None})

    heading = line_with("landed", page).split()
    assert heading == [
        "pieces",
        "offer",
        "node",
        "made",
        "by",
        "sent",
        "by",
        "landed",
        "each",
        "CHF",
        "P10",
        "P50",
        "P90",
        "CO2e",
    ]
    assert "10.62" in line_with("Hamburg", page)
    assert "97 %" not in page


def test_price_breaks_tell_what_a_piece_costs() -> None:
    breaks: list[Json] = [
        {"quantity": 1, "unit": {"amount_minor": 1_130, "currency": "EUR"}, "saving": 0.0},
        {"quantity": 1_000, "unit": {"amount_minor": 260, "currency": "EUR"}, "saving": 0.7699},
    ]

    page = printed(a_quote_answer() | {"price_breaks": breaks})

    assert line_with("a piece costs", page) == "  a piece costs 1 at €11.30, 1,000 at €2.60 (-77 %)"
    assert "a piece costs" not in printed(a_quote_answer())


def advised(quantity: int, meaning: str) -> Json:
    offers: list[Json] = [an_offer_answer()]
    return {"quantity": quantity, "offers": offers, "routable_if": [], "advice": {"meaning": meaning}}


def test_what_is_told_of_a_quantity_stands_below_its_offers_and_what_is_said_of_several_once() -> None:
    tool = "moulding is cheaper from 400 on"
    quantities: list[Json] = [advised(1, "printing is cheaper"), advised(500, tool), advised(1_000, tool)]

    page = printed(a_quote_answer() | {"quantities": quantities})

    assert "  told: printing is cheaper (for 1)" in page.splitlines()
    assert "  told: moulding is cheaper from 400 on (for 500, 1,000)" in page.splitlines()
    assert page.count("told:") == 2


def test_one_quantity_is_told_without_its_number_and_nothing_where_there_is_no_advice() -> None:
    page = printed(a_quote_answer() | {"quantities": [advised(1, "printing is cheaper")]})

    assert line_with("told:", page) == "  told: printing is cheaper"
    assert "told:" not in printed(a_quote_answer())


def test_nodes_that_are_out_say_why_those_that_come_nearest_first() -> None:
    lyon = a_ruled_out_answer("N003", "Lyon", "PACKAGING", "NEED_BY")
    shenzhen = a_ruled_out_answer("N004", "Shenzhen", "NEED_BY", quantities=(10,))
    metal = a_ruled_out_answer("N005", "Ulm", "PROCESS_MATERIAL")
    quote = a_quote_answer({1: [an_offer_answer()], 10: []}) | {"ruled_out": [lyon, shenzhen, metal]}

    lines = printed(quote).splitlines()

    start = lines.index("  3 nodes are ruled out:")
    assert lines[start + 1] == "    N004 Shenzhen DE (for 10)    NEED_BY: NEED_BY bites"
    assert lines[start + 2] == "    N003 Lyon DE (for 1)         PACKAGING: PACKAGING bites"
    assert lines[start + 3] == "                                 NEED_BY: NEED_BY bites"
    assert lines[start + 4] == "    1 don't offer the process and material: N005"


def test_nodes_that_share_their_reasons_share_a_line() -> None:
    out = a_ruled_out_answer("N003", "Lyon", "PACKAGING")
    metal = a_ruled_out_answer("N006", "Ulm", "PROCESS_MATERIAL")
    more: list[Json] = [{"node_id": name, "city": "Ulm", "country": "DE"} for name in ("N004", "N005")]
    out["nodes"] = [*_nodes(out), *more]
    metal["nodes"] = [*_nodes(metal), {"node_id": "N007", "city": "Bern", "country": "CH"}]

    lines = printed(a_quote_answer() | {"ruled_out": [out, metal]}).splitlines()

    start = lines.index("  5 nodes are ruled out:")
    assert lines[start + 1] == "    N003 Lyon DE and 2 more      PACKAGING: PACKAGING bites"
    assert lines[start + 2] == "    2 don't offer the process and material: N006, N007"


def _nodes(group: JsonObject) -> list[Json]:
    nodes = group["nodes"]
    assert isinstance(nodes, list)
    return nodes


def test_of_many_nodes_that_are_out_eight_are_shown() -> None:
    out = [a_ruled_out_answer(f"N{number:03}", "Ulm", "CAPACITY") for number in range(10, 20)]

    page = printed(a_quote_answer() | {"ruled_out": list(out)})

    assert page.count("CAPACITY bites") == 8
    assert "and 2 more (--json shows all)" in page


def test_where_nothing_fits_it_says_what_would_have_to_be_different() -> None:
    change: JsonObject = {
        "node_id": "N002",
        "kind": "service_bureau",
        "city": "Kraków",
        "country": "PL",
        "code": "NEED_BY",
        "change": "it may arrive on 24 Jun",
        "figures": {},
        "machine_id": None,
        "landed": {"amount_minor": 1_330, "currency": "EUR"},
        "promised_at": "2026-06-24T16:00:00Z",
    }
    page = printed(a_quote_answer({7: []}, routable_if=[change]))

    assert "  7: no node can make it" in page.splitlines()
    assert "    N002 Kraków PL could at €13.30 by 24 Jun if it may arrive on 24 Jun" in page.splitlines()
    assert "accept it" not in page
    assert "landed" not in page


def test_it_tells_how_to_accept_while_the_quote_stands_and_what_became_of_it_then() -> None:
    other = an_offer_answer(labels=("fastest",), city="Kraków")
    quote = a_quote_answer({1: [an_offer_answer()], 10: [an_offer_answer(), other]})
    taken = quote | {"state": "accepted", "order_id": "ord_1", "accepted_offer": "fastest"}

    assert printed(quote).splitlines()[-1] == "  accept it: fabroute accept qte_1 --quantity 1 --offer cheapest"
    assert (
        printed(a_quote_answer()).splitlines()[-1] == "  accept it: fabroute accept qte_1 --quantity 1 --offer cheapest"
    )
    assert printed(taken).splitlines()[1] == "quote qte_1: fastest offer accepted by order ord_1"
    assert printed(quote | {"state": "expired"}).splitlines()[1] == "quote qte_1: expired 14 Jun 10:00 UTC"
    assert "accept it" not in printed(taken)


def test_words_in_brackets_are_shown_and_not_taken_for_colours() -> None:
    page = printed(a_quote_answer({1: [an_offer_answer(city="[red]Ulm")]}))

    assert "[red]Ulm" in page
    assert page.startswith("RL-0001")


@pytest.mark.parametrize(
    ("written", "city", "country"),
    [
        ("Berlin,DE", "Berlin", "DE"),
        (" São Paulo , br", "São Paulo", "BR"),
        ("Frankfurt, Oder,DE", "Frankfurt, Oder", "DE"),
    ],
)
def test_a_destination_is_written_as_city_and_country(written: str, city: str, country: str) -> None:
    assert place_of(written) == {"city": city, "country": country}
    assert place_of(written)["country"] == country


@pytest.mark.parametrize("written", ["Berlin", "Berlin,Germany", ",DE", ""])
def test_a_destination_that_is_unclear_says_how_it_is_written(written: str) -> None:
    with pytest.raises(PlaceUnclear, match="such as Berlin,DE") as refusal:
        place_of(written)
    assert refusal.value.status == 422


def test_the_order_that_accepts_a_quote_repeats_its_part_and_place() -> None:
    quote = a_quote_answer({1: [an_offer_answer()], 10: [an_offer_answer()]})

    body = order_body(quote, quantity=10, offer="fastest", reference="PO-7")

    assert body == {
        "quote_id": "qte_1",
        "quote_offer": "fastest",
        "ship_to": {"city": "Berlin", "country": "DE", "latitude": 52.5, "longitude": 13.4},
        "lines": [{"part": "RL-0001", "quantity": 10}],
        "reference": "PO-7",
    }
    with pytest.raises(QuantityUnclear, match="--quantity 1 or 10"):
        order_body(quote, quantity=None, offer="fastest")


def test_a_place_that_was_assumed_is_left_to_be_assumed_again() -> None:
    quote = a_quote_answer() | {"ship_to": {"city": "X", "country": "DE", "location_assumed": True, "latitude": 1.0}}

    body = order_body(quote, quantity=None, offer="cheapest")

    assert body["ship_to"] == {"city": "X", "country": "DE"}
    assert body["lines"] == [{"part": "RL-0001", "quantity": 1}]
    assert "reference" not in body


def test_a_quote_has_an_offer_if_one_of_its_quantities_has() -> None:
    assert has_offer(a_quote_answer({1: [], 10: [an_offer_answer()]}))
    assert not has_offer(a_quote_answer({1: [], 10: []}))


def test_a_price_in_yen_has_no_decimals_and_one_in_dinars_three() -> None:
    yen: dict[str, Json] = {"amount_minor": 9_775, "currency": "JPY"}
    dinar: dict[str, Json] = {"amount_minor": 9_775, "currency": "KWD"}

    in_yen = printed(a_quote_answer({1: [{**an_offer_answer(), "price": yen}]}) | {"currency": "JPY"})
    in_dinars = printed(a_quote_answer({1: [{**an_offer_answer(), "price": dinar}]}) | {"currency": "KWD"})

    assert " 9,775 " in line_with("Hamburg", in_yen)
    assert " 9.775 " in line_with("Hamburg", in_dinars)
