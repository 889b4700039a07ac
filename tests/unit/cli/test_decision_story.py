from typing import Any

from fabroute.cli.decision_story import decision_story


def _candidate(**changes: Any) -> dict[str, Any]:
    return {
        "node_id": "N025", "city": "Berlin", "country": "DE", "process": "MJF", "material": "PA12-MJF",
        "machine_id": "N025-5200", "parameter_set": "PS-1", "lot_id": "L1", "grams": 120, "production_minor": 5000,
        "freight_minor": 997, "duty_minor": 0, "landed_minor": 5997, "co2e_g": 1234, "produce_by": "2026-06-17",
        "service": "economy", "promised_at": "2026-06-19T15:00:00+00:00",
        "breakdown": [{"code": "material", "amount_minor": 5000}, {"code": "freight_base", "amount_minor": 997}],
        **changes,
    }  # fmt: skip


def _reason(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "figures": {}, "machine_id": None}


def _node(node_id: str, *reasons: dict[str, Any]) -> dict[str, Any]:
    return {"node_id": node_id, "city": "Bristol", "country": "GB", "reasons": list(reasons)}


def _decision(**changes: Any) -> dict[str, Any]:
    return {
        "line_id": "line_1", "outcome": "routed", "objective": "balanced", "why": "Berlin: 59.97 EUR",
        "chosen": _candidate(), "alternatives": [], "candidates": [_candidate()], "exclusions": [],
        "solver": {"lines": 62, "status": "optimal", "gap": 0.0012},
        **changes,
    }  # fmt: skip


def _told(*decisions: dict[str, Any]) -> list[str]:
    return decision_story({"order_id": "ord_1", "decisions": list(decisions)}).splitlines()


def test_a_chosen_node_is_told_with_every_part_of_its_price() -> None:
    assert _told(_decision()) == [
        "line_1: routed (balanced)",
        "  Berlin: 59.97 EUR",
        "  N025 Berlin DE: MJF PA12-MJF on N025-5200",
        "    parameter set PS-1, lot L1, 120 g",
        "    production €50.00 + freight €9.97 + duty €0.00 = €59.97",
        "    of which material €50.00, freight_base €9.97",
        "    printed by 2026-06-17, economy, arrives by 2026-06-19T15:00:00+00:00, 1.23 kg CO2e",
        "  1 node can:",
        "    N025 Berlin DE                     €59.97  by 2026-06-19",
        "  decided with 62 lines together: optimal, at most 0.12 % from the best plan",
    ]


def test_a_decision_that_names_its_carrier_shows_it() -> None:
    (named,) = [row for row in _told(_decision(chosen=_candidate(carrier="dhl"))) if "arrives by" in row]
    (older,) = [row for row in _told(_decision(chosen=_candidate(carrier=None))) if "arrives by" in row]

    assert named.startswith("    printed by 2026-06-17, sent by dhl economy, arrives by ")
    assert older.startswith("    printed by 2026-06-17, economy, arrives by ")


def test_alternatives_say_what_they_would_change() -> None:
    difference = {"landed_minor": -120, "hours": 24.0, "co2e_g": -300}
    fastest = {"landed_minor": 980, "hours": -31.2, "co2e_g": 10}

    told = _told(
        _decision(
            alternatives=[
                {"label": "cheapest", "candidate": _candidate(node_id="N1"), "difference": difference},
                {"label": "fastest", "candidate": _candidate(node_id="N2"), "difference": fastest},
                {"label": "greenest", "candidate": _candidate(), "difference": dict.fromkeys(difference, 0)},
            ]
        )
    )

    assert "  cheapest: N1 Berlin DE, −€1.20, +24 h, -0.30 kg CO2e" in told
    assert not any("greenest" in row for row in told)
    assert "  fastest: N2 Berlin DE, +€9.80, -31 h, +0.01 kg CO2e" in told


def test_nodes_that_almost_could_come_first_and_the_others_in_one_line() -> None:
    unable = _node("N3", _reason("PROCESS_MATERIAL", "allowed: MJF:PA12-MJF"), _reason("PACKAGING", "only plain"))
    near = _node("N2", _reason("BUILD_VOLUME", "needs 290 mm, has 194 mm"), _reason("NODE_DOWN", "the node is down"))
    nearest = _node("N1", _reason("LANE_MISSING", "does not ship to DE"))

    told = _told(_decision(outcome="no_route", chosen=None, candidates=[], exclusions=[unable, near, nearest, unable]))

    assert told[2:-1] == [
        "  4 nodes are ruled out:",
        "    N1 Bristol GB                LANE_MISSING: does not ship to DE",
        "    N2 Bristol GB                BUILD_VOLUME: needs 290 mm, has 194 mm",
        "                                 NODE_DOWN: the node is down",
        "    2 more don't offer the process and material: N3, N3",
    ]


def test_only_five_candidates_are_listed_and_the_rest_counted() -> None:
    told = _told(_decision(candidates=[_candidate(node_id=f"N{number}") for number in range(8)]))

    assert "  8 nodes can:" in told
    assert "    and 3 more (--json shows all)" in told
    assert sum("  by 2026-06-19" in row for row in told) == 5


def test_only_the_latest_decision_about_a_line_counts() -> None:
    told = _told(_decision(outcome="no_route", chosen=None), _decision())

    assert told[0] == "line_1: routed (balanced)"
    assert sum(row.startswith("line_1") for row in told) == 1


def test_an_order_that_is_not_decided_says_so() -> None:
    assert _told() == ["order ord_1: not decided yet"]
    assert decision_story({"order_id": "ord_2", "decisions": []}) == "order ord_2: not decided yet"


def test_a_line_that_moved_is_told_with_where_it_stood_and_what_that_saves() -> None:
    moved_from = {
        "city": "Lyon",
        "node_id": "N031",
        "landed_minor": 7237,
        "promised_at": "2026-06-19T15:00:00+00:00",
        "saves": {"landed_minor": 1240, "hours": 24.0, "co2e_g": 0, "cost_millis": 1_240_000},
    }
    told = _told(_decision(moved_from=moved_from))
    assert told[2] == "  moved from Lyon (N031), \u20ac72.37, promised for 2026-06-19: saves \u20ac12.40 and 24 h"
    assert "moved from" not in "".join(_told(_decision(moved_from=None)))


def test_a_split_is_told_share_by_share() -> None:
    shares = [
        {
            "quantity": 18,
            "machine_id": "A-1",
            "city": "Peine",
            "landed_minor": 25_200,
            "promised_at": "2026-06-15T20:00Z",
        },
        {
            "quantity": 6,
            "machine_id": "B-1",
            "city": "Uelzen",
            "landed_minor": 14_300,
            "promised_at": "2026-06-15T14:00Z",
        },
    ]
    told = _told(_decision(chosen=_candidate(shares=shares)))

    assert "       18 on A-1 in Peine, €252.00, there by 2026-06-15 20:00" in told
    assert "        6 on B-1 in Uelzen, €143.00, there by 2026-06-15 14:00" in told


def _there(**changes: Any) -> dict[str, Any]:
    return {"node_id": "N030", "city": "Lyon", "country": "FR", "landed_minor": 4120, **changes}


def _explained(**changes: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"rules": [], "changes": [], "no_route": None, "scarcity": None}
    return _decision(explanation=nothing | changes)


def _rule(name: str, words: str, instead: dict[str, Any] | None) -> dict[str, Any]:
    return {"rule": name, "words": words, "instead": instead}


def test_rules_are_told_with_what_they_cost_and_those_that_cost_nothing_by_name() -> None:
    told = _told(
        _explained(
            rules=[
                _rule("certificate:EN9100", "without EN9100 this order would cost 18.77 EUR less", _there()),
                _rule("need_by", "the need-by costs nothing", None),
            ]
        )
    )

    assert "  without EN9100 this order would cost 18.77 EUR less: N030 Lyon FR" in told
    assert "  rules that cost nothing: need_by" in told


def test_the_nearest_five_changes_are_told_with_their_prices() -> None:
    changes = [
        {**_there(node_id=f"N{number}"), "words": "+2 days", "then": _there(landed_minor=1000 + number)}
        for number in range(6)
    ]
    told = _told(_explained(changes=[{**_there(node_id="N9"), "words": "", "then": None}, *changes]))

    start = told.index("  what would change it:")
    assert told[start + 1] == "    N9 Lyon FR                   better for this line alone"
    assert told[start + 2] == "    N0 Lyon FR                   +2 days (€10.00)"
    assert told[start + 6] == "    and 2 more (--json shows all)"


def test_a_line_without_a_way_is_told_the_conflict_the_ways_out_and_each_envelope() -> None:
    oversize = {
        "needed_mm": [1006.0, 1006.0, 1006.0],
        "envelopes": [{"machines": 3, "model": "MJF", "box_mm": [380.0, 284.0, 380.0], "too_long_mm": 722.0}],
        "ways_out": ["split the part"],
    }
    no_route = {
        "conflict": [{"words": "build volume"}, {"words": "the need-by"}],
        "relaxations": [{"words": "+2 days (2026-06-19 15:00 UTC): 41.20 EUR at Lyon"}],
        "oversize": oversize,
    }
    told = _told(_explained(no_route=no_route, scarcity={"words": "Berlin: MJF time is worth 14.00 EUR an hour"}))

    start = told.index("  together these leave no way: build volume, the need-by")
    assert told[start + 1 : start + 7] == [
        "  there would be a way with:",
        "    +2 days (2026-06-19 15:00 UTC): 41.20 EUR at Lyon",
        "  the part needs 1006 × 1006 × 1006 mm, margins included:",
        "    3 × MJF 380 × 284 × 380 mm: 722.0 mm too long",
        "    or split the part",
        "  Berlin: MJF time is worth 14.00 EUR an hour",
    ]


def test_changes_of_earlier_decisions_without_words_are_told_by_their_margin() -> None:
    margins = ({"sooner_by_hours": 12.5}, {"lighter_by_g": 1048}, {"lighter_by_g": None})
    changes = [{**_there(), "words": "", "then": None, "margin": margin} for margin in margins]
    told = _told(_explained(changes=changes))

    start = told.index("  what would change it:") + 1
    assert [row.split("FR")[1].strip() for row in told[start : start + 3]] == [
        "12.5 h sooner",
        "1.05 kg CO2e lighter",
        "better in more than one of price, time and carbon",
    ]
    assert not any("nothing" in row for row in told)


def test_one_line_and_one_node_are_told_in_the_singular() -> None:
    unable = _node("N3", _reason("PROCESS_MATERIAL", "allowed: MJF:PA12-MJF"))
    told = _told(_decision(exclusions=[unable], solver={"lines": 1, "status": "optimal", "gap": 0.0}))

    assert "  1 node is ruled out:" in told
    assert "    1 more doesn't offer the process and material: N3" in told
    assert told[-1] == "  decided alone: optimal, at most 0.00 % from the best plan"
