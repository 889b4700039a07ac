"""What would change a decision: the told amount is enough, and one less is not."""

from dataclasses import replace

import pytest

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.documents import Verdict, decision_document, nearest_fix, why
from fabroute.routing.service.explaining.changes import Margin, NodeChange
from fabroute.routing.service.explaining.conflicts import Relaxation
from fabroute.routing.service.explaining.demands import OF, kinds_against
from fabroute.routing.service.explaining.explain import Explanation
from fabroute.routing.service.explaining.paper import nearest_in_short
from fabroute.routing.service.sentences import binding_code
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import ExclusionCode
from fabroute.solver.limits import SolveLimits
from tests.factories.explanations import OBJECTIVES
from tests.factories.routing import a_lot_view, a_node_view
from tests.factories.snapshots import a_certificate, a_line, a_revision_view, a_snapshot, june

LIMITS = SolveLimits(seed=1, deterministic_seconds=1.0, wall_seconds=20.0)
NEAR = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0, margin=0.1)
FAR = a_node_view(node_id="N2", city="Göttingen", latitude=51.5, longitude=10.0, margin=0.2)


def explained(snapshot: RoutingSnapshot) -> tuple[Verdict, Explanation]:
    (verdict,) = decide(snapshot, LIMITS).verdicts
    assert verdict.explanation is not None
    return verdict, verdict.explanation


def change_at(snapshot: RoutingSnapshot, node_id: str) -> NodeChange:
    _, explanation = explained(snapshot)
    (found,) = [change for change in explanation.changes if change.node.node_id == node_id]
    return found


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_dearer_node_is_told_the_least_amounts_by_which_it_wins(objective: str) -> None:
    snapshot = a_snapshot(a_line(objective=objective), nodes=(NEAR, FAR))
    verdict, _ = explained(snapshot)
    change = change_at(snapshot, "N2")

    assert verdict.chosen is not None
    assert change.place is not None
    assert (change.steps, change.binding, change.wins) == ((), None, False)
    finder = CandidateFinder(snapshot)
    finder.choices()
    wish = finder.chances("line_1").wish
    price, minutes, best = change.place.chance.sending.price, change.place.minutes, verdict.chosen.cost_millis
    margin = change.margin or Margin(cheaper_by_minor=None, sooner_by_minutes=None, lighter_by_g=None)
    assert margin.cheaper_by_minor is not None
    less = [replace(price, production_minor=price.production_minor - margin.cheaper_by_minor + one) for one in (0, 1)]
    assert [wish.cost_millis(each, minutes) < best for each in less] == [True, False]
    if margin.sooner_by_minutes is not None:
        sooner = [minutes - margin.sooner_by_minutes + one for one in (0, 1)]
        assert [wish.cost_millis(price, each) < best for each in sooner] == [True, False]
    if margin.lighter_by_g is not None:
        lighter = [replace(price, co2e_g=price.co2e_g - margin.lighter_by_g + one) for one in (0, 1)]
        assert [wish.cost_millis(each, minutes) < best for each in lighter] == [True, False]


def test_missing_grams_are_told_and_are_enough() -> None:
    lots = (a_lot_view(lot_id="lot_1", node_id="N1", material="PLA", grams=50),)
    (step,) = change_at(a_snapshot(nodes=(NEAR,), lots=lots), "N1").steps

    assert step.words == "8 g more of PLA in one lot"
    assert dict(step.figures) == {"needed_grams": 58, "has_grams": 50, "more_grams": 8, "material": "PLA"}
    more = (replace(lots[0], remaining_grams=58),)
    assert explained(a_snapshot(nodes=(NEAR,), lots=more))[0].chosen is not None


def test_a_blocked_lot_and_a_closed_node_are_steps_of_their_own() -> None:
    lots = (a_lot_view(lot_id="lot_1", node_id="N1", material="PLA", state="quarantined"),)
    change = change_at(a_snapshot(nodes=(replace(NEAR, status="down"),), lots=lots), "N1")

    assert [step.words for step in change.steps] == [
        "what is down is up again",
        "lot lot_1 may be used: it is quarantined",
    ]
    assert (change.binding and change.binding.kind, change.wins) == ("available", True)


def test_a_queue_is_told_as_days_where_the_order_has_a_date_and_as_minutes_where_only_the_machine_helps() -> None:
    line = a_line(need_by=june(17, 17))
    queue = {"N1-A": (100, 0, 0, 0, 720, 0, 0, 0, 720, 720, 0, 0, 0, 0)}
    never = {"N1-A": (100,) + (0,) * 13}
    (later,) = change_at(a_snapshot(line, nodes=(NEAR,), free_minutes=queue), "N1").steps
    (sooner,) = change_at(a_snapshot(line, nodes=(NEAR,), free_minutes=never), "N1").steps

    # Made by Friday the 19th, sent on Monday by the cheaper service, there on Thursday: 25 June, 16:00 UTC.
    assert (later.demand.kind, later.words) == ("need_by", "+8 days (2026-06-25 16:00 UTC)")
    assert later.figures["need_by"] == "2026-06-25T16:00:00+00:00"
    assert (sooner.demand.kind, sooner.words) == ("capacity", "239 more minutes on N1-A by 2026-06-15")


def test_a_cap_that_is_too_low_is_told_with_the_price() -> None:
    change = change_at(a_snapshot(a_line(max_price_minor=5_000), nodes=(NEAR,)), "N1")

    assert change.place is not None
    landed = change.place.chance.landed_minor
    (step,) = change.steps
    assert dict(step.figures) == {"landed_minor": landed, "maximum_minor": 5_000, "more_minor": landed - 5_000}
    again = a_snapshot(a_line(max_price_minor=landed), nodes=(NEAR,))
    assert explained(again)[0].chosen is not None
    assert explained(a_snapshot(a_line(max_price_minor=landed - 1), nodes=(NEAR,)))[0].chosen is None


def test_a_cap_over_several_lines_is_told_for_the_whole_order() -> None:
    lines = [a_line(line_id=f"line_{number}", order_id="ord_1", max_price_minor=9_000) for number in (1, 2)]
    decided = decide(a_snapshot(*lines, nodes=(NEAR, FAR)), LIMITS)

    # 90.66 at the nearer node for each line, 98.17 at the other.
    for verdict in decided.verdicts:
        reasons = {it.node.node_id: it.reasons[0].message for it in verdict.exclusions}
        assert reasons["N2"] == (
            "lands at 98.17 EUR, with the order's other lines (90.66 EUR at their cheapest) at 188.83 EUR:"
            " the order's cap is 90.00 EUR"
        )
        document = decision_document(verdict, sentence="", solver={}, calendars=decided.calendars)
        excluded = document["exclusions"] if isinstance(document["exclusions"], list) else []
        assert [it["fix"] for it in excluded] == [
            "raise the order's cap by 91.32 EUR to 181.32 EUR",
            "raise the order's cap by 98.83 EUR to 188.83 EUR",
        ]
        assert verdict.explanation is not None
        assert verdict.explanation.no_route is not None
        (cheapest, *_) = verdict.explanation.no_route.relaxations
        assert cheapest.steps[0].figures["more_minor"] == 9_132
    enough = [replace(line, max_price_minor=18_132) for line in lines]
    assert all(it.chosen is not None for it in decide(a_snapshot(*enough, nodes=(NEAR, FAR)), LIMITS).verdicts)


def test_the_document_has_the_binding_reason_and_the_fix_of_each_excluded_node() -> None:
    certified = a_revision_view(required_certificates=("ISO9001",))
    snapshot = a_snapshot(nodes=(NEAR, FAR), revisions=(certified,), certificates=(a_certificate(node_id="N2"),))
    decided = decide(snapshot, LIMITS)
    (verdict,) = decided.verdicts
    sentence = why(verdict, decided.calendars)
    document = decision_document(verdict, sentence=sentence, solver={}, calendars=decided.calendars)

    (excluded,) = document["exclusions"] if isinstance(document["exclusions"], list) else []
    assert (excluded["binding"], excluded["fix"]) == (
        "certificate:ISO9001",
        "certificate ISO9001 for MEX:PLA through 2026-06-15",
    )
    # 75.16197 to make, a fifth or a tenth more, and 7.98 to send: 98.17 and 90.66.
    assert sentence == (
        "Göttingen: 98.17 EUR, arrives 19 Jun; no other node can; without ISO9001 7.51 EUR less;"
        " 1 node ruled out by CERTIFICATE_MISSING"
    )


def test_a_line_without_a_way_is_told_what_together_leaves_none_and_the_cheapest_ways_out() -> None:
    snapshot = a_snapshot(
        a_line(packaging="brand", need_by=june(16, 17)),
        nodes=(NEAR, replace(FAR, packaging=("plain", "brand"))),
    )
    _, explanation = explained(snapshot)

    assert explanation.no_route is not None
    assert explanation.rules == ()
    assert [demand.name for demand in explanation.no_route.conflict] == ["need_by"]
    (cheapest, *_) = explanation.no_route.relaxations
    assert [step.words.partition(" (")[0] for step in cheapest.steps] == ["+3 days"]
    assert cheapest.place.chance.node.city == "Göttingen"


def no_route_at(snapshot: RoutingSnapshot) -> tuple[str, str | None, tuple[Relaxation, ...]]:
    """Decide about the one line; return what binds, the fix that is told, and all ways out."""
    verdict, explanation = explained(snapshot)
    assert explanation.no_route is not None
    return binding_code(verdict.exclusions), nearest_fix(verdict), explanation.no_route.relaxations


def test_the_fix_that_is_told_lifts_the_reason_that_binds_not_whichever_is_cheapest() -> None:
    certified = a_revision_view(required_certificates=("ISO9001",))
    packs = ("plain", "brand")
    nodes = (NEAR, replace(FAR, packaging=packs), replace(FAR, node_id="N3", city="Kassel", packaging=packs))
    snapshot = a_snapshot(
        a_line(packaging="brand"),
        nodes=nodes,
        revisions=(certified,),
        certificates=(a_certificate(node_id="N1"),),
    )

    code, fix, ways = no_route_at(snapshot)
    assert code == "CERTIFICATE_MISSING"
    assert [step.demand.kind for step in ways[0].steps] == ["packaging"]
    assert fix == "certificate ISO9001 for MEX:PLA through 2026-06-15: 98.17 EUR at Göttingen"


def test_what_has_to_change_besides_is_told_behind_the_reason_that_binds() -> None:
    certified = a_revision_view(required_certificates=("ISO9001",))
    snapshot = a_snapshot(a_line(packaging="brand"), nodes=(NEAR, FAR), revisions=(certified,))

    code, fix, ways = no_route_at(snapshot)
    assert code == "CERTIFICATE_MISSING"
    assert fix == (
        "certificate ISO9001 for MEX:PLA through 2026-06-15; also do without brand packaging: 90.66 EUR at Hannover"
    )
    assert nearest_in_short(ways, code="PACKAGING") == (
        "do without brand packaging; also certificate ISO9001 for MEX:PLA through 2026-06-15: 90.66 EUR at Hannover"
    )


def test_a_way_that_does_not_lift_the_reason_is_told_to_be_elsewhere() -> None:
    _, _, ways = no_route_at(a_snapshot(a_line(packaging="brand"), nodes=(NEAR,)))

    assert nearest_in_short(ways, code="BUILD_VOLUME") == (
        "elsewhere, do without brand packaging: 90.66 EUR at Hannover"
    )
    assert nearest_in_short(ways, code="NO_NODE") == "do without brand packaging: 90.66 EUR at Hannover"


def test_a_later_deadline_lifts_a_lack_of_machine_time_and_the_other_way_round() -> None:
    assert kinds_against("CAPACITY") == kinds_against("NEED_BY") == {"need_by", "capacity"}
    assert all(kinds_against(code.value) <= set(OF) and kinds_against(code.value) for code in ExclusionCode)
    assert kinds_against("NO_NODE") == frozenset()
