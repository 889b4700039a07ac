"""How re-routes and timelines read at a terminal."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from fabroute.cli.client import JsonObject
from fabroute.cli.rerouting import reroutes_table, timeline_line

ROW: JsonObject = {
    "rerouted_at": "2026-06-15T09:30:00+00:00",
    "order_id": "ord_1",
    "node_id": "N101",
    "cause": "node_down",
    "detail": "the node is down: fire",
    "outcome": "late",
    "arrives_at": "2026-06-19T15:00:00+00:00",
}


def plain_text(table: Table) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_re_route_says_why_and_what_became_of_the_promise() -> None:
    text = plain_text(reroutes_table([ROW, {**ROW, "outcome": "", "arrives_at": None}]))

    assert "2026-06-15 09:30  ord_1  N101  node down  the node is down: fire  late, arrives 2026-06-19" in text
    assert text.rstrip().endswith("open")


def test_an_entry_of_a_timeline_is_one_line() -> None:
    entry: JsonObject = {
        "at": "2026-06-15T09:30:00+00:00",
        "what": "line.rerouted",
        "position": 1,
        "figures": {"node_id": "N101", "cause": "declined", "reroute_id": "rrt_1"},
    }

    assert timeline_line(entry) == "2026-06-15 09:30  line.rerouted line 1: cause declined, node_id N101"
    assert timeline_line({**entry, "position": None, "figures": {}}) == "2026-06-15 09:30  line.rerouted"
