"""Lots, recalls and scores in words and tables."""

from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from fabroute.cli.app import app
from fabroute.cli.lot_story import lots_table, recall_sentences, recalled_table, scores_table


def a_lot(**changes: Any) -> dict[str, Any]:
    return {
        "id": "lot_1",
        "supplier_lot": "L-2291",
        "material": "PA12-MJF",
        "remaining_grams": 9_300,
        "reserved_grams": 100,
        "used_grams": 600,
        "runway_days": 43.4,
        "days_left": 120,
        "state": "available",
        "state_reason": "",
    } | changes


def a_recall(**changes: Any) -> dict[str, Any]:
    job = {
        "job_id": "job_1",
        "organisation_id": "org_1",
        "node_id": "N1",
        "order_id": "ord_1",
        "part_no": "RL-1",
        "quantity": 2,
        "prints": [{"serial": "SN-1"}, {"serial": ""}],
        "state": "shipped",
        "outcome": "shipped",
    }
    return {
        "id": "rcl_1",
        "reason": "contaminated",
        "dry_run": False,
        "repeated": False,
        "lots": [{"id": "lot_1", "node_id": "N1"}],
        "owners": [{"id": "org_1", "shipped_parts": 2}, {"id": "org_2", "shipped_parts": 0}],
        "jobs": [job, job | {"job_id": "job_2", "outcome": "rerouted", "prints": []}],
    } | changes


def figures(process: str | None, **changes: Any) -> dict[str, Any]:
    rate = {"so": 19, "counted": 20, "share": 0.95, "low": 0.7639, "high": 0.9911}
    none = {"so": 0, "counted": 0, "share": None, "low": None, "high": None}
    return {
        "process": process,
        "on_time": rate,
        "first_pass_yield": none,
        "answer_time": {"answered": 3, "median_seconds": 42.0, "p90_seconds": 9_000.0},
        "lapses": none,
        "declines": {"capacity": 2},
    } | changes


def printed(table: Table) -> list[str]:
    """The lines of a table, with one space between words."""
    console = Console(width=250, record=True, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def test_a_lot_is_one_row() -> None:
    lines = printed(
        lots_table([a_lot(), a_lot(runway_days=None, supplier_lot="", state="blocked", state_reason="wet")])
    )

    assert lines[0] == "lot maker's lot material remaining g reserved g used g runway d days left state"
    assert lines[1] == "lot_1 L-2291 PA12-MJF 9,300 100 600 43.4 120 available"
    assert lines[2] == "lot_1 – PA12-MJF 9,300 100 600 – 120 blocked: wet"


def test_a_recall_says_what_it_touches() -> None:
    assert recall_sentences(a_recall()) == [
        "recall rcl_1: contaminated",
        "lots: lot_1 at N1",
        "jobs: 1 rerouted, 1 shipped",
        "org_1 has 2 shipped parts of it",
    ]
    assert recall_sentences(a_recall(repeated=True))[0].endswith("(it was recalled before; nothing was done now)")


def test_a_dry_run_says_that_nothing_was_done() -> None:
    sentences = recall_sentences(a_recall(id=None, dry_run=True, jobs=[], lots=[]))

    assert sentences[:2] == ["lots: none of yours", "jobs: none"]
    assert sentences[-1].startswith("nothing was done: --yes blocks the lots")


def test_recalled_jobs_are_listed_with_their_serials() -> None:
    lines = printed(recalled_table(a_recall()))

    assert lines[1] == "job_1 org_1 N1 ord_1 RL-1 2 SN-1 shipped shipped"
    assert lines[2] == "job_2 org_1 N1 ord_1 RL-1 2 shipped rerouted"


def test_scores_show_counts_and_how_sure_they_are() -> None:
    scores: dict[str, Any] = {"by_process": [figures("MJF")], "overall": figures(None, declines={})}
    lines = printed(scores_table(scores))

    assert lines[1] == "MJF 95% (19 of 20; 76% to 99%) – 3 42 s 2.5 h – 2 capacity"
    assert lines[2] == "all 95% (19 of 20; 76% to 99%) – 3 42 s 2.5 h – –"


@pytest.mark.parametrize("command", ["lots", "recall", "scores"])
def test_the_commands_say_what_they_take(command: str) -> None:
    answer = CliRunner().invoke(app, [command, "--help"])

    assert answer.exit_code == 0
    assert "--json" in answer.output


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({"runway_days": 49_084.0}, ("> 10 years", "120", "available")),
        ({"days_left": -1}, ("43.4", "-1", "expired")),
        ({"days_left": 0, "runway_days": None}, ("–", "0", "available")),
        ({"days_left": -1, "state": "blocked", "state_reason": "recalled"}, ("43.4", "-1", "blocked: recalled")),
    ],
)
def test_a_lot_s_days_end_at_ten_years_and_an_expired_one_is_not_available(
    changes: dict[str, Any], cells: tuple[str, ...]
) -> None:
    table = lots_table([a_lot(**changes)])

    assert tuple(next(iter(column.cells)) for column in table.columns[-3:]) == cells
    assert [column.header for column in table.columns[-3:]] == ["runway d", "days left", "state"]
