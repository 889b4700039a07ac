"""From a snapshot to verdicts: jointly, provably, the same every time, and explained."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided, PlanRefused, verified
from fabroute.routing.service.documents import decision_document, why
from fabroute.routing.service.problem import MachineDays, joint_problem
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import PlanStatus, RoutingPlan
from tests.factories.routing import a_lot_view, a_node_view
from tests.factories.snapshots import a_line, a_printer, a_revision_view, a_snapshot, june

LIMITS = SolveLimits(seed=7, deterministic_seconds=5.0, wall_seconds=20.0)
NEAR = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0, margin=0.1)
FAR = a_node_view(node_id="N2", city="Göttingen", latitude=51.5, longitude=10.0, margin=0.2)
DOWN = a_node_view(node_id="N3", city="Kassel", latitude=51.3, longitude=9.5, status="down")


MADE_APART = replace(a_revision_view(), sector="medical")
"""Shares no build with parts of other owners."""


def of_its_own_owner(line: ClaimedLine) -> ClaimedLine:
    return replace(line, organisation_id=f"org_{line.line_id}")


def outcome(decided: Decided) -> dict[str, str | None]:
    """The chosen city of each line."""
    return {
        verdict.choices.line.line_id: None if verdict.chosen is None else verdict.chosen.way.node.city
        for verdict in decided.verdicts
    }


def test_a_line_goes_to_the_cheapest_node_that_can() -> None:
    decided = decide(a_snapshot(nodes=(NEAR, FAR, DOWN)), LIMITS)

    assert outcome(decided) == {"line_1": "Hannover"}
    assert decided.plan.status is PlanStatus.OPTIMAL
    assert decided.plan.gap == 0.0
    assert decided.days == {"line_1": (MachineDays(machine_id="N1-A", minutes_by_day=((june(15).date(), 339),)),)}


def test_lines_are_decided_jointly_where_time_is_scarce() -> None:
    """One machine has room for one line before the need-by: it goes to the line for which the other node is dearest."""
    minutes = {"N1-A": (400,) + (0,) * 13, "N2-A": (720,) * 14}
    small = of_its_own_owner(a_line(line_id="line_small", quantity=1, need_by=june(17, 17)))
    large = of_its_own_owner(a_line(line_id="line_large", quantity=2, need_by=june(17, 17)))

    decided = decide(a_snapshot(small, large, nodes=(NEAR, FAR), free_minutes=minutes, revisions=(MADE_APART,)), LIMITS)

    assert outcome(decided) == {"line_small": "Göttingen", "line_large": "Hannover"}
    assert {line: option.way.node.city for line, option in decided.baseline.items()} == {
        "line_small": "Hannover",
        "line_large": "Göttingen",
    }
    assert decided.plan.cost < sum(option.cost_millis for option in decided.baseline.values())


def test_the_sentence_says_what_others_took() -> None:
    minutes = {"N1-A": (400,) + (0,) * 13, "N2-A": (720,) * 14}
    lines = [of_its_own_owner(a_line(line_id=f"line_{n}", quantity=n, need_by=june(17, 17))) for n in (1, 2)]
    decided = decide(a_snapshot(*lines, nodes=(NEAR, FAR, DOWN), free_minutes=minutes, revisions=(MADE_APART,)), LIMITS)

    first, second = (why(verdict, decided.calendars) for verdict in decided.verdicts)
    assert first.startswith("Göttingen: ")
    assert first.endswith("gain more; without the need-by 1.99 EUR less, but 48 h later; 1 node ruled out by NODE_DOWN")
    assert second.startswith("Hannover: ")
    assert second.endswith("; 1 node ruled out by NODE_DOWN")


def test_a_line_that_lost_everything_is_told_what_was_left() -> None:
    lot = a_lot_view(lot_id="lot_1", node_id="N1", material="PLA", grams=60)
    lines = [a_line(line_id=f"line_{n}", objective="cheapest") for n in (1, 2)]
    decided = decide(a_snapshot(*lines, nodes=(NEAR, DOWN), lots=(lot,)), LIMITS)

    lost = next(verdict for verdict in decided.verdicts if verdict.chosen is None)
    assert sorted(outcome(decided).values(), key=str) == ["Hannover", None]
    assert [exclusion.node.node_id for exclusion in lost.exclusions] == ["N1", "N3"]
    assert lost.exclusions[0].reasons[0].message == "needs 58 g of lot lot_1; orders that gain more leave 2 g"
    assert why(lost, decided.calendars).startswith("Hannover at 90.66 EUR was taken by other orders; 2 nodes ruled out")


def test_without_any_candidate_nothing_is_solved_and_everything_is_explained() -> None:
    decided = decide(a_snapshot(a_line(packaging="brand"), nodes=(NEAR, DOWN)), LIMITS)

    assert outcome(decided) == {"line_1": None}
    assert decided.options == 0
    assert why(decided.verdicts[0], decided.calendars) == (
        "none of the 2 nodes can make it; the nearest (1) fail by PACKAGING"
    )


def test_the_same_snapshot_and_seed_give_the_same_plan() -> None:
    lines = [a_line(line_id=f"line_{n}", quantity=1 + n % 4, need_by=june(19 + n % 3, 18)) for n in range(12)]
    nodes = tuple(replace(FAR, node_id=f"N{n}", margin=0.05 * n) for n in range(4))
    snapshot = a_snapshot(*lines, nodes=nodes, free_minutes={f"N{n}-A": (150,) * 14 for n in range(4)})

    first, second = decide(snapshot, LIMITS), decide(snapshot, LIMITS)
    assert first.plan.chosen == second.plan.chosen
    assert outcome(first) == outcome(second)
    assert first.snapshot_sha256 == second.snapshot_sha256 == snapshot.sha256()


def routed(decided: Decided) -> list[str]:
    return [line_id for line_id, city in outcome(decided).items() if city is not None]


def test_with_next_to_no_time_there_is_a_plan_all_the_same() -> None:
    lines = [a_line(line_id=f"line_{n}", quantity=1 + n % 4, need_by=june(17 + n % 5, 18)) for n in range(20)]
    nodes = tuple(replace(FAR, node_id=f"N{n}", margin=0.05 * n) for n in range(5))
    snapshot = a_snapshot(*lines, nodes=nodes, free_minutes={f"N{n}-A": (125,) * 14 for n in range(5)})

    hasty = decide(snapshot, SolveLimits(seed=1, deterministic_seconds=0.001, wall_seconds=0.001))
    thorough = decide(snapshot, LIMITS)
    assert len(hasty.verdicts) == 20
    assert len(routed(hasty)) >= 0.8 * len(routed(thorough)) > 0
    assert thorough.plan.bound <= hasty.plan.cost
    assert thorough.plan.cost <= hasty.plan.cost


def test_a_plan_that_breaks_a_rule_is_refused() -> None:
    finder = CandidateFinder(a_snapshot())
    problem = joint_problem(finder.choices(), supply=finder.supply(), buckets=14).problem
    broken = RoutingPlan(
        chosen=(10_000,),
        cost=1,
        bound=0,
        engine="test",
        status=PlanStatus.OPTIMAL,
        seed=0,
        wall_ms=0,
    )

    with pytest.raises(PlanRefused) as refusal:
        verified(problem, broken)
    assert "option_of_its_line" in refusal.value.message
    assert (refusal.value.code, refusal.value.status) == ("plan_refused", 500)


# ---------------------------------------------------------------- the document


def document(decided: Decided, index: int = 0) -> dict[str, Any]:
    """A decision as it is stored: through JSON."""
    verdict = decided.verdicts[index]
    made = decision_document(
        verdict,
        sentence=why(verdict, decided.calendars),
        solver={"run_id": "run_1", **decided.solver_facts},
        calendars=decided.calendars,
    )
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def test_a_decision_holds_what_was_chosen_with_its_breakdown() -> None:
    made = document(decide(a_snapshot(nodes=(NEAR, FAR, DOWN)), LIMITS))

    chosen = made["chosen"]
    assert chosen["node_id"] == "N1"
    assert chosen["promised_at"] == "2026-06-19T16:00:00+00:00"
    assert chosen["produce_by"] == "2026-06-15"
    assert chosen["hours"] == 104.0
    assert chosen["landed_minor"] == sum(row["amount_minor"] for row in chosen["breakdown"]) == 9_066
    assert (chosen["lot_id"], chosen["machine_minutes"], chosen["grams"]) == ("lot_N1", 339, 58)


def test_a_decision_holds_alternatives_with_their_differences() -> None:
    made = document(decide(a_snapshot(nodes=(NEAR, FAR)), LIMITS))

    alternatives = {it["label"]: it for it in made["alternatives"]}
    assert set(alternatives) == {"fastest", "next_best"}
    # Express: 9.97 instead of 7.98, two days sooner; the other lorry makes less than a gram.
    assert alternatives["fastest"]["difference"] == {"landed_minor": 199, "hours": -48.0, "co2e_g": 0}
    assert alternatives["next_best"]["candidate"]["city"] == "Göttingen"
    assert alternatives["next_best"]["difference"]["landed_minor"] == 751  # a tenth of 7516.20
    assert made["reasons"] == {}


def test_a_decision_holds_the_best_of_every_node_and_every_exclusion() -> None:
    small = replace(a_printer(node_id="N4").model, x_mm=30, y_mm=30, z_mm=30)
    tiny = replace(NEAR, node_id="N4", city="Celle")
    offers = (*(a_printer(node_id=n) for n in ("N1", "N2", "N3")), a_printer(node_id="N4", model=small))
    made = document(decide(a_snapshot(nodes=(NEAR, FAR, DOWN, tiny), offers=offers), LIMITS))

    assert [it["node_id"] for it in made["candidates"]] == ["N1", "N2"]
    assert made["reasons"] == {"BUILD_VOLUME": 1, "NODE_DOWN": 1}
    exclusions = made["exclusions"]
    assert [(it["node_id"], it["city"]) for it in exclusions] == [("N3", "Kassel"), ("N4", "Celle")]
    assert exclusions[1]["reasons"][0]["machine_id"] == "N4-A"
    assert exclusions[1]["reasons"][0]["figures"]["needs_mm"] == 50


def test_a_decision_says_which_run_proved_what() -> None:
    made = document(decide(a_snapshot(), LIMITS))

    solver = made["solver"]
    assert (solver["run_id"], solver["seed"], solver["lines"], solver["multiplier"]) == ("run_1", 7, 1, 2.5)
    assert solver["cost_millis"] == solver["bound_millis"] == 10_193_104
    assert (solver["status"], solver["gap"]) == ("optimal", 0.0)
    assert len(str(solver["snapshot_sha256"])) == 64


def test_a_decision_without_a_place_has_no_alternatives() -> None:
    made = document(decide(a_snapshot(a_line(packaging="brand")), LIMITS))

    assert made["chosen"] is None
    assert made["alternatives"] == []
    assert made["reasons"] == {"PACKAGING": 1}
    assert made["why"] == "the only node can't make it: PACKAGING"
