from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.network.service import save_network
from tests.factories.api import Api
from tests.factories.api_jobs import qualify_node
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_network, a_node, save_a_network
from tests.factories.orders import given_part, given_revision
from tests.factories.organisations import BUREAU, NOW
from tests.factories.problems import Refusal, refusal_of
from tests.factories.production import given_routed_lines

NODE = "/v1/nodes/N101"
DOWN = {"status": "down", "reason": "water in the hall"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Clients of the parties: the parts' owner, the operator, the node's own bureau, and a rival of it."""

    owner: httpx.Client
    operator: httpx.Client
    bureau: httpx.Client
    rival: httpx.Client


def key_of(api: Api, organisation_id: str, kind: OrganisationKind) -> str:
    with unit_of_work(api.engine) as session:
        create_organisation(session, name=kind, kind=kind, now=NOW, organisation_id=organisation_id)
        return issue_api_key(session, organisation_id=organisation_id, name="test", scopes=ALL_SCOPES, now=NOW).token


@pytest.fixture
def clients(api: Api) -> Iterator[Clients]:
    """The network of one node in Berlin, and everyone who may look at it."""
    with unit_of_work(api.engine) as session:
        save_a_network(session)
        hub = a_node(node_id="N102", organisation_id=BUREAU, kind="regional_hub", city="Lyon", country="FR")
        save_network(session, data=a_network(nodes=(hub,), machines=(), offers=(), lots=(), models=(), materials=()))
    with (
        api.as_(key_of(api, "org_operator", "operator")) as operator,
        api.as_(key_of(api, BUREAU, "bureau")) as bureau,
        api.as_(key_of(api, "org_rival", "bureau")) as rival,
    ):
        yield Clients(owner=api.client, operator=operator, bureau=bureau, rival=rival)


def test_nodes_are_listed_by_page_country_and_kind(clients: Clients) -> None:
    first = clients.owner.get("/v1/nodes?limit=1")
    second = clients.owner.get(first.links["next"]["url"])

    assert [node["id"] for node in first.json()["data"] + second.json()["data"]] == ["N101", "N102"]
    assert second.json()["has_more"] is False
    assert [node["id"] for node in clients.owner.get("/v1/nodes?country=FR").json()["data"]] == ["N102"]
    assert [node["id"] for node in clients.owner.get("/v1/nodes?kind=service_bureau").json()["data"]] == ["N101"]
    assert refusal_of(clients.owner.get("/v1/nodes?kind=garage")).code == "validation_failed"
    assert refusal_of(clients.owner.get("/v1/nodes?country=fr")).code == "validation_failed"


def test_a_node_shows_what_it_prints_and_never_what_it_costs(clients: Clients) -> None:
    node = clients.owner.get(NODE).json()

    assert (node["id"], node["kind"], node["city"], node["status"]) == ("N101", "service_bureau", "Berlin", "up")
    assert [(machine["id"], machine["process"], machine["build_x_mm"]) for machine in node["machines"]] == [
        ("N101-A", "MJF", 380)
    ]
    assert [(offer["material"], offer["parameter_set"], offer["state"]) for offer in node["offers"]] == [
        ("PA12-MJF", "PS-1", "qualified")
    ]
    words = str(node)
    assert not [secret for secret in ("margin", "labour", "rate", "utilisation", "price") if secret in words]


def test_the_store_is_seen_by_the_node_itself_and_the_operator_only(clients: Clients) -> None:
    assert clients.owner.get(NODE).json()["lots"] is None
    assert clients.rival.get(NODE).json()["lots"] is None
    for client in (clients.bureau, clients.operator):
        (lot,) = client.get(NODE).json()["lots"]
        assert (lot["material"], lot["remaining_grams"], lot["state"]) == ("PA12-MJF", 10_000, "available")


def test_a_node_that_is_not_there_is_unknown(clients: Clients) -> None:
    for response in (
        clients.owner.get("/v1/nodes/N999"),
        clients.operator.patch("/v1/nodes/N999", json=DOWN, headers={"If-Match": '"v1-x"'}),
        clients.operator.get("/v1/nodes/N999/jobs"),
    ):
        assert refusal_of(response) == Refusal(status=404, code="unknown_node")


def test_a_node_is_taken_down_under_the_version_that_was_seen(api: Api, clients: Clients) -> None:
    before = clients.operator.get(NODE)
    changed = clients.operator.patch(NODE, json=DOWN, headers={"If-Match": before.headers["ETag"]})
    after = clients.operator.get(NODE)
    events = "SELECT data->>'reason' FROM outbox_events WHERE name = 'network.changed' AND subject_id = 'N101'"

    assert changed.status_code == 200
    assert (changed.json()["status"], changed.json()["status_reason"]) == ("down", "water in the hall")
    assert changed.json() == after.json() | {"outage": {"rerouted": [], "asked": [], "suspect": [], "over": []}}
    assert [it.headers["ETag"].partition("-")[0] for it in (changed, after)] == ['"v2', '"v2']
    assert after.headers["ETag"] != before.headers["ETag"]
    assert in_transaction(api.engine, lambda session: rows(session, events)) == [("node_down",)]


def test_a_node_says_how_long_it_may_be_silent(api: Api, clients: Clients) -> None:
    before = clients.bureau.get(NODE)
    body = {"offer_seconds": 3600, "offline_seconds": 28_800, "reason": "a workshop at sea"}
    changed = clients.bureau.patch(NODE, json=body, headers={"If-Match": before.headers["ETag"]})
    stale = clients.bureau.patch(NODE, json=body, headers={"If-Match": before.headers["ETag"]})
    both = clients.operator.patch(
        NODE, json=DOWN | {"offline_seconds": 0}, headers={"If-Match": changed.headers["ETag"]}
    )
    audited = "SELECT action FROM audit_entries WHERE subject_id = 'N101' ORDER BY id"

    assert (before.json()["offer_seconds"], before.json()["offline_seconds"]) == (None, 0)
    assert (changed.json()["offer_seconds"], changed.json()["offline_seconds"]) == (3600, 28_800)
    assert (both.json()["status"], both.json()["offer_seconds"], both.json()["offline_seconds"]) == ("down", 3600, 0)
    assert refusal_of(stale) == Refusal(status=412, code="stale_version")
    times = [name for (name,) in in_transaction(api.engine, lambda session: rows(session, audited))]
    assert times == ["node.times_set", "node.status_set", "node.times_set"]


def test_a_change_of_nothing_is_refused(clients: Clients) -> None:
    tag = {"If-Match": clients.bureau.get(NODE).headers["ETag"]}
    nothing = clients.bureau.patch(NODE, json={"reason": "why not"}, headers=tag)
    too_long = clients.bureau.patch(NODE, json={"offline_seconds": 604_801, "reason": "a year at sea"}, headers=tag)

    assert refusal_of(nothing).code == "validation_failed"
    assert refusal_of(too_long) == Refusal(status=422, code="validation_failed", pointers=("/offline_seconds",))


def test_a_change_of_something_else_than_was_seen_is_refused(clients: Clients) -> None:
    etag = clients.operator.get(NODE).headers["ETag"]
    clients.operator.patch(NODE, json=DOWN, headers={"If-Match": etag})

    late = clients.operator.patch(NODE, json={"status": "up", "reason": "dry"}, headers={"If-Match": etag})
    blind = clients.operator.patch(NODE, json={"status": "up", "reason": "dry"})
    strange = clients.operator.patch(NODE, json={"status": "up", "reason": "dry"}, headers={"If-Match": '"abc"'})

    assert refusal_of(late) == Refusal(status=412, code="stale_version")
    assert refusal_of(strange) == Refusal(status=412, code="unknown_tag")
    assert refusal_of(blind) == Refusal(status=428, code="precondition_required")
    assert clients.operator.get(NODE).json()["status"] == "down"


def test_a_star_changes_a_node_whatever_its_version_is(clients: Clients) -> None:
    down = clients.operator.patch(NODE, json=DOWN, headers={"If-Match": "*"})
    again = clients.bureau.patch(NODE, json={"status": "up", "reason": "dry"}, headers={"If-Match": "*"})
    nowhere = clients.operator.patch("/v1/nodes/N999", json=DOWN, headers={"If-Match": "*"})

    assert (down.status_code, down.json()["version"], again.status_code, again.json()["version"]) == (200, 2, 200, 3)
    assert clients.operator.get(NODE).json()["status"] == "up"
    assert refusal_of(nowhere) == Refusal(status=404, code="unknown_node")


def test_only_the_node_itself_and_the_operator_change_it(clients: Clients) -> None:
    etag = clients.owner.get(NODE).headers["ETag"]
    for stranger in (clients.owner, clients.rival):
        for response in (
            stranger.patch(NODE, json=DOWN, headers={"If-Match": etag}),
            stranger.post(f"{NODE}/lots", json={"material": "PA12-MJF", "grams": 1, "expires_on": "2027-01-01"}),
        ):
            assert refusal_of(response) == Refusal(status=403, code="node_not_yours")
    own = clients.bureau.patch(NODE, json=DOWN, headers={"If-Match": clients.bureau.get(NODE).headers["ETag"]})
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "broken", "reason": "x"}, "/status"),
        ({"status": "down"}, "/reason"),
        ({"status": "down", "reason": ""}, "/reason"),
        ({"status": "down", "reason": "x" * 401}, "/reason"),
        ({"status": "down", "reason": "x", "version": 2}, "/version"),
    ],
)
def test_a_status_that_can_not_be_taken_is_pointed_at(clients: Clients, body: dict[str, str], pointer: str) -> None:
    response = clients.operator.patch(NODE, json=body, headers={"If-Match": '"v1-x"'})

    assert refusal_of(response) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert clients.operator.get(NODE).json()["status"] == "up"


def test_a_lot_comes_into_the_store(clients: Clients) -> None:
    body = {"material": "PA12-MJF", "grams": 2500, "expires_on": "2099-03-31", "reuse_count": 2}
    added = clients.bureau.post(f"{NODE}/lots", json=body)

    lot = added.json()
    assert added.status_code == 201
    assert (lot["initial_grams"], lot["remaining_grams"], lot["expires_on"]) == (2500, 2500, "2099-03-31")
    assert (lot["state"], lot["reuse_count"]) == ("available", 2)
    assert any(each.items() <= lot.items() for each in clients.operator.get(NODE).json()["lots"])


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"grams": 0}, Refusal(status=422, code="validation_failed", pointers=("/grams",))),
        ({"grams": 10**12}, Refusal(status=422, code="validation_failed", pointers=("/grams",))),
        ({"expires_on": "31.03.2027"}, Refusal(status=422, code="validation_failed", pointers=("/expires_on",))),
        ({"expires_on": "2026-06-14"}, Refusal(status=422, code="invalid_lot", pointers=("/expires_on",))),
        ({"state": "gone"}, Refusal(status=422, code="validation_failed", pointers=("/state",))),
        ({"material": "GOLD"}, Refusal(status=422, code="unknown_material", pointers=("/material",))),
    ],
)
def test_a_lot_that_can_not_be_taken_is_refused(clients: Clients, change: dict[str, object], refusal: Refusal) -> None:
    body = {"material": "PA12-MJF", "grams": 2500, "expires_on": "2099-03-31"} | change

    assert refusal_of(clients.bureau.post(f"{NODE}/lots", json=body)) == refusal
    assert len(clients.operator.get(NODE).json()["lots"]) == 1


def test_the_queue_of_a_node_is_seen_by_itself_the_operator_and_in_part_by_the_owner(
    api: Api, clients: Clients
) -> None:
    qualify_node(api.engine)
    orders = [api.place(key=str(number)).json() for number in range(3)]
    given_routed_lines(api.engine)
    api.client.post(f"/v1/orders/{orders[0]['id']}/cancel")

    offered = clients.bureau.get(f"{NODE}/jobs?state=offered&limit=1")
    rest = clients.bureau.get(offered.links["next"]["url"])
    jobs = offered.json()["data"] + rest.json()["data"]

    assert {job["order_id"] for job in jobs} == {order["id"] for order in orders[1:]}
    assert {(job["part"], job["price"]["amount_minor"], job["state"]) for job in jobs} == {("RL-0001", 2000, "offered")}
    assert len(clients.operator.get(f"{NODE}/jobs").json()["data"]) == 3
    assert len(clients.owner.get(f"{NODE}/jobs?state=cancelled").json()["data"]) == 1
    assert refusal_of(clients.rival.get(f"{NODE}/jobs")) == Refusal(status=404, code="unknown_node")
    assert refusal_of(clients.bureau.get(f"{NODE}/jobs?state=lost")).code == "validation_failed"


def test_parts_are_listed_with_their_revisions_and_files(api: Api) -> None:
    part_id = given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="AA-1/2 ö")
    given_revision(api.engine, part_id=part_id, revision="A", state="draft")

    first = api.client.get("/v1/parts?limit=1")
    second = api.client.get(first.links["next"]["url"])
    (draft,), (released,) = first.json()["data"], second.json()["data"]

    assert (draft["part_no"], draft["released_revision"]) == ("AA-1/2 ö", None)
    assert draft["revisions"][0]["print_file"] is None
    assert (released["part_no"], released["released_revision"], second.json()["has_more"]) == ("RL-0001", "A", False)
    (revision,) = released["revisions"]
    assert (revision["state"], revision["box"]) == ("released", {"x_mm": 86, "y_mm": 58, "z_mm": 54})
    assert len(revision["print_file"]["sha256"]) == 64


def test_a_part_is_read_by_its_number_and_only_again_when_it_changed(api: Api) -> None:
    first = api.client.get("/v1/parts/RL-0001")
    again = api.client.get("/v1/parts/RL-0001", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.json()["part_no"], first.json()["released_revision"]) == ("RL-0001", "A")
    assert again.status_code == 304
    given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="AA-1/2 ö")
    assert api.client.get("/v1/parts/AA-1%2F2%20%C3%B6").json()["part_no"] == "AA-1/2 ö"
    assert refusal_of(api.client.get("/v1/parts/rl-0001")) == Refusal(status=404, code="unknown_part")
