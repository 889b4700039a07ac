"""Builds as a person at a bureau reads them."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from fabroute.cli.build_story import build_sentence, builds_table, plan_table, shares_table
from fabroute.cli.builds import NotAPart, parts_of


def lines_of(table: Table) -> list[str]:
    """Return what a table shows, without the spaces between columns."""
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def a_build(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "id": "bld_1",
        "state": "closed",
        "machine_id": "N101-A",
        "material": "ASA",
        "lot_id": "lot_1",
        "planned_minutes": 443,
        "machine_minutes": 460,
        "grams_used": 470,
        "started_at": "2026-06-17T08:00:00Z",
        "cost": {"amount_minor": 7_867, "currency": "EUR"},
        "jobs": [
            {"job_id": "job_1", "part": "FU-0001", "parts": 21, "share": 0.75, "grams": 353, "cost": euro(5_900)},
            {"job_id": "job_2", "part": "FU-0002", "parts": 7, "share": 0.25, "grams": 117, "cost": euro(1_967)},
        ],
    }
    return usual | changes


def euro(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "EUR"}


def a_proposal(*, late: bool = False, first: bool = False) -> dict[str, Any]:
    return {
        "machine_id": "N101-A",
        "material": "ASA",
        "parts": 4,
        "fill": 0.142857,
        "planned_minutes": 285,
        "produce_by": "2026-06-19",
        "ready_at": "2026-06-17T12:45:00Z",
        "jobs": [{"job_id": "job_1", "parts": 4, "late": late, "first_article": first}],
    }


def test_a_plan_is_a_row_for_each_build_and_says_what_is_late() -> None:
    assert lines_of(plan_table([a_proposal(), a_proposal(late=True), a_proposal(first=True)]))[1:] == [
        "1 N101-A ASA 4 1 14% 285 2026-06-19 2026-06-17 12:45",
        "2 N101-A ASA 4 1 14% 285 2026-06-19 2026-06-17 12:45 job_1 is late",
        "3 N101-A ASA 4 1 14% 285 2026-06-19 2026-06-17 12:45 first article",
    ]


def test_builds_are_told_with_real_minutes_once_they_are_known() -> None:
    open_one = a_build(id="bld_2", state="planned", machine_minutes=None, cost=None)

    assert lines_of(builds_table([a_build(), open_one]))[1:] == [
        "bld_1 closed N101-A ASA 28 2 460 €78.67",
        "bld_2 planned N101-A ASA 28 2 443",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "planned"}, "planned, 443 minutes planned"),
        ({"state": "running"}, "runs since 2026-06-17 08:00 UTC, 443 minutes planned"),
        ({}, "took 460 minutes (443 planned) and 470 g, cost €78.67"),
    ],
)
def test_where_a_build_stands_is_one_sentence(changes: dict[str, Any], words: str) -> None:
    assert build_sentence(a_build(**changes)) == f"bld_1 on N101-A, ASA of lot lot_1: {words}"


def test_each_job_is_told_what_it_bears() -> None:
    assert lines_of(shares_table(a_build()))[1:] == [
        "job_1 FU-0001 21 75.0% 353 €59.00",
        "job_2 FU-0002 7 25.0% 117 €19.67",
    ]


def test_jobs_are_named_with_their_parts() -> None:
    assert parts_of(["job_1=12", "job_2=1"]) == [{"job_id": "job_1", "parts": 12}, {"job_id": "job_2", "parts": 1}]
    for wrong in ("job_1", "=3", "job_1=some", "job_1=-2"):
        with pytest.raises(NotAPart, match="write it as job_…=12"):
            parts_of([wrong])
