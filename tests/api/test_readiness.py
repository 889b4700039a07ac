"""Readiness and planning scopes over HTTP."""

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.routing.service.scopes import claim_scope
from tests.factories.api import Api, an_order
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import given_part, given_revision
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.readiness import given_readiness
from tests.factories.routable import given_routable_network

PATH = "/v1/readiness"
TWO_NODES = (a_node(), a_node(node_id="N102", city="Potsdam", minimum_order_minor=6_000))


@pytest.fixture
def ready(api: Api) -> Api:
    """The API beside two nodes that can make the owner's part, of which one has no certificate."""
    given_routable_network(api.engine, nodes=TWO_NODES, today=utc_now().date())
    in_transaction(
        api.engine, lambda session: rows(session, "DELETE FROM certificates WHERE node_id = 'N102' RETURNING 1")
    )
    api.place(an_order(lines=[{"part": "RL-0001", "quantity": 3}]))
    return api


def token_of(api: Api, kind: OrganisationKind) -> str:
    with unit_of_work(api.engine) as session:
        organisation = create_organisation(session, name=kind, kind=kind, now=NOW)
        return issue_api_key(session, organisation_id=organisation, name="test", scopes=ALL_SCOPES, now=NOW).token


def test_a_report_is_asked_for_made_and_read(ready: Api) -> None:
    before = ready.client.get(PATH)
    asked, again = ready.client.post(PATH), ready.client.post(PATH)
    waiting = ready.client.get(PATH)
    report_id = given_readiness(ready)
    answer = ready.client.get(PATH).json()
    report, (entry,) = answer["report"], answer["data"]

    assert refusal_of(before) == Refusal(status=404, code="no_readiness_report")
    assert (asked.status_code, asked.json()) == (202, again.json())
    assert "is being made" in problem_of(waiting)["detail"]
    assert (report["id"], report["parts"], report["entries"], report["asked"]) == (report_id, 1, 1, None)
    assert asked.json()["id"] == report_id
    assert report["counts"] == {"no_route": 0, "ends_soon": 0, "one_failure_away": 1, "ready": 0}
    assert (entry["part"], entry["region"], entry["city"], entry["quantity"]) == ("RL-0001", "europe", "Hamburg", 3)
    assert (entry["state"], entry["nodes_now"], entry["nodes_later"], entry["only_node"]) == (
        "one_failure_away",
        1,
        1,
        "N101",
    )
    assert entry["reasons"] == {"CERTIFICATE_MISSING": 1}
    assert [node["node_id"] for node in entry["nodes"]] == ["N101"]


def test_what_would_help_is_ranked_with_what_it_would_cost(ready: Api) -> None:
    given_readiness(ready)
    answer = ready.client.get(PATH).json()
    (source,), (second,) = answer["report"]["sources"], answer["data"][0]["second_sources"]

    assert (source["what"], source["kind"], source["subject"]) == ("Potsdam proves ISO9001", "certificate", "ISO9001")
    assert (source["parts"], source["part_nos"], source["regions"]) == (1, ["RL-0001"], ["europe"])
    assert second["needs"] == [{"kind": "certificate", "subject": "ISO9001"}]
    assert second["extra_minor"] == source["extra_minor"] == 6_000 - 5_038  # at least 60.00 instead of 50.38
    assert second["landed_minor"] == answer["data"][0]["cheapest_minor"] + 6_000 - 5_038


def test_changes_since_the_report_before_are_told(ready: Api) -> None:
    given_readiness(ready)
    in_transaction(ready.engine, lambda session: rows(session, "UPDATE nodes SET status = 'down' RETURNING 1"))
    given_readiness(ready)

    report = ready.client.get(PATH).json()["report"]
    assert report["worsened"] == [
        {"part": "RL-0001", "region": "europe", "state_before": "one_failure_away", "state": "no_route"}
    ]
    assert report["improved"] == []


def test_entries_are_filtered_and_come_in_pages(ready: Api) -> None:
    for number in range(2, 5):
        part_id = given_part(ready.engine, organisation_id=ready.owner.organisation_id, part_no=f"RL-000{number}")
        given_revision(ready.engine, part_id=part_id, revision="A")
    given_readiness(ready)

    first = ready.client.get(f"{PATH}?limit=3")
    second = ready.client.get(first.links["next"]["url"])

    assert [it["part"] for it in first.json()["data"]] == ["RL-0001", "RL-0002", "RL-0003"]
    assert [it["part"] for it in second.json()["data"]] == ["RL-0004"]
    assert (first.json()["has_more"], second.json()["has_more"], second.json()["next_cursor"]) == (True, False, None)
    assert [it["ordered"] for it in first.json()["data"]] == [True, False, False]
    for query, count in (("state=one_failure_away", 4), ("state=ready", 0), ("part=RL-0003", 1), ("region=rest", 0)):
        assert len(ready.client.get(f"{PATH}?{query}").json()["data"]) == count
    refused = refusal_of(ready.client.get(f"{PATH}?state=fine"))
    assert (refused.status, refused.code) == (422, "validation_failed")


def test_bureaus_learn_nothing_and_other_owners_have_their_own(ready: Api) -> None:
    given_readiness(ready)

    with ready.as_(token_of(ready, "bureau")) as bureau:
        assert refusal_of(bureau.get(PATH)) == Refusal(status=403, code="owners_only")
        assert refusal_of(bureau.post(PATH)) == Refusal(status=403, code="owners_only")
    with ready.as_(token_of(ready, "owner")) as stranger:
        assert refusal_of(stranger.get(PATH)) == Refusal(status=404, code="no_readiness_report")


def test_a_report_tells_prices_and_takes_the_scope_of_orders_too(ready: Api) -> None:
    given_readiness(ready)
    with unit_of_work(ready.engine) as session:
        key = issue_api_key(
            session, organisation_id=ready.owner.organisation_id, name="parts", scopes=["inventory:read"], now=NOW
        )

    with ready.as_(key.token) as parts_only:
        refused = parts_only.get(PATH)

    assert (refused.status_code, problem_of(refused)["code"]) == (403, "missing_scope")
    assert "orders:read" in problem_of(refused)["detail"]


def test_the_operator_sees_what_waits_in_each_scope_and_who_decides_it(ready: Api) -> None:
    with unit_of_work(ready.engine) as session:
        claim_scope(session, name="metal/europe", lease_seconds=60, holder="host:7")
    with ready.as_(token_of(ready, "operator")) as operator:
        metal, nylon = operator.get("/v1/planning-scopes").json()["data"]
        page = operator.get("/v1/planning-scopes?limit=1")
        rest = operator.get(page.links["next"]["url"]).json()["data"]

    assert (metal["name"], metal["waiting"], metal["holder"], metal["fence"]) == ("metal/europe", 0, "host:7", 1)
    assert (nylon["name"], nylon["waiting"], nylon["holder"]) == ("polymer_powder/europe", 1, None)
    assert (nylon["oldest_at"] is None, nylon["last_run_id"], nylon["lease_until"]) == (False, None, None)
    assert [it["name"] for it in rest] == ["polymer_powder/europe"]
    assert refusal_of(ready.client.get("/v1/planning-scopes")) == Refusal(status=403, code="operator_only")
