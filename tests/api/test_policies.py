"""Routing policies over the API: stated, listed, refused in words, and priced."""

from typing import Any

import pytest

from tests.factories.api import Api
from tests.factories.api_policies import HALF_EACH, THAT_DAY, euro, given_nodes, given_run, token_of
from tests.factories.problems import Refusal, refusal_of

PATH = "/v1/routing-policies"
WHOLE: dict[str, Any] = {
    "weights": {"balanced": {"per_hour": euro(150), "per_kg_co2e": euro(25), "per_late_hour": euro(300)}},
    "caps": [
        {"share": 0.5, "window_days": 7},
        {"node_id": "N101", "share": 0.75, "unit": "pieces", "excess": euro(120)},
    ],
    "minimum_shares": [{"kind": "in_house", "share": 0.1, "shortfall": euro(900)}],
    "consolidation_window_hours": 24,
    "stability": euro(500),
    "share_builds": False,
}


def test_a_policy_is_stated_and_comes_back_whole(api: Api) -> None:
    given_nodes(api)

    answer = api.client.post(PATH, json=WHOLE)

    stated = answer.json()
    assert (answer.status_code, stated["version"], stated["created_by"]) == (201, 1, api.owner.key_id)
    assert stated["weights"] == WHOLE["weights"]
    assert stated["caps"] == [
        {
            "rule": "cap:any:lines",
            "node_id": None,
            "share": 0.5,
            "window_days": 7,
            "unit": "lines",
            "excess": None,
        },
        {
            "rule": "cap:N101:pieces",
            "node_id": "N101",
            "share": 0.75,
            "window_days": 30,
            "unit": "pieces",
            "excess": euro(120),
        },
    ]
    assert stated["minimum_shares"] == [
        {
            "rule": "minimum:in_house:lines",
            "node_id": None,
            "kind": "in_house",
            "share": 0.1,
            "shortfall": euro(900),
            "window_days": 30,
            "unit": "lines",
        }
    ]
    assert (stated["consolidation_window_hours"], stated["stability"]) == (24, euro(500))
    assert stated["share_builds"] is False


def test_the_same_policy_again_is_answered_with_the_version_that_holds(api: Api) -> None:
    given_nodes(api)
    first = api.client.post(PATH, json=WHOLE)

    again = api.client.post(PATH, json=WHOLE)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


def test_versions_are_listed_newest_first_in_pages(api: Api) -> None:
    given_nodes(api)
    for hours in (1, 2, 3):
        assert api.client.post(PATH, json={"consolidation_window_hours": hours}).status_code == 201

    page = api.client.get(f"{PATH}?limit=2").json()
    rest = api.client.get(f"{PATH}?limit=2&cursor={page['next_cursor']}").json()

    assert [it["consolidation_window_hours"] for it in (*page["data"], *rest["data"])] == [3, 2, 1]
    assert (page["has_more"], rest["has_more"]) == (True, False)


def test_an_empty_policy_is_the_usual_way(api: Api) -> None:
    given_nodes(api)

    stated = api.client.post(PATH, json={}).json()

    assert (stated["caps"], stated["minimum_shares"], stated["weights"]) == ([], [], {})
    assert (stated["stability"], stated["consolidation_window_hours"]) == (euro(200), 0)
    assert stated["share_builds"] is True


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"caps": [{"share": 1.0}]}, "/caps/0/share", "must be less than 1"),
        ({"caps": [{"share": 0}]}, "/caps/0/share", "must be more than 0"),
        ({"caps": [{"share": "0.4"}]}, "/caps/0/share", "must be a number with a point"),
        ({"caps": [{"share": 0.4, "window_days": 400}]}, "/caps/0/window_days", "must be at most 365"),
        ({"caps": [{"share": 0.4, "unit": "boxes"}]}, "/caps/0/unit", "must be 'lines' or 'pieces'"),
        ({"caps": [{"share": 0.4}] * 51}, "/caps", "must hold at most 50 of them"),
        ({"caps": [{"share": 0.4, "excess": {"amount_minor": -1, "currency": "EUR"}}]}, "/caps/0/excess/amount_minor",
         "must be at least 0"),
        ({"minimum_shares": [{"kind": "moon", "share": 0.4, "shortfall": euro(1)}]}, "/minimum_shares/0/kind",
         "must be 'in_house', 'service_bureau' or 'regional_hub'"),
        ({"minimum_shares": [{"kind": "in_house", "share": 0.4}]}, "/minimum_shares/0/shortfall", "is required"),
        ({"weights": {"balanced": {"per_hour": euro(1), "per_late_hour": euro(1)}}}, "/weights/balanced/per_kg_co2e",
         "is required"),
        ({"consolidation_window_hours": 241}, "/consolidation_window_hours", "must be at most 240"),
        ({"stability": {"amount_minor": 1, "currency": "USD"}}, "/stability/currency", "only EUR is supported"),
        ({"weights": {"quickest": {"per_hour": 3}}}, "/weights/quickest",
         "is a name that must be 'cheapest', 'fastest', 'balanced' or 'greenest'"),
        ({"speed": 3}, "/speed", "is no field of this object"),
    ],
)  # fmt: skip
def test_what_no_policy_can_hold_is_refused_with_the_field(api: Api, body: Any, pointer: str, words: str) -> None:
    answer = api.client.post(PATH, json=body)

    problems = {item["pointer"]: item["message"] for item in answer.json()["errors"]}
    assert answer.status_code == 422
    assert words in problems[pointer]
    assert len(answer.json()["errors"]) == 1
    assert api.client.get(PATH).json()["data"] == []


def test_rules_that_contradict_are_refused_with_words(api: Api) -> None:
    given_nodes(api)
    torn = {
        "caps": [{"node_id": "N101", "share": 0.4}],
        "minimum_shares": [{"node_id": "N101", "share": 0.7, "shortfall": euro(100)}],
    }

    answer = api.client.post(PATH, json=torn)

    refusal = Refusal(status=422, code="contradictory_policy", pointers=("/minimum_shares/0/share",))
    assert refusal_of(answer) == refusal
    assert answer.json()["errors"] == [
        {
            "pointer": "/minimum_shares/0/share",
            "message": "wants 70% of the lines at N101, the caps allow 40%: lower the minimum share or raise the cap",
        }
    ]
    tight = api.client.post(PATH, json={"caps": [{"share": 0.2}]})
    assert "leave 40% of the lines without a place: the network has 3 node(s)" in tight.json()["detail"]
    unknown = api.client.post(PATH, json={"caps": [{"node_id": "N404", "share": 0.2}]})
    assert "there is no node N404" in unknown.json()["detail"]


def test_what_a_rule_cost_is_told_in_money_and_words(api: Api) -> None:
    given_nodes(api)
    assert api.client.post(PATH, json=HALF_EACH).status_code == 201
    given_run(api, api.owner, api.owner)

    costs = api.client.get(f"{PATH}/costs", params=THAT_DAY).json()

    (rule,) = costs["rules"]
    assert (costs["since"], costs["until"]) == ("2026-06-15T08:00:00Z", "2026-06-16T08:00:00Z")
    assert (rule["rule"], rule["policy_version"], rule["runs"], rule["lines"]) == ("cap:any:lines", 1, 1, 1)
    assert (rule["landed"], rule["cost_millis"], rule["proven"]) == (euro(300), 300_000, True)
    assert rule["words"].startswith("the 50% cap on lines at any single node cost 3.00 EUR")


def test_costs_are_of_the_last_seven_days_if_no_time_is_named(api: Api) -> None:
    given_nodes(api)
    api.client.post(PATH, json=HALF_EACH)
    given_run(api, api.owner, api.owner)

    costs = api.client.get(f"{PATH}/costs").json()

    assert costs["rules"] == []
    assert costs["since"][:10] < costs["until"][:10]
    assert refusal_of(api.client.get(f"{PATH}/costs?since=yesterday")).status == 422


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ({"since": "2026-06-16T08:00:00Z", "until": "2026-06-15T08:00:00Z"}, "until: must be after since"),
        ({"since": "2026-06-15T08:00:00Z", "until": "2026-06-15T08:00:00Z"}, "until: must be after since"),
        ({"since": "2096-06-15T08:00:00Z", "until": "2096-06-16T08:00:00Z"}, "since: is in the future"),
    ],
)
def test_costs_of_a_time_that_can_not_be_are_refused(api: Api, period: dict[str, str], words: str) -> None:
    answer = api.client.get(f"{PATH}/costs", params=period)

    assert refusal_of(answer).code == "invalid_period"
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)


def test_a_bureau_is_told_that_policies_are_of_those_who_order(api: Api) -> None:
    with api.as_(token_of(api, "bureau")) as bureau:
        answer = bureau.get(PATH)

    assert refusal_of(answer) == Refusal(status=403, code="owners_only")
    assert answer.json()["detail"] == (
        "this belongs to those who order parts: their orders, policies and papers; it takes a key of theirs"
    )


def test_a_decision_names_the_policy_that_it_was_made_under(api: Api) -> None:
    given_nodes(api)
    api.client.post(PATH, json=HALF_EACH)
    given_run(api, api.owner, api.owner)

    orders = api.client.get("/v1/orders").json()["data"]
    codes = [
        reason["code"]
        for order in orders
        for decision in api.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]
        for exclusion in decision["exclusions"]
        for reason in exclusion["reasons"]
    ]
    assert codes == ["CONCENTRATION"]
    assert len(orders) == 2
