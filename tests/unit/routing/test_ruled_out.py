"""A line that came back is decided as if the nodes that it came back from were not there; and it says why."""

from dataclasses import replace
from itertools import combinations

import pytest

from fabroute.routing.repository.exclusions import LineExclusionView
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.options import Option
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_line, a_snapshot, june

NODES = ("N1", "N2", "N3")
LIMITS = SolveLimits(seed=1, deterministic_seconds=1.0, wall_seconds=10.0)


def a_network(*names: str) -> RoutingSnapshot:
    """Printers in a row to the south of two lines' place: the first is the nearest."""
    nodes = tuple(a_node_view(node_id=name, latitude=53.0 - int(name[1]), longitude=10.0) for name in names)
    return a_snapshot(a_line(line_id="line_1"), a_line(line_id="line_2"), nodes=nodes)


def ruled_out(
    *node_ids: str, line_id: str = "line_1", cause: str = "declined"
) -> dict[str, tuple[LineExclusionView, ...]]:
    excluded = (
        LineExclusionView(
            line_id=line_id, node_id=node_id, cause=cause, reason="busy", job_id="job_1", excluded_at=june(15, 9)
        )
        for node_id in node_ids
    )
    return {line_id: tuple(excluded)}


def what(option: Option) -> tuple[object, ...]:
    way = option.way
    return (way.node.node_id, way.offer.machine_id, way.service, option.bucket, option.minutes, option.cost_millis)


@pytest.mark.parametrize("gone", [them for size in range(4) for them in combinations(NODES, size)])
def test_a_line_has_the_options_of_a_network_without_the_nodes_that_it_came_back_from(gone: tuple[str, ...]) -> None:
    snapshot = replace(a_network(*NODES), ruled_out=ruled_out(*gone))
    first, second = CandidateFinder(snapshot).choices()
    left = [name for name in NODES if name not in gone]

    expected = CandidateFinder(a_network(*left)).choices()[0].options if left else ()
    assert [what(option) for option in first.options] == [what(option) for option in expected]
    assert len(first.options) >= len(left)
    assert [each.node.node_id for each in first.exclusions] == list(gone)
    assert {reason.code.value for each in first.exclusions for reason in each.reasons} <= {"DECLINED"}
    assert {option.way.node.node_id for option in second.options} == set(NODES)


def test_a_decision_names_the_node_that_declined_and_what_would_let_it_have_the_line_again() -> None:
    snapshot = replace(a_network("N1", "N2"), ruled_out=ruled_out("N1"))
    verdict = decide(snapshot, LIMITS).verdicts[0]

    assert verdict.chosen is not None
    assert verdict.chosen.way.node.node_id == "N2"
    ((excluded,), explanation) = (verdict.exclusions, verdict.explanation)
    assert [reason.message for reason in excluded.reasons] == ["N1 declined this line on 2026-06-15: busy"]
    assert explanation is not None
    (change,) = explanation.changes
    assert [(step.demand.kind, step.words) for step in change.steps] == [
        ("declined", "let N1 have the line again, once its reason is gone")
    ]
    assert change.binding is not None
    assert change.binding.kind == "declined"


def test_a_line_that_every_node_let_lapse_has_no_route_and_says_so_of_each() -> None:
    snapshot = replace(a_network(*NODES), ruled_out=ruled_out(*NODES, cause="lapsed"))
    nowhere, elsewhere = decide(snapshot, LIMITS).verdicts

    assert nowhere.chosen is None
    assert elsewhere.chosen is not None
    assert [[reason.code.value for reason in each.reasons] for each in nowhere.exclusions] == [["DECLINED"]] * 3
    assert nowhere.explanation is not None
    assert nowhere.explanation.no_route is not None
    assert [demand.kind for demand in nowhere.explanation.no_route.conflict] == ["declined"]


def test_what_is_ruled_out_is_part_of_what_a_run_is_known_by() -> None:
    plain = a_network(*NODES)
    hashes = {plain.sha256(), replace(plain, ruled_out=ruled_out("N1")).sha256()}

    assert len(hashes) == 2
    assert replace(plain, ruled_out=ruled_out("N1")).sha256() in hashes
