"""What was supposed and what would have been, in words and figures."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fabroute.console.pages.decisions.list import DecisionsQuery
from fabroute.console.pages.decisions.what_if import Names, supposed_words, what_if_run
from fabroute.console.views.what_if import weighing
from fabroute.routing.rules.objectives import WEIGHTS, ObjectiveWeights
from fabroute.routing.service.policies import PolicyView, ShareCap, document_of
from fabroute.routing.service.shadow_lines import ComparedLine, LineFigures
from fabroute.routing.service.shadow_runs import ShadowRunView
from tests.factories.order_pages import FMT

NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)


def a_request(**supposed: object) -> dict[str, Any]:
    usual: dict[str, object] = {"policy": None, "without_nodes": [], "capacity_factor": {}}
    return {"since": "2026-06-08T08:00:00+00:00", "until": "2026-06-15T08:00:00+00:00", **usual, **supposed}


def figures(**changes: int) -> dict[str, int]:
    usual = {
        "lines": 10,
        "unrouted": 0,
        "landed_minor": 40_000,
        "co2e_g": 9_000,
        "late_lines": 1,
        "late_minutes": 0,
        "delivery_minutes": 43_200,
    }
    return {**usual, **changes}


def a_run(was: Mapping[str, int], would_be: Mapping[str, int], *, moved: int, state: str = "done") -> ShadowRunView:
    total = {"as_was": was, "as_would_be": would_be, "moved": moved, "proven": True}
    nodes = [{"node_id": "N101", "as_was_lines": 10, "as_would_be_lines": 6}]
    runs = [{**total, "run_id": "run_1", "at": NOW.isoformat()}]
    return ShadowRunView(
        id="shd_1",
        state=state,
        request=a_request(without_nodes=["N102"]),
        report={"total": total, "nodes": nodes, "runs": runs, "skipped": [{"run_id": "run_2", "reason": "too old"}]},
        runs_done=1,
        runs_total=2,
        created_by="key_1",
        created_at=NOW,
        finished_at=None,
    )


def test_what_an_objective_holds_for_worth_more_already_stays() -> None:
    usual = PolicyView()
    green, quick = weighing(usual, 50, "carbon"), weighing(usual, 100, "hour")

    assert {it: green.weights_for(it).millis_per_co2e_gram for it in WEIGHTS} == {
        it: max(50, usual.weights_for(it).millis_per_co2e_gram) for it in WEIGHTS
    }
    assert green.weights_for("greenest") == usual.weights_for("greenest")
    assert green.weights_for("cheapest").millis_per_co2e_gram == 50
    assert quick.weights_for("fastest") == usual.weights_for("fastest")
    assert quick.weights_for("cheapest").millis_per_hour == 100_000


def test_what_is_supposed_is_one_sentence() -> None:
    capped = PolicyView(organisation_id="org_1", caps=(ShareCap(node_id=None, share=0.4),))
    worth = ObjectiveWeights(millis_per_hour=100_000, millis_per_co2e_gram=50, millis_per_late_hour=0)
    weighed = PolicyView(organisation_id="org_1", weights=dict.fromkeys(WEIGHTS, worth))

    assert [
        supposed_words(a_request(**supposed), FMT)
        for supposed in (
            {"policy": document_of(capped)},
            {"policy": document_of(weighed)},
            {"policy": document_of(PolicyView())},
            {"without_nodes": ["N101"], "capacity_factor": {"N102": 2.0}},
        )
    ] == [
        "No more than 40% of lines at any one node.",
        "An hour is worth €1.00, a kilogram of CO₂e €0.50.",
        "The usual way, without any rule.",
        "Without N101, N102 with 200% of its time.",
    ]


def test_differences_have_signs_and_what_they_are_between() -> None:
    found = what_if_run(
        a_run(
            figures(),
            figures(landed_minor=39_000, co2e_g=10_500, late_lines=2, late_minutes=2_160, delivery_minutes=50_400),
            moved=4,
        ),
        FMT,
    )

    assert [(it.label, it.words) for it in found.differences] == [
        ("Money", "−€10.00"),
        ("Delivery days", "+0.5"),
        ("Days late", "+1.5"),
        ("CO₂e", "+1.5\N{NO-BREAK SPACE}kg"),
        ("Lines elsewhere", "4"),
        ("Without a place", "±0"),
    ]
    assert found.differences[0].detail == "€400.00 as it was, €390.00 as it would be"
    assert found.differences[1].detail == "3 a line as it was, 3.5 as it would be"
    assert found.verdict == "4\N{NO-BREAK SPACE}lines elsewhere, €10.00 less, 1.5\N{NO-BREAK SPACE}kg CO₂e more."
    assert (found.skipped, found.runs[0].moved, found.runs_left_out) == ((("too old", 1),), 4, 0)
    assert [(node.node_id, node.was, node.would_be) for node in found.nodes] == [("N101", 10, 6)]


def test_the_same_plan_says_so_in_one_sentence() -> None:
    assert what_if_run(a_run(figures(), figures(), moved=0), FMT).verdict == "Nothing would have been different."


def test_a_question_on_its_way_is_not_over() -> None:
    assert [
        what_if_run(a_run(figures(), figures(), moved=0, state=state), FMT).is_over
        for state in ("waiting", "running", "done", "failed")
    ] == [False, False, True, True]


def a_line(*, would_be: LineFigures | None) -> ComparedLine:
    was = LineFigures(node_ids=("N101",), landed_minor=4_000, minutes=4_320, co2e_g=900)
    return ComparedLine(
        line_id="line_1", order_id="ord_1", revision_id="rev_1", quantity=2, at=NOW, as_was=was, as_would_be=would_be
    )


def test_each_line_that_goes_elsewhere_is_told_with_what_it_costs_and_when_it_comes() -> None:
    elsewhere = LineFigures(node_ids=("N102", "N103"), landed_minor=4_300, minutes=5_760, co2e_g=650)
    lines = (a_line(would_be=elsewhere), a_line(would_be=None))
    names = Names(cities={"N101": "Berlin", "N102": "Lyon"})

    found = what_if_run(a_run(figures(), figures(), moved=5), FMT, lines=lines, names=names)

    first, second = found.lines
    assert (first.path, first.name, first.was, first.would_be) == (
        "/console/orders/ord_1", "ord_1", "Berlin", "Lyon + N103",
    )  # fmt: skip
    assert (first.money, first.days, first.carbon) == ("+€3.00", "+1\N{NO-BREAK SPACE}d", "−250\N{NO-BREAK SPACE}g")
    assert (first.prices, first.arrivals) == ("€40.00 → €43.00", "18 Jun 2026 → 19 Jun 2026")
    assert (second.would_be, second.money, second.prices, second.arrivals) == (
        "no place", "", "€40.00 → –", "18 Jun 2026 → –",
    )  # fmt: skip
    assert found.lines_left_out == 3


def test_the_list_of_decisions_leaves_the_usual_out_of_its_path() -> None:
    assert DecisionsQuery().path == "/console/decisions"
    assert DecisionsQuery(days=30, code="NODE_DOWN", text="PO 7").path == (
        "/console/decisions?days=30&code=NODE_DOWN&text=PO+7"
    )
