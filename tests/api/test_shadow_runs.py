"""Shadow runs and replays over the API, and who may ask for and see them."""

from typing import Any

import pytest

from tests.factories.api import Api
from tests.factories.api_policies import HALF_EACH, THAT_DAY, euro, given_nodes, given_run, token_of, work
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_owner
from tests.factories.problems import Refusal, refusal_of

PATH = "/v1/shadow-runs"


def decision_id(api: Api) -> str:
    ((found,),) = in_transaction(api.engine, lambda session: rows(session, "SELECT id FROM routing_decisions LIMIT 1"))
    return str(found)


def test_a_policy_is_tried_on_a_past_day_and_followed_until_done(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner, api.owner)

    asked = api.client.post(PATH, json=THAT_DAY | {"policy": HALF_EACH})
    waiting = api.client.get(asked.headers["Location"]).json()
    work(api)
    found = api.client.get(asked.headers["Location"]).json()

    assert (asked.status_code, asked.json()["state"], waiting["total"]) == (202, "waiting", None)
    assert (found["state"], found["runs_done"], found["runs_total"]) == ("done", 1, 1)
    assert found["total"]["as_was"] == {
        "lines": 2,
        "unrouted": 0,
        "landed": euro(11_994),
        "co2e_g": found["total"]["as_was"]["co2e_g"],
        "delivery_minutes": found["total"]["as_was"]["delivery_minutes"],
        "late_lines": 0,
        "late_minutes": 0,
        "without_options": 0,
        "cost_millis": found["total"]["as_was"]["cost_millis"],
    }
    assert found["total"]["as_would_be"]["landed"] == euro(12_294)
    assert (found["total"]["moved"], found["total"]["proven"]) == (1, True)
    assert found["nodes"] == [
        {
            "node_id": "N101",
            "as_was_lines": 2,
            "as_would_be_lines": 1,
            "as_was_share": 1.0,
            "as_would_be_share": 0.5,
        },
        {
            "node_id": "N102",
            "as_was_lines": 0,
            "as_would_be_lines": 1,
            "as_was_share": 0.0,
            "as_would_be_share": 0.5,
        },
    ]
    (run,) = found["runs"]
    assert (run["moved"], run["as_would_be"]["landed"]) == (1, euro(12_294))
    assert found["supposed"]["policy"]["caps"][0]["share"] == 0.5
    (line,) = found["lines"]
    assert (line["as_was"]["node_ids"], line["as_would_be"]["node_ids"]) == (["N101"], ["N102"])
    assert (line["as_was"]["landed"], line["as_would_be"]["landed"]) == (euro(5_997), euro(6_297))
    assert line["as_was"]["promised_at"] == line["as_would_be"]["promised_at"]


def test_shadow_runs_are_listed_without_their_runs(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner)
    asked = api.client.post(PATH, json=THAT_DAY | {"policy": HALF_EACH}).json()

    (listed,) = api.client.get(PATH).json()["data"]

    assert listed == asked
    assert "runs" not in listed


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"policy": HALF_EACH, "since": "2026-06-17T00:00:00Z", "until": "2026-06-16T00:00:00Z"}, "invalid_shadow_run",
         "until must be after since"),
        (THAT_DAY, "invalid_shadow_run", "nothing is supposed: state"),
        (THAT_DAY | {"policy": HALF_EACH, "policy_version": 1}, "invalid_shadow_run", "state either"),
        (THAT_DAY | {"policy": {"caps": [{"share": 0.1}]}}, "contradictory_policy", "without a place"),
        (THAT_DAY | {"policy": HALF_EACH}, "nothing_archived", "choose a later time"),
        ({"policy": HALF_EACH}, "validation_failed", "since is required"),
        (THAT_DAY | {"policy": {"caps": [{"share": 2}]}}, "validation_failed", "must be less than 1"),
    ],
)  # fmt: skip
def test_what_can_not_be_supposed_is_refused_in_words(api: Api, body: dict[str, Any], code: str, words: str) -> None:
    given_nodes(api)

    answer = api.client.post(PATH, json=body)

    found = refusal_of(answer)
    assert (found.status, found.code) == (422, code)
    assert words in answer.json()["detail"]


def test_only_the_operator_supposes_another_network_or_the_policy_of_others(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner)
    network = THAT_DAY | {"network": {"without_nodes": ["N101"]}}
    elsewhere = THAT_DAY | {"policy": HALF_EACH, "organisation_id": "org_other"}

    refused = [refusal_of(api.client.post(PATH, json=body)) for body in (network, elsewhere)]
    with api.as_(token_of(api, "operator")) as operator:
        asked = operator.post(PATH, json=network)
        work(api)
        found = operator.get(asked.headers["Location"]).json()

    assert refused == [Refusal(status=403, code="operator_only")] * 2
    assert [(node["node_id"], node["as_would_be_lines"]) for node in found["nodes"]] == [("N101", 0), ("N102", 1)]
    assert api.client.get(asked.headers["Location"]).status_code == 404


def test_the_operator_supposes_a_policy_for_one_owner(api: Api) -> None:
    given_nodes(api)
    other = given_owner(api.engine, name="Südbahn", part_no="RL-0002")
    given_run(api, api.owner, api.owner, other, other)
    body = THAT_DAY | {"policy": HALF_EACH, "organisation_id": other.organisation_id}

    with api.as_(token_of(api, "operator")) as operator:
        asked = operator.post(PATH, json=body)
        work(api)
        found = operator.get(asked.headers["Location"]).json()

    assert [(it["node_id"], it["as_was_lines"], it["as_would_be_lines"]) for it in found["nodes"]] == [
        ("N101", 4, 3),
        ("N102", 0, 1),
    ]
    assert found["total"]["as_was"]["lines"] == 4


def test_a_decision_is_replayed_and_comes_out_the_same(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner)
    decided = decision_id(api)

    asked = api.client.post(f"/v1/decisions/{decided}/replay")
    work(api)
    found = api.client.get(asked.headers["Location"]).json()

    assert (asked.status_code, asked.json()["state"], asked.json()["outcome"]) == (202, "waiting", None)
    assert (found["state"], found["outcome"], found["reasons"], found["decision_id"]) == ("done", "same", [], decided)
    assert found["line"]["then"] == found["line"]["now"]
    assert found["plan"]["verified"] is True
    assert found["inputs"]["versions_then"] == found["inputs"]["versions_now"]


def test_what_has_no_archive_is_gone(api: Api) -> None:
    given_nodes(api)
    given_run(api, api.owner)
    in_transaction(api.engine, lambda session: rows(session, "DELETE FROM run_archives RETURNING 1"))

    asked = api.client.post(f"/v1/decisions/{decision_id(api)}/replay")
    work(api)
    found = api.client.get(asked.headers["Location"]).json()

    assert (found["outcome"], [reason["code"] for reason in found["reasons"]]) == ("gone", ["ARCHIVE_GONE"])
    assert (found["line"], found["plan"], found["inputs"]) == (None, None, {})
