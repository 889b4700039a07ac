"""Policies, their costs, shadow runs and replays in the words of the command line."""

import io
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from fabroute.cli.policies import instant_text
from fabroute.cli.policy_story import costs_story, policy_story
from fabroute.cli.replay import EXIT_CODES, replay_sentence
from fabroute.cli.shadow_story import node_table, shadow_sentence, shadow_table


def euro(amount_minor: int) -> dict[str, object]:
    return {"amount_minor": amount_minor, "currency": "EUR"}


def a_policy(**changes: Any) -> dict[str, Any]:
    return {
        "version": 3,
        "weights": {},
        "caps": [],
        "minimum_shares": [],
        "consolidation_window_hours": 0,
        "stability": euro(200),
        "created_by": "key_1",
        "created_at": "2026-06-15T09:30:00Z",
    } | changes


def figures(**changes: Any) -> dict[str, Any]:
    return {
        "lines": 40,
        "unrouted": 0,
        "without_options": 35,
        "landed": euro(120_000),
        "co2e_g": 5_000,
        "late_lines": 2,
        "late_minutes": 90,
        "cost_millis": 120_500_000,
    } | changes


def a_shadow_run(**changes: Any) -> dict[str, Any]:
    total = {
        "as_was": figures(),
        "as_would_be": figures(landed=euro(151_200), co2e_g=4_100, unrouted=1),
        "moved": 12,
        "proven": True,
    }
    node = {"as_was_share": 0.8, "as_would_be_share": 0.4}
    return {
        "state": "done",
        "runs_done": 4,
        "runs_total": 4,
        "since": "2026-06-15T00:00:00Z",
        "until": "2026-06-22T00:00:00Z",
        "total": total,
        "nodes": [
            {"node_id": "N101", "as_was_lines": 32, "as_would_be_lines": 16} | node,
            {"node_id": "[red]", "as_was_lines": 8, "as_would_be_lines": 24} | node,
        ],
        "skipped": [],
    } | changes


def printed(table: Table) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    text = console.file
    assert isinstance(text, io.StringIO)
    return [" ".join(line.split()) for line in text.getvalue().splitlines()]


# ---------------------------------------------------------------- policies


def test_a_policy_is_told_rule_by_rule() -> None:
    story = policy_story(
        a_policy(
            caps=[
                {"node_id": None, "share": 0.4, "window_days": 30, "unit": "lines", "excess": None},
                {"node_id": "N101", "share": 0.125, "window_days": 1, "unit": "pieces", "excess": euro(150)},
            ],
            minimum_shares=[
                {
                    "node_id": None,
                    "kind": "in_house",
                    "share": 0.3,
                    "window_days": 90,
                    "unit": "lines",
                    "shortfall": euro(1_000),
                }
            ],
            weights={"balanced": {"per_hour": euro(150), "per_kg_co2e": euro(10), "per_late_hour": euro(300)}},
            consolidation_window_hours=24,
            share_builds=False,
        )
    )

    assert story.splitlines() == [
        "version 3, stated 2026-06-15 09:30 UTC",
        "  at most 40 % of the lines within 30 days at any single node: never exceeded",
        "  at most 12.5 % of the pieces within 1 day at N101: 1.50 EUR for each over it",
        "  at least 30 % of the lines within 90 days at in-house nodes: 10.00 EUR for each that is short of it",
        "  balanced: an hour is worth 1.50 EUR, a kilogram CO2e 0.10 EUR, an hour late 3.00 EUR",
        "  jobs may wait 24 h for others to share a build",
        "  no other owner's parts are made in one build with yours",
        "  an offered job moves for a saving of 2.00 EUR or more",
    ]


def test_a_policy_without_rules_is_the_usual_way() -> None:
    assert policy_story(a_policy()).splitlines()[1:] == [
        "  lines are routed the usual way",
        "  an offered job moves for a saving of 2.00 EUR or more",
    ]


def test_costs_are_told_in_sentences_with_what_is_not_proven() -> None:
    costs: dict[str, Any] = {
        "since": "2026-06-15T00:00:00Z",
        "until": "2026-06-22T08:30:00Z",
        "rules": [{"words": "the cap cost 312.00 EUR", "proven": True}, {"words": "the rest", "proven": False}],
    }

    assert costs_story(costs).splitlines() == [
        "2026-06-15 00:00 to 2026-06-22 08:30, joint runs beside the same without each rule, at the time of decision:",
        "  the cap cost 312.00 EUR",
        "  the rest (not proven)",
    ]
    assert costs_story(costs | {"rules": []}).endswith("no rule could bite in any joint run, none cost anything")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        (None, None),
        ("2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("2026-11-01T08:00:00+01:00", "2026-11-01T08:00:00+01:00"),
        ("yesterday", "yesterday"),  # the API says what is wrong with it
    ],
)
def test_a_day_is_its_first_instant(text: str | None, instant: str | None) -> None:
    assert instant_text(text) == instant
    assert instant_text(instant_text(text)) == instant


# ---------------------------------------------------------------- shadow runs


def test_a_shadow_run_compares_every_figure() -> None:
    assert printed(shadow_table(a_shadow_run()))[1:] == [
        "landed cost, of lines with a place both ways €1,200.00 €1,512.00 +€312.00",
        "with time, carbon, lines left out €1,205.00 €1,205.00 =",
        "CO2e of the same lines 5.00 kg 4.10 kg -0.90 kg",
        "late lines 2 2 =",
        "late by 1.5 h 1.5 h =",
        "without a place 0 1 +1",
        "that no node could make 35 35 =",
    ]


def test_nodes_stand_with_their_shares_the_most_changed_first() -> None:
    lines = printed(node_table(a_shadow_run()))

    assert lines[0] == "node lines would be share would be"
    assert lines[1:] == ["N101 32 16 80.0% 40.0%", "[red] 8 24 80.0% 40.0%"]


def test_a_sentence_says_how_much_was_looked_at_and_how_sure_it_is() -> None:
    assert shadow_sentence(a_shadow_run()) == (
        "4 of 4 runs from 2026-06-15 00:00 to 2026-06-22 00:00; 12 of 40 lines would have gone another way; proven best"
    )
    unsure = a_shadow_run(
        total=a_shadow_run()["total"] | {"proven": False},
        skipped=[{"run_id": "run_1", "reason": "its archive is gone"}],
    )
    assert shadow_sentence(unsure).endswith(
        "the best that was found in time; 1 runs left out, the first because its archive is gone"
    )
    assert shadow_sentence(a_shadow_run(total=None, state="failed")).endswith("; it could not be finished")


# ---------------------------------------------------------------- replays


def a_replay(outcome: str, **changes: Any) -> dict[str, Any]:
    place = {"node_id": "N101", "landed_minor": 5_997}
    return {
        "decision_id": "dec_1",
        "outcome": outcome,
        "reasons": [],
        "line": {"then": place, "now": place},
        "plan": {"lines": 3, "lines_that_differ": 0},
    } | changes


def test_a_replay_that_is_the_same_says_where_and_for_how_many_lines() -> None:
    assert replay_sentence(a_replay("same")) == (
        "dec_1 comes out the same: N101 at 59.97 EUR, and so do all 3 lines of its plan"
    )
    nowhere = {"node_id": None}
    assert (
        replay_sentence(a_replay("same", plan=None, line={"then": nowhere, "now": nowhere}))
        == "dec_1 comes out the same: without a place"
    )


def test_a_replay_that_differs_says_what_and_why() -> None:
    found = a_replay(
        "differs",
        line={"then": {"node_id": "N101", "landed_minor": 1}, "now": {"node_id": "N102", "landed_minor": 200}},
        plan={"lines": 3, "lines_that_differ": 2},
        reasons=[{"message": "ortools was 8.0, is 9.15"}],
    )

    assert replay_sentence(found) == (
        "dec_1 was N101 at 0.01 EUR, is N102 at 2.00 EUR; 2 of 3 lines differ: ortools was 8.0, is 9.15"
    )
    assert EXIT_CODES == {"same": 0, "differs": 3, "gone": 4}


def test_a_replay_without_an_archive_says_what_is_gone() -> None:
    gone = a_replay("gone", line=None, plan=None, reasons=[{"message": "run_1 has no archive"}])

    assert replay_sentence(gone) == "dec_1 can't be made again: run_1 has no archive"
    assert EXIT_CODES[str(gone["outcome"])] == 4
