"""What the page of an order shows of its decision: candidates, alternatives, exclusions, rules, ways out, pictures."""

from dataclasses import replace
from datetime import timedelta

from fabroute.console.pages.order.facts import Rights
from fabroute.console.pages.order.page import DecisionPart, OrderPage, order_page, stamp_of
from fabroute.kernel.ids import new_id
from fabroute.orders.service import AgreedQuote
from fabroute.routing.service.exclusions import LineExclusionView
from fabroute.routing.service.replays import ReplayView
from tests.factories.order_pages import (
    FMT,
    NOW,
    a_candidate,
    a_decision,
    a_document,
    a_job_of_line,
    a_line,
    a_node_view,
    a_place,
    an_alternative,
    an_exclusion,
    an_order,
    some_facts,
)

BERLIN = a_candidate("Berlin", landed_minor=3140, days=4)
LYON = a_candidate("Lyon", landed_minor=3870, days=2)
NBSP = "\N{NO-BREAK SPACE}"


def decision_of(document: object, **changes: object) -> DecisionPart:
    page = order_page(some_facts(document, **changes), FMT)  # type: ignore[arg-type]
    assert page.decision is not None
    return page.decision


def test_candidates_come_with_the_chosen_one_first_and_say_what_they_change() -> None:
    rows = decision_of(a_document(LYON, BERLIN, objective="fastest")).candidates
    assert [(it.name, it.is_chosen, it.difference) for it in rows] == [
        ("Lyon", True, ""),
        ("Berlin", False, f"−€7.30, +2{NBSP}d"),
    ]
    assert rows[0].items == (("Machine time", 2370), ("Shipping, base", 1500))
    assert rows[0].sending == "express by dhl"
    assert "Lyon: machine €23.70, shipping €15.00" in rows[0].bar


def test_a_candidate_after_the_deadline_is_late() -> None:
    order = an_order(need_by=NOW + timedelta(days=3))
    rows = decision_of(a_document(LYON, BERLIN), order=order).candidates
    assert [(it.name, it.is_late) for it in rows] == [("Lyon", False), ("Berlin", True)]


def test_alternatives_that_the_order_does_not_ask_for_already_are_objectives() -> None:
    others = [an_alternative(label, BERLIN, LYON) for label in ("fastest", "cheapest", "next_best")]
    offers = decision_of(a_document(BERLIN, LYON, alternatives=others)).alternatives
    assert [(it.label, it.objective, it.city) for it in offers] == [
        ("Fastest instead", "fastest", "Lyon"),
        ("Cheapest instead", None, "Lyon"),
        ("Next best", None, "Lyon"),
    ]
    assert offers[0].words == f"+€7.30, −2{NBSP}d"


def test_nodes_that_are_ruled_out_come_nearest_first_with_their_fix_and_what_it_would_bring() -> None:
    change = {"node_id": "N-Near", "words": "x", "wins": True, "then": a_place("Near"), "steps": [], "margin": None}
    barred = [
        an_exclusion("Far", "PROCESS_MATERIAL", "CAPACITY"),
        an_exclusion("Two", "CAPACITY", "NODE_DOWN", fix="more time"),
        an_exclusion("Near", "PRICE_CAP", fix="a higher cap"),
    ]
    explained: dict[str, object] = {"rules": [], "changes": [change], "no_route": None, "scarcity": None}
    out = decision_of(a_document(BERLIN, exclusions=barred, explanation=explained)).ruled_out
    assert [it.name for it in out.near] == ["Near", "Two"]
    assert [it.name for it in out.far] == ["Far"]
    assert (out.near[0].fix, out.near[0].then, out.near[0].would_win) == (
        "a higher cap",
        "€52.00, there by 19 Jun 2026",
        True,
    )
    assert out.near[1].reasons[0].meaning == "no capacity before the latest start"
    assert out.counts[0] == ("no capacity before the latest start", 2)
    assert out.total == 3


def test_a_node_that_failed_at_the_line_may_have_it_again_if_the_viewer_may_change_the_order() -> None:
    excluded = LineExclusionView(
        line_id="line_1", node_id="N-Two", cause="declined", reason="no time", job_id="job_1", excluded_at=NOW
    )
    document = a_document(BERLIN, exclusions=[an_exclusion("Two", "DECLINED")])
    facts = some_facts(document, ruled_out=(excluded,))
    page = order_page(facts, FMT)
    assert page.decision is not None
    assert page.decision.ruled_out.near[0].can_be_lifted
    assert [(it.node_id, it.words, it.reason) for it in page.declined] == [("N-Two", "the node declined it", "no time")]
    looking = order_page(replace(facts, rights=Rights()), FMT)
    assert looking.decision is not None
    assert not looking.decision.ruled_out.near[0].can_be_lifted


def test_rules_are_told_with_their_price_or_that_they_cost_nothing() -> None:
    free = {"landed_minor": 0, "hours": 0.0, "co2e_g": 0, "cost_millis": 0}
    dear = {"landed_minor": -600, "hours": -5.0, "co2e_g": 0, "cost_millis": -1}
    rules = [
        {
            "rule": "a",
            "of": "order",
            "words": "without a this order would cost 6.00 EUR less",
            "nodes": 3,
            "alone": 1,
            "difference": dear,
            "instead": a_place("Lyon"),
        },
        {
            "rule": "b",
            "of": "part",
            "words": "ISO9001 costs nothing",
            "nodes": 2,
            "alone": 0,
            "difference": free,
            "instead": None,
        },
    ]
    explained: dict[str, object] = {
        "rules": rules,
        "changes": [],
        "no_route": None,
        "scarcity": {"words": "Lyon: dear hours"},
    }
    decision = decision_of(a_document(BERLIN, explanation=explained))
    assert [(it.words, it.side, it.difference, it.instead) for it in decision.rules] == [
        ("a", "the order asks for it", f"−€6.00, −5{NBSP}h", "Lyon"),
        ("ISO9001", "the part's owner asks for it", "", ""),
    ]
    assert decision.scarcity == "Lyon: dear hours"


def test_a_line_without_a_route_tells_what_would_make_one() -> None:
    step = {"rule": "price_cap", "of": "order", "words": "a cap of 52.00 EUR", "figures": {}}
    no_route = {
        "conflict": [{"rule": "price_cap", "of": "order", "words": "the price cap"}],
        "relaxations": [{"words": "", "steps": [step], "then": a_place("Porto")}],
        "oversize": {"ways_out": ["cut it in two"]},
    }
    explained: dict[str, object] = {"rules": [], "changes": [], "no_route": no_route, "scarcity": None}
    page = order_page(
        some_facts(
            a_document(exclusions=[an_exclusion("X", "PRICE_CAP")], explanation=explained, routed=False),
            order=an_order(a_line(state="no_route"), state="no_route"),
        ),
        FMT,
    )
    assert page.decision is not None
    assert page.decision.conflict == (("the price cap", "the order asks for it"),)
    (way,) = page.decision.ways_out
    assert (way.steps, way.city, way.landed_minor) == (
        (("a cap of €52.00", "the order asks for it"),),
        "Porto",
        5200,
    )
    assert page.decision.oversize == ("cut it in two",)
    assert page.decision.plot is None
    assert page.may_retry
    assert [step.label for step in page.steps][:2] == ["Placed", "No node can make it"]


def test_the_pictures_show_chosen_and_destination_and_name_what_is_far() -> None:
    nodes = {
        node.node_id: node
        for node in (
            a_node_view("Berlin", latitude=52.5, longitude=13.4),
            a_node_view("Lyon", latitude=45.7, longitude=4.8),
            a_node_view("Turin", latitude=45.1, longitude=7.7, status="down"),
            a_node_view("Sydney", latitude=-33.9, longitude=151.2),
        )
    }
    document = a_document(
        BERLIN, LYON, exclusions=[an_exclusion("Turin", "NODE_DOWN"), an_exclusion("Sydney", "CAPACITY")]
    )
    page = order_page(some_facts(document, nodes=nodes), FMT)
    assert [words for words, _ in page.map.key] == ["makes it", "destination", "could make it", "down", "ruled out"]
    assert page.map.outside == ("Sydney",)
    assert "Map: from Berlin to Hamburg" in page.map.svg
    assert page.map.svg.count("map-lane") == 2
    assert "Turin: node or machine unavailable" in page.map.svg
    assert page.decision is not None
    assert page.decision.plot is not None
    assert "Berlin €31.40, 19 Jun 2026 (chosen)" in page.decision.plot.svg


def test_what_a_line_takes_from_others_is_told_in_the_viewers_figures() -> None:
    scarcity = {
        "words": "Berlin: dear", "node_id": "N-Berlin", "machine_id": "N-Berlin-A", "until": "2026-06-18",
        "hour_minor": 1200, "lot_id": "LOT-1", "kilogram_minor": 0, "minor": 300,
    }  # fmt: skip
    explained: dict[str, object] = {"rules": [], "changes": [], "no_route": None, "scarcity": scarcity}
    assert decision_of(a_document(BERLIN, explanation=explained)).scarcity == (
        "Others want it too: in ⁨Berlin⁩ an hour of MJF until 18 Jun 2026 is worth €12.00."
    )


def test_what_would_make_a_candidate_the_best_is_told_in_the_viewers_figures() -> None:
    margin = {"cheaper_by_minor": 731, "sooner_by_hours": None, "lighter_by_g": None}
    change = {
        "node_id": "N-Lyon", "words": "over 7.30 EUR cheaper", "wins": False, "then": None, "steps": [],
        "margin": margin,
    }  # fmt: skip
    explained: dict[str, object] = {"rules": [], "changes": [change], "no_route": None, "scarcity": None}
    rows = decision_of(a_document(BERLIN, LYON, explanation=explained)).candidates
    assert [it.to_win for it in rows] == ["", "€7.31 cheaper"]


def test_ways_out_that_only_programs_can_go_are_left_out() -> None:
    no_route = {"conflict": [], "relaxations": [], "oversize": {"ways_out": ["conventional: POST /v1/advice/method"]}}
    explained: dict[str, object] = {"rules": [], "changes": [], "no_route": no_route, "scarcity": None}
    document = a_document(exclusions=[an_exclusion("X", "BUILD_VOLUME")], explanation=explained, routed=False)
    assert decision_of(document).oversize == ("conventional",)


def page_with(**changes: object) -> OrderPage:
    return order_page(some_facts(**changes), FMT)  # type: ignore[arg-type]


def test_steps_follow_the_job_that_is_farthest_behind() -> None:
    jobs = {"line_1": (a_job_of_line(state="shipped"), a_job_of_line(state="in_production", city="Lyon"))}
    steps = page_with(jobs=jobs).steps
    assert [(it.label, it.state) for it in steps] == [
        ("Placed", "done"),
        ("Routed", "done"),
        ("Offered", "done"),
        ("Accepted", "done"),
        ("Printing", "now"),
        ("Inspected", "next"),
        ("Shipped", "next"),
        ("Delivered", "next"),
    ]
    assert steps[4].detail == "Berlin, Lyon"
    assert [it.state for it in page_with(jobs={"line_1": (a_job_of_line(state="delivered"),)}).steps] == ["done"] * 8


def test_a_suspect_job_waits_for_somebody_who_may_decide() -> None:
    jobs = {"line_1": (a_job_of_line(state="suspect"),)}
    page = page_with(jobs=jobs)
    assert page.steps[3].detail == "Berlin: the node fell silent"
    assert [(it.may_decide, it.may_take_back) for it in page.jobs] == [(True, False)]
    assert not page_with(jobs=jobs, rights=Rights()).jobs[0].may_decide


def test_states_without_a_node_have_their_own_steps() -> None:
    def labels(state: str) -> list[str]:
        return [it.label for it in page_with(order=an_order(a_line(state=state))).steps][:2]

    assert labels("pending") == labels("routing") == ["Placed", "Being routed"]
    assert labels("parked") == ["Placed", "Waits for a person"]
    assert labels("cancelled") == ["Placed", "Cancelled"]


def test_lines_of_an_order_are_tabs_where_there_are_several() -> None:
    order = an_order(a_line(), a_line(position=2, state="no_route"))
    assert [(it.position, it.path, it.is_chosen) for it in page_with(order=order).tabs] == [
        (1, "/console/orders/ord_1?line=1", True),
        (2, "/console/orders/ord_1?line=2", False),
    ]
    assert page_with().tabs == ()


def test_an_order_is_changed_only_by_those_who_may_and_while_it_can_be() -> None:
    agreed = AgreedQuote(quote_id="qte_1", offer="cheapest", price_minor=4000, arrival=NOW)
    assert page_with().may_change
    assert not page_with(rights=Rights()).may_change
    assert not page_with(order=replace(an_order(), agreed=agreed)).may_change
    assert page_with(order=replace(an_order(), agreed=agreed)).fixed == (
        "Its price and day are agreed: for another way, place another order."
    )
    printed = page_with(jobs={"line_1": (a_job_of_line(state="in_production"),)})
    assert (printed.may_change, printed.fixed) == (
        False,
        "A node works on it already: it goes on as it is, or cancel it and place it again.",
    )
    assert page_with(jobs={"line_1": (a_job_of_line(state="accepted"),)}).may_change
    assert not page_with(order=an_order(state="cancelled")).may_cancel


def test_a_replay_says_what_came_of_it() -> None:
    def told(state: str, report: dict[str, object] | None) -> tuple[bool, str, tuple[str, ...]]:
        view = ReplayView(
            id=new_id("rpl"), decision_id="dec_1", state=state, report=report, created_at=NOW, finished_at=None
        )
        replay = page_with(replay=view).replay
        assert replay is not None
        return replay.is_done, replay.words, replay.reasons

    assert told("waiting", None) == (False, "It is being made again.", ())
    assert told("done", {"outcome": "same", "reasons": []}) == (True, "It came out the same again.", ())
    reasons = [{"code": "SOLVER", "message": "another version of the solver"}]
    assert told("done", {"outcome": "differs", "reasons": reasons}) == (
        True,
        "It came out differently.",
        ("another version of the solver",),
    )


def test_an_order_without_a_decision_has_a_map_and_no_more() -> None:
    page = page_with(decision=None, order=an_order(a_line(state="pending")))
    assert page.decision is None
    assert [words for words, _ in page.map.key] == ["destination"]


def test_the_stamp_changes_with_the_order_and_with_the_state_of_a_job() -> None:
    offered, accepted = {"line_1": (a_job_of_line(),)}, {"line_1": (a_job_of_line(state="accepted"),)}
    assert stamp_of(an_order(), offered) != stamp_of(an_order(), accepted)
    assert stamp_of(an_order(), offered) == stamp_of(an_order(), dict(offered))
    assert stamp_of(replace(an_order(), version=4), offered) != stamp_of(an_order(), offered)


def test_moves_and_shared_builds_are_told() -> None:
    moved = {"city": "Turin", "saves": {"landed_minor": 300, "hours": 5.5, "co2e_g": 0}}
    decision = decision_of(a_document(BERLIN, moved_from=moved, build={"lines": 3, "saved_minor": 250}))
    assert decision.moved_from == f"It was to be made in Turin before: the move saves €3.00, 5{NBSP}h 30{NBSP}min."
    assert decision.shared_build == "It shares a build with 2 other lines, which saves €2.50."


def test_a_plan_that_is_not_proven_best_says_how_far_it_may_be() -> None:
    document = a_document(BERLIN)
    document["solver"] |= {"status": "feasible", "gap": 0.0123, "lines": 5}
    assert (
        decision_of(document).proof
        == "At most 1.23% from the best plan there can be, decided together with 4 other lines."
    )
    assert decision_of(a_document(BERLIN)).proof == "Proven to be the best plan."


def test_what_was_decided_stands_above_what_came_of_it_whatever_there_is() -> None:
    many = [a_candidate(f"City {at}") for at in range(8)]
    lost = a_document(exclusions=[an_exclusion("Out", "CAPACITY")], routed=False)
    pending = page_with(decision=None, order=an_order(a_line(state="pending"))).layout
    routed = page_with(decision=a_decision(a_document(*many))).layout
    stuck = page_with(decision=a_decision(lost), order=an_order(a_line(state="no_route"))).layout

    assert pending.above == (("story",), ("map",))
    assert (routed.above[0][0], routed.above[1][:2]) == ("candidates", ("map", "plot"))
    assert (stuck.above[0], stuck.above[1][0]) == (("no-way", "record"), "map")
    for layout in (pending, routed, stuck):
        names = [name for columns in (layout.above, layout.below) for column in columns for name in column]
        assert len(names) == len(set(names))
        assert {"map", "story", "papers"} <= set(names)


def from_a_quote(**exclusion: object) -> DecisionPart:
    reason = {"code": "MIN_ORDER", "message": "as stored", "machine_id": None, "figures": exclusion}
    barred = [{**an_exclusion("Porto"), "reasons": [reason]}]
    document = a_document(BERLIN, exclusions=barred)
    document["solver"] |= {"engine": "quote", "status": "baseline", "seed": 0, "options": 162}
    return decision_of(document)


def test_what_was_accepted_from_a_quote_is_told_by_what_is_known_of_it() -> None:
    decision = from_a_quote(minimum_minor=5000, price_minor=3982)

    assert decision.proof == "An offer of a quote was accepted, and it is made as was agreed."
    assert decision.solver == (
        ("Run", "run_1"),
        ("Options weighed", "162"),
        ("What it knew (SHA-256)", "0" * 64),
    )
    assert [(it.name, it.fix, it.then) for it in decision.ruled_out.near] == [
        ("Porto", "an order worth €50.00 there", "")
    ]
    assert decision.ruled_out.has_fixes


def test_no_fix_is_told_where_nobody_knows_one() -> None:
    decision = from_a_quote()

    assert [it.fix for it in decision.ruled_out.near] == [""]
    assert not decision.ruled_out.has_fixes
