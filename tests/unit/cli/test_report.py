from io import StringIO
from typing import cast

from rich.console import Console
from rich.table import Table

from fabroute.cli.client import JsonObject
from fabroute.cli.report import country_table, euro, line_reports, order_story, order_table, outcome_summary
from tests.factories.api_answers import NO_ROUTE_WHY, an_agreed_quote_answer, order_answer, routing_answer


def _printed(table: Table) -> list[str]:
    page = StringIO()
    Console(file=page, width=200).print(table)
    return [line.rstrip() for line in page.getvalue().splitlines()]


def test_a_line_report_reads_the_answer_whole() -> None:
    (line,) = line_reports([order_answer()])

    assert (line.reference, line.order_id, line.part, line.quantity) == ("po-1", "ord_po-1", "AP-0101", 2)
    assert (line.node, line.landed_minor, line.co2e_g) == ("N001 Hamburg", 1130, 1500)
    assert (line.candidates, line.excluded, line.lead_days) == (3, 57, 3.0)


def test_the_table_shows_where_for_how_much_by_when_and_why() -> None:
    header, routed, refused = _printed(order_table([order_answer(), order_answer(reference="po-2", state="no_route")]))

    assert header.split() == ["order", "part", "to", "wants", "node", "landed", "promised", "cand.", "excl.", "why"]
    assert routed.split("  ")[0] == "po-1"
    assert all(word in routed for word in ("2 × AP-0101", "Berlin DE", "N001 Hamburg", "€11.30", "18 Jun", "57"))
    assert all(word in refused for word in ("no route", "60", NO_ROUTE_WHY))
    assert "€" not in refused


def test_what_a_quote_agreed_on_stands_before_what_was_routed() -> None:
    answer = order_answer() | {"quote": an_agreed_quote_answer()}

    assert order_story(answer).splitlines()[2:4] == [
        "    agreed €146.36 by 17 Jun; made at N001 Hamburg for €11.30, arrives by 2026-06-18 17:00 UTC",
        "    the price stands, but arrival by 2026-06-17 is at risk: 2026-06-18 17:00 UTC is promised now",
    ]
    row = _printed(order_table([answer]))[1]
    assert ("€146.36" in row, "17 Jun" in row, "€11.30" in row, "18 Jun" in row) == (True, True, False, False)
    assert _printed(country_table(line_reports([answer])))[1].split()[4] == "€146.36"


def test_what_was_agreed_is_told_of_an_order_without_a_route_and_a_date_that_stands_needs_no_note() -> None:
    standing = an_agreed_quote_answer() | {"arrival_at_risk": False, "arrival_note": "arrival stands as agreed"}

    story = order_story(order_answer(state="no_route") | {"quote": standing})

    assert story.splitlines()[2] == "    agreed €146.36 by 17 Jun"
    assert "arrival stands" not in story


def test_words_in_brackets_are_shown_and_not_taken_for_colours() -> None:
    answer = order_answer(routing=routing_answer() | {"why": "Hamburg [red] wins"})

    assert "Hamburg [red] wins" in _printed(order_table([answer]))[1]
    assert "Hamburg [red] wins" in order_story(answer)


def test_a_reference_that_looks_like_markup_is_shown_as_it_is() -> None:
    answer = order_answer(reference="[/foo] Ventil [red]A2[/red]")

    assert _printed(order_table([answer]))[1].startswith("[/foo] Ventil [red]A2[/red]")
    assert _printed(order_table([answer], width=80))[0].startswith("[/foo] Ventil [red]A2[/red]  2 × AP-0101")


def test_in_a_narrow_terminal_the_sentence_stands_under_its_line() -> None:
    first, second = _printed(order_table([order_answer()], width=100))

    assert first == "po-1  2 × AP-0101  Berlin DE  cheapest  N001 Hamburg  €11.30  18 Jun"
    assert second == "    Hamburg: cheapest of 3"


def test_the_reason_for_a_place_is_past_once_the_order_is_cancelled() -> None:
    answer = order_answer() | {"state": "cancelled"}

    assert "    before it was cancelled: Hamburg: cheapest of 3" in order_story(answer).splitlines()
    assert order_story(answer).startswith("order ord_po-1: cancelled")


def test_an_order_beyond_its_crossover_is_told_and_one_below_it_is_not() -> None:
    beyond, below = order_answer(), order_answer()
    for answer, cheaper in ((beyond, "conventional"), (below, "print")):
        (line,) = cast("list[JsonObject]", answer["lines"])
        line["advice"] = {"cheaper": cheaper, "meaning": "800 pieces are beyond the crossover at 375.7"}

    assert "    told: 800 pieces are beyond the crossover at 375.7" in order_story(beyond).splitlines()
    assert order_story(below) == order_story(order_answer())


def test_the_summary_counts_outcomes_money_and_carbon() -> None:
    orders = [
        order_answer(),
        order_answer(reference="po-2", routing=routing_answer(node_id="N002", landed_minor=870)),
        order_answer(reference="po-3", state="no_route"),
        order_answer(reference="po-4", state="parked"),
    ]

    assert outcome_summary(line_reports(orders)) == [
        "2 of 4 order lines routed to 2 nodes",
        "  no route: 1 × BUILD_VOLUME",
        "  parked: 1",
        "landed cost €20.00, 3.0 kg CO2e, median lead time 3.0 days",
    ]


def test_a_summary_of_nothing_routed_has_no_averages() -> None:
    assert outcome_summary(line_reports([order_answer(state="no_route")])) == [
        "0 of 1 order lines routed to 0 nodes",
        "  no route: 1 × BUILD_VOLUME",
    ]
    assert outcome_summary([]) == ["0 of 0 order lines routed to 0 nodes"]


def test_countries_have_a_row_each_and_a_total() -> None:
    orders = [
        order_answer(),
        order_answer(reference="po-2", country="FR", routing=routing_answer(landed_minor=870)),
        order_answer(reference="po-3", country="FR", state="no_route"),
    ]

    rows = [row.split() for row in _printed(country_table(line_reports(orders)))]

    assert rows[1] == ["DE", "1", "1", "0", "€11.30", "€11.30", "3.0", "1.5", "1.50"]
    assert rows[2] == ["FR", "2", "1", "1", "€8.70", "€8.70", "3.0", "1.5", "1.50"]
    assert rows[3] == ["all", "3", "2", "1", "€20.00", "€10.00", "3.0", "3.0", "1.50"]


def test_the_story_of_an_order_says_what_to_read_next() -> None:
    assert order_story(order_answer()).splitlines() == [
        "order ord_po-1: routed",
        "  2 × AP-0101 to Berlin, DE (cheapest)",
        "    N001 Hamburg: €11.30 landed, arrives by 2026-06-18 17:00 UTC",
        "    why: Hamburg: cheapest of 3",
        "    3 nodes could, 57 are ruled out: fabroute order why ord_po-1",
    ]


def test_the_story_and_the_tables_say_that_a_job_is_held_and_what_to_do() -> None:
    held: JsonObject = {"job_state": "held", "held_reason": "CERTIFICATE_MISSING: has no ISO9001"}
    answer = order_answer(routing=routing_answer() | held)

    assert order_story(answer).splitlines()[2:5] == [
        "    N001 Hamburg: €11.30 landed, arrives by 2026-06-18 17:00 UTC",
        "    held: CERTIFICATE_MISSING: has no ISO9001; the promise does not stand until it is resumed "
        "(POST /v1/jobs/job_N001/resumption) or taken back (…/take-back)",
        "    why: Hamburg: cheapest of 3",
    ]
    assert _printed(order_table([answer]))[1].endswith("57  held: CERTIFICATE_MISSING: has no ISO9001")
    assert _printed(order_table([answer], width=80))[1] == "    held: CERTIFICATE_MISSING: has no ISO9001"


def test_an_undecided_order_says_so() -> None:
    answer = order_answer(state="pending")
    answer["lines"] = [{"part": "AP-0101", "quantity": 1, "state": "pending", "routing": None}]

    assert "    why: not decided yet" in order_story(answer).splitlines()
    assert line_reports([answer])[0].lead_days == 0.0


def test_amounts_are_written_with_thousands() -> None:
    assert euro(123456) == "€1,234.56"
    assert euro(0) == "€0.00"


def test_a_split_line_tells_each_of_its_shares() -> None:
    share: JsonObject = {
        "job_id": "job_1",
        "share_no": 0,
        "node_id": "A",
        "city": "Peine",
        "machine_id": "A-1",
        "quantity": 18,
        "price": {"amount_minor": 25_200, "currency": "EUR"},
        "produce_by": "2026-06-15",
        "promised_at": "2026-06-15T20:00:00Z",
        "state": "accepted",
        "held_reason": "",
    }
    other = share | {"share_no": 1, "node_id": "B", "city": "Uelzen", "machine_id": "B-1", "quantity": 6}
    split = order_answer(routing=routing_answer() | {"jobs": [share, other]})
    whole = order_answer(routing=routing_answer() | {"jobs": [share]})

    assert [line for line in order_story(split).splitlines() if " on " in line and "there by" in line] == [
        "      18 at A Peine on A-1, there by 2026-06-15 20:00, accepted",
        "      6 at B Uelzen on B-1, there by 2026-06-15 20:00, accepted",
    ]
    assert "there by" not in order_story(whole)
