"""Readiness and planning scopes in words and tables."""

from typing import Any

from rich.console import Console
from rich.table import Table

from fabroute.cli.readiness_story import entries_table, report_sentences, sources_table
from fabroute.cli.scopes import scopes_table


def a_report(**changes: Any) -> dict[str, Any]:
    """A report of two parts, one of them short."""
    return {
        "id": "rdy_2",
        "as_of": "2026-06-15T08:00:00Z",
        "parts": 2,
        "entries": 3,
        "counts": {"no_route": 1, "ends_soon": 0, "one_failure_away": 1, "ready": 1},
        "worsened": [],
        "improved": [],
        "sources": [],
        "asked": None,
        "failed_at": None,
    } | changes


def an_entry(**changes: Any) -> dict[str, Any]:
    """A part that one node can make."""
    return {
        "part": "RL-0001",
        "region": "north_america",
        "city": "Boston",
        "quantity": 3,
        "state": "one_failure_away",
        "nodes_now": 1,
        "nodes_later": 1,
        "cheapest_minor": 5_997,
        "only_node": "N101",
        "ends": [],
        "reasons": {"CERTIFICATE_MISSING": 2},
        "second_sources": [],
    } | changes


def a_source(**changes: Any) -> dict[str, Any]:
    return {
        "node_id": "N102",
        "city": "Lyon",
        "what": "Lyon proves EN45545",
        "parts": 2,
        "parts_without_route": 1,
        "landed_minor": 7_000,
        "extra_minor": 1_003,
    } | changes


def printed(table: Table) -> list[str]:
    """The lines of a table, without the spaces at their ends."""
    console = Console(width=200, record=True, color_system=None)
    with console.capture() as caught:
        console.print(table)
    return [line.rstrip() for line in caught.get().splitlines()]


def test_a_report_is_told_in_a_sentence_with_what_there_is() -> None:
    (sentence,) = report_sentences(a_report())
    empty = report_sentences(a_report(parts=0, entries=0, counts=dict.fromkeys(("no_route", "ready"), 0)))

    assert sentence == (
        "2 released parts, 3 with regions, on 2026-06-15 08:00: 1 no route, 1 one failure away, 1 ready"
    )
    assert empty == ["0 released parts, 0 with regions, on 2026-06-15 08:00: nothing to look at, release a part first"]


def test_changes_and_a_report_that_failed_are_told_too() -> None:
    change = {"part": "RL-0001", "region": "asia_pacific", "state_before": "ready", "state": "no_route"}
    told = report_sentences(
        a_report(worsened=[change] * 7, improved=[change | {"state": "ends_soon"}], failed_at="2026-06-16T01:00:00Z")
    )

    assert told[1].startswith("worsened since the report before: RL-0001 to asia pacific (ready → no route), RL-0001")
    assert told[1].endswith(" and 2 more")
    assert told[2] == "improved since the report before: RL-0001 to asia pacific (ready → ends soon)"
    assert told[3] == "the report that was asked for on 2026-06-16 01:00 could not be made"


def test_each_part_is_shown_with_why_and_what_would_help() -> None:
    ends = [{"node_id": "N103", "why": "ISO9001 ends 2026-07-01"}, {"node_id": "N104", "why": "no lot"}]
    lines = printed(
        entries_table(
            [
                an_entry(second_sources=[a_source()]),
                an_entry(state="no_route", nodes_now=0, cheapest_minor=None, only_node=None),
                an_entry(state="ends_soon", only_node=None, ends=ends, quantity=12),
            ]
        )
    )

    assert " ".join(lines[1].split()) == (
        "RL-0001 north america (Boston) 3 one failure away 1 1 €59.97 only N101; if Lyon proves EN45545: €70.00"
    )
    assert lines[2].endswith("2 × CERTIFICATE_MISSING")
    assert "no route" in lines[2]
    assert lines[3].endswith("N103 ends: ISO9001 ends 2026-07-01 and 1 more")


def test_the_reasons_of_the_nodes_that_come_closest_stand_first_and_what_most_do_not_do_last() -> None:
    reasons = {"PROCESS_MATERIAL": 39, "CERTIFICATE_MISSING": 19, "MATERIAL_SHORT": 1, "CAPACITY": 2}
    of_tokyo = an_entry(state="no_route", nodes_now=0, only_node=None, reasons=reasons, binding=["MATERIAL_SHORT"])
    few = an_entry(state="no_route", nodes_now=0, only_node=None, reasons={"PROCESS_MATERIAL": 4, "CAPACITY": 1})
    lines = printed(entries_table([of_tokyo, few]))

    assert lines[1].endswith("1 × MATERIAL_SHORT, 19 × CERTIFICATE_MISSING, 2 × CAPACITY")
    assert lines[2].endswith("1 × CAPACITY, 4 × PROCESS_MATERIAL")


def test_what_would_help_is_shown_with_what_it_costs_or_saves() -> None:
    lines = printed(sources_table([a_source(), a_source(parts=1, extra_minor=-50), a_source(extra_minor=None)]))

    assert [line.split()[-1] for line in lines[1:]] == ["€10.03", "less", "now"]
    assert lines[1].split()[:6] == ["1", "Lyon", "proves", "EN45545", "N102", "Lyon"]
    assert "1 part " in lines[2]
    assert "€0.50 less" in lines[2]


def test_scopes_are_shown_with_what_waits_and_who_decides() -> None:
    scope: dict[str, Any] = {
        "name": "metal/europe",
        "waiting": 4,
        "oldest_at": "2026-06-15T08:00:00Z",
        "holder": "host:7",
        "last_run_at": None,
        "last_routed": None,
        "last_no_route": None,
        "last_deferred": None,
    }
    lines = printed(
        scopes_table([scope, scope | {"name": "metal/rest", "holder": None, "last_routed": 3, "last_deferred": 0}])
    )

    assert lines[1].split() == ["metal/europe", "4", "2026-06-15", "08:00", "host:7"]
    assert lines[2].split() == ["metal/rest", "4", "2026-06-15", "08:00", "3", "0"]
