"""Shipments over HTTP: prepared with proof, handed over, followed until they arrive, or lost."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import permutations

import httpx
import pytest

from fabroute.cli.invariants import check_invariants
from fabroute.kernel.time import utc_now
from tests.factories.api import Api
from tests.factories.api_jobs import JobWorld, a_job_world
from tests.factories.api_shipments import PARCEL, given_inspected_job, given_shipment
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, messages_of, refusal_of
from tests.unit.integrations.paper.pictures import codes_of, pages_of, words_of

RECALLED = """
INSERT INTO recalls (id, supplier_lot, material, lot_ids, reason, actor, recalled_at, document)
SELECT 'rcl_1', 'L-2291', '', jsonb_build_array(lot_id), 'contaminated', 'key_1', now(),
    '{"owner_ids": [], "node_ids": [], "lots": [], "builds": [], "jobs": []}' FROM jobs RETURNING id
"""


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        yield made


@pytest.fixture
def inspected(world: JobWorld) -> JobWorld:
    return given_inspected_job(world)


def shipped_with(world: JobWorld, *parcels: Mapping[str, object], **changes: object) -> httpx.Response:
    body = {"carrier": "DHL", "parcels": [dict(parcel) for parcel in parcels or (PARCEL,)]} | changes
    return world.bureau.post(f"{world.job}/shipments", json=body)


def handed_over(world: JobWorld, *parcels: Mapping[str, object]) -> str:
    url = f"/v1/shipments/{given_shipment(world, *parcels)['id']}"
    assert world.bureau.post(f"{url}/handover").status_code == 200
    return url


def said(world: JobWorld, url: str, status: str, *, hours: float = 1, **more: object) -> httpx.Response:
    at = (utc_now() - timedelta(hours=hours)).isoformat()
    return world.bureau.post(f"{url}/events", json={"status": status, "occurred_at": at} | more)


def told(world: JobWorld, like: str) -> list[object]:
    query = "SELECT name FROM outbox_events WHERE name LIKE :like ORDER BY id"
    return [name for (name,) in in_transaction(world.api.engine, lambda session: rows(session, query, like=like))]


LEASES_AND_SHIPMENTS = ("a lease has a kind and an end", "a delivered job's shipments all arrived")


def broken(world: JobWorld) -> list[str]:
    findings = [it for it in check_invariants(world.api.engine) if it.invariant.name in LEASES_AND_SHIPMENTS]
    assert len(findings) == len(LEASES_AND_SHIPMENTS)
    return [it.invariant.name for it in findings if it.broken]


def test_inspected_parts_are_shipped_and_arrive(inspected: JobWorld) -> None:
    made = given_shipment(inspected, service="express", tracking_number="JD01")
    url = f"/v1/shipments/{made['id']}"

    assert (made["state"], made["carrier"], made["quantity"]) == ("prepared", "dhl", 3)
    assert made["parcels"] == [
        PARCEL | {"number": 1, "length_mm": None, "width_mm": None, "height_mm": None, "tracking_number": None}
    ]
    assert inspected.owner.get(inspected.job).json()["state"] == "inspected"
    assert inspected.bureau.post(f"{url}/handover").json()["state"] == "handed_over"
    assert inspected.owner.get(inspected.job).json()["state"] == "shipped"
    assert said(inspected, url, "in_transit", hours=5, place="Leipzig").json()["state"] == "in_transit"
    arrived = said(inspected, url, "delivered", hours=2).json()
    job = inspected.owner.get(inspected.job).json()
    assert (arrived["state"], job["state"]) == ("delivered", "delivered")
    assert [event["status"] for event in arrived["events"]] == ["in_transit", "delivered"]
    assert broken(inspected) == []
    assert job["delivered_at"] == arrived["delivered_at"] == arrived["events"][1]["occurred_at"]
    assert told(inspected, "job.%")[-2:] == ["job.shipped", "job.delivered"]
    assert told(inspected, "shipment.%") == ["shipment.handed_over", "shipment.delivered"]


def test_a_label_without_a_street_is_warned_of_when_it_is_prepared(inspected: JobWorld) -> None:
    bare = "UPDATE orders SET ship_to_street = '', ship_to_postal_code = '20457', ship_to_name = 'Depot' RETURNING id"
    in_transaction(inspected.api.engine, lambda session: rows(session, bare))
    first = given_shipment(inspected, PARCEL | {"quantity": 1})
    whole = bare.replace("street = ''", "street = 'Am Kai 4'")
    in_transaction(inspected.api.engine, lambda session: rows(session, whole))

    lacks = "the labels lack the recipient's street: ask the owner before you hand them to the carrier"
    assert (first["state"], first["warnings"]) == ("prepared", [lacks])
    assert given_shipment(inspected, PARCEL | {"quantity": 1})["warnings"] == []


def test_nothing_is_shipped_without_proof_and_the_refusal_says_what_is_missing(world: JobWorld) -> None:
    assert refusal_of(shipped_with(world)) == Refusal(status=409, code="job_state_conflict")
    world.fetched_long_ago()
    world.printed(1, "good")
    refused = shipped_with(world)

    assert refusal_of(refused) == Refusal(status=409, code="shipment_without_evidence")
    assert "1 of 3 good prints are reported" in refused.json()["detail"]
    assert "1 prints lack a passed visual inspection, such as 1" in refused.json()["detail"]
    assert world.bureau.get(f"{world.job}/shipments").json() == {"data": []}


def test_parts_travel_in_several_shipments_until_all_are_gone(inspected: JobWorld) -> None:
    one, two = {"quantity": 1, "weight_grams": 300}, {"quantity": 2, "weight_grams": 600}
    first = handed_over(inspected, one)
    assert inspected.owner.get(inspected.job).json()["state"] == "inspected"
    refused = shipped_with(inspected)
    assert refusal_of(refused) == Refusal(status=409, code="shipment_too_large")
    assert "2 are left to ship" in refused.json()["detail"]
    second = handed_over(inspected, two)
    assert inspected.owner.get(inspected.job).json()["state"] == "shipped"
    said(inspected, first, "delivered")
    assert inspected.owner.get(inspected.job).json()["state"] == "shipped"
    said(inspected, second, "delivered")
    assert inspected.owner.get(inspected.job).json()["state"] == "delivered"
    listed = inspected.owner.get(f"/v1/orders/{inspected.order_id}/shipments").json()["data"]
    assert [it["quantity"] for it in listed] == [1, 2]
    assert inspected.bureau.get(f"{inspected.job}/shipments").json()["data"] == listed


def test_a_prepared_shipment_is_taken_back_and_its_parts_go_into_another(inspected: JobWorld) -> None:
    url = f"/v1/shipments/{given_shipment(inspected)['id']}"
    cancelled = inspected.bureau.post(f"{url}/cancellation")
    again = inspected.bureau.post(f"{url}/cancellation")

    assert cancelled.json() == again.json()
    assert cancelled.json()["state"] == "cancelled"
    for path in ("handover", "events"):
        answer = said(inspected, url, "in_transit") if path == "events" else inspected.bureau.post(f"{url}/{path}")
        assert refusal_of(answer) == Refusal(status=409, code="shipment_state_conflict")
    assert refusal_of(inspected.bureau.get(f"{url}/label.pdf")).code == "shipment_state_conflict"
    other = handed_over(inspected)
    assert refusal_of(inspected.bureau.post(f"{other}/cancellation")).code == "shipment_state_conflict"


def test_what_is_said_twice_or_early_counts_once_and_when_it_may(inspected: JobWorld) -> None:
    url = f"/v1/shipments/{given_shipment(inspected)['id']}"
    at = (utc_now() - timedelta(hours=1)).isoformat()
    event = {"status": "in_transit", "occurred_at": at}
    early = inspected.bureau.post(f"{url}/events", json=event).json()
    twice = inspected.bureau.post(f"{url}/events", json=event).json()

    assert (early["state"], len(early["events"])) == ("prepared", 1)
    assert twice == early
    assert inspected.bureau.post(f"{url}/handover").json()["state"] == "in_transit"
    assert said(inspected, url, "delivered").json()["state"] == "delivered"
    assert inspected.owner.get(inspected.job).json()["state"] == "delivered"
    assert inspected.bureau.post(f"{url}/handover").json()["state"] == "delivered"
    assert told(inspected, "shipment.%") == ["shipment.handed_over", "shipment.delivered"]


def test_what_nobody_handed_over_can_not_have_arrived(inspected: JobWorld) -> None:
    url = f"/v1/shipments/{given_shipment(inspected)['id']}"
    refused = said(inspected, url, "delivered")

    assert refusal_of(refused) == Refusal(status=409, code="shipment_state_conflict")
    assert refused.json()["detail"].endswith(f"hand it over first, POST {url}/handover")
    assert inspected.owner.get(url).json()["events"] == []


def test_in_whatever_order_messages_come_the_end_is_the_same(inspected: JobWorld) -> None:
    parcels = [{"quantity": 2, "weight_grams": 600}, {"quantity": 1, "weight_grams": 300}]
    url, now = handed_over(inspected, *parcels), utc_now()
    messages = [("in_transit", 9, None), ("delivered", 5, 1), ("exception", 4, 2), ("delivered", 3, 2)]
    ends = set()
    for order in list(permutations(messages))[::5]:
        for status, hours, parcel in order:
            at = (now - timedelta(hours=hours)).isoformat()
            inspected.bureau.post(f"{url}/events", json={"status": status, "occurred_at": at, "parcel": parcel})
        answer = inspected.owner.get(url).json()
        ends.add((answer["state"], answer["delivered_at"], len(answer["events"])))

    assert ends == {("delivered", (now - timedelta(hours=3)).isoformat().replace("+00:00", "Z"), 4)}
    assert inspected.owner.get(inspected.job).json()["state"] == "delivered"
    assert told(inspected, "job.delivered") == ["job.delivered"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"carrier": "a b"}, "/carrier"),
        ({"parcels": []}, "/parcels"),
        ({"parcels": [PARCEL | {"quantity": 0}]}, "/parcels/0/quantity"),
        ({"parcels": [PARCEL | {"weight_grams": 0}]}, "/parcels/0/weight_grams"),
        ({"tracking_number": "Ä1"}, "/tracking_number"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_shipment_that_can_not_be_is_refused_field_by_field(
    lasting: JobWorld, change: dict[str, object], pointer: str
) -> None:
    assert refusal_of(shipped_with(lasting, **change)) == Refusal(
        status=422, code="validation_failed", pointers=(pointer,)
    )


@pytest.fixture(scope="module")
def lasting(standing_api: Api) -> Iterator[JobWorld]:
    """A world in which nothing is shipped."""
    with a_job_world(standing_api) as made:
        yield made


def test_only_those_who_may_see_the_job_see_its_shipments(inspected: JobWorld) -> None:
    url = f"/v1/shipments/{given_shipment(inspected)['id']}"

    for client in (inspected.rival, inspected.stranger):
        assert refusal_of(client.get(url)) == Refusal(status=404, code="unknown_shipment")
        assert refusal_of(client.get(f"{url}/packing-slip.pdf")) == Refusal(status=404, code="unknown_shipment")
        assert refusal_of(client.post(f"{url}/handover")) == Refusal(status=404, code="unknown_shipment")
        assert refusal_of(client.get(f"{inspected.job}/shipments")) == Refusal(status=404, code="unknown_job")
        assert refusal_of(client.get(f"/v1/orders/{inspected.order_id}/shipments")).code == "unknown_order"
    for client in (inspected.owner, inspected.bureau, inspected.operator):
        assert client.get(url).status_code == 200
    assert refusal_of(inspected.owner.post(f"{url}/handover")) == Refusal(status=403, code="not_the_node")
    assert refusal_of(
        inspected.owner.post(f"{inspected.job}/shipments", json={"carrier": "x", "parcels": [PARCEL]})
    ) == (Refusal(status=403, code="not_the_node"))
    assert refusal_of(inspected.owner.get("/v1/shipments/shp_none")) == Refusal(status=404, code="unknown_shipment")


def test_an_event_that_can_not_be_says_why(inspected: JobWorld) -> None:
    url = handed_over(inspected)

    future, parcel = said(inspected, url, "delivered", hours=-1), said(inspected, url, "delivered", parcel=2)
    unknown = said(inspected, url, "stolen")
    assert refusal_of(future) == Refusal(status=422, code="invalid_shipment_event", pointers=("/occurred_at",))
    assert refusal_of(parcel) == Refusal(status=422, code="invalid_shipment_event", pointers=("/parcel",))
    assert refusal_of(unknown) == Refusal(status=422, code="validation_failed", pointers=("/status",))
    assert messages_of(future) == ["must not be in the future"]
    before = said(inspected, url, "in_transit", hours=24 * 101)
    assert refusal_of(before) == Refusal(status=422, code="invalid_shipment_event", pointers=("/occurred_at",))
    assert messages_of(before) == ["must not be before the job was accepted"]
    assert inspected.owner.get(url).json()["events"] == []


def test_a_person_decides_about_a_lost_shipment(inspected: JobWorld) -> None:
    url = handed_over(inspected)
    decision = {"decision": "make_again", "reason": "the lorry burnt"}
    assert refusal_of(inspected.owner.post(f"{url}/loss", json=decision)).code == "shipment_state_conflict"
    said(inspected, url, "lost")

    assert inspected.owner.get(inspected.job).json()["state"] == "shipped"
    assert refusal_of(inspected.bureau.post(f"{url}/loss", json=decision)) == Refusal(status=403, code="not_the_owner")
    waited = inspected.owner.post(f"{url}/loss", json=decision | {"decision": "wait"})
    assert (waited.status_code, waited.json()["state"]) == (200, "lost")
    again = inspected.owner.post(f"{url}/loss", json=decision)
    job = inspected.owner.get(inspected.job).json()
    assert (again.status_code, job["state"]) == (200, "failed")
    assert "lost shipment" in job["end_reason"]
    assert job["end_reason"].endswith(": the lorry burnt")
    assert inspected.owner.get(f"/v1/orders/{inspected.order_id}").json()["state"] == "pending"
    assert broken(inspected) == []


def test_a_loss_is_accepted_once_the_other_parts_arrived_and_the_job_is_over(inspected: JobWorld) -> None:
    first = handed_over(inspected, {"quantity": 1, "weight_grams": 300})
    lost = handed_over(inspected, {"quantity": 2, "weight_grams": 600})
    said(inspected, lost, "lost")
    decision = {"decision": "accept_loss", "reason": "the lorry burnt"}
    early = inspected.owner.post(f"{lost}/loss", json=decision)
    said(inspected, first, "delivered")
    again = inspected.owner.post(f"{lost}/loss", json=decision | {"decision": "make_again"})
    foreign = inspected.bureau.post(f"{lost}/loss", json=decision)
    done = [inspected.owner.post(f"{lost}/loss", json=decision) for _ in range(2)]

    assert refusal_of(early) == Refusal(status=409, code="parts_under_way")
    assert refusal_of(again) == Refusal(status=409, code="parts_arrived")
    assert "1 of 3 parts" in again.json()["detail"]
    assert "decide accept_loss, and place an order for the 2 lost parts" in again.json()["detail"]
    assert refusal_of(foreign) == Refusal(status=403, code="not_the_owner")
    assert [(it.status_code, it.json()["state"]) for it in done] == [(200, "lost")] * 2
    assert inspected.owner.get(inspected.job).json()["state"] == "delivered"
    assert told(inspected, "job.delivered") == ["job.delivered"]
    timeline = inspected.owner.get(f"/v1/orders/{inspected.order_id}/timeline").json()["data"]
    (entry,) = [it for it in timeline if it["what"] == "job.delivered"]
    assert "1 of 3 parts arrived, the loss of 2 is accepted" in str(entry)
    assert broken(inspected) == []


def test_of_a_shipment_whose_parcels_are_partly_lost_what_arrived_counts(inspected: JobWorld) -> None:
    url = handed_over(inspected, {"quantity": 2, "weight_grams": 600}, {"quantity": 1, "weight_grams": 300})
    decision = {"decision": "accept_loss", "reason": "crushed"}
    said(inspected, url, "lost")
    nothing = inspected.owner.post(f"{url}/loss", json=decision)
    said(inspected, url, "delivered", parcel=1)
    twice = inspected.owner.post(f"{url}/loss", json=decision | {"decision": "make_again"})
    done = inspected.owner.post(f"{url}/loss", json=decision)

    assert refusal_of(nothing) == Refusal(status=409, code="nothing_arrived")
    assert refusal_of(twice) == Refusal(status=409, code="parts_arrived")
    assert (done.status_code, inspected.owner.get(inspected.job).json()["state"]) == (200, "delivered")


def test_papers_bear_the_owner_s_brand_and_lead_to_each_part_s_passport(inspected: JobWorld) -> None:
    owner = inspected.owner
    tag = owner.get("/v1/brand").headers["ETag"]
    brand = {"name": "Nordbahn Ersatzteile", "sender": ["Hafenstraße 12", "20457 Hamburg"], "slip_text": "Thank you."}
    assert owner.put("/v1/brand", json=brand, headers={"If-Match": tag}).status_code == 200
    url = f"/v1/shipments/{given_shipment(inspected, tracking_number='JD0123456789')['id']}"

    slip, label = inspected.bureau.get(f"{url}/packing-slip.pdf"), inspected.bureau.get(f"{url}/label.pdf")
    assert (slip.headers["Content-Type"], label.headers["Content-Type"]) == ("application/pdf", "application/pdf")
    words = words_of(slip.content)
    for wanted in ("Nordbahn Ersatzteile", "Thank you.", "Hamburg", "RL-0001", "S-3"):
        assert wanted in words
    for hidden in ("N101", "EUR", "20.00", "2000"):
        assert hidden not in words
    assert [text for _, text in codes_of(label.content)] == ["JD0123456789"]
    assert len(pages_of(label.content)) == 1
    links = [text for _, text in codes_of(slip.content)]
    assert len(links) == 3
    assert {link.rpartition("/")[0] for link in links} == {"http://127.0.0.1:8000/v1/passports"}
    again = inspected.bureau.get(f"{url}/packing-slip.pdf", headers={"If-None-Match": slip.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    with inspected.api.as_(None) as anyone:
        passport = anyone.get(links[0].partition(":8000")[2])
    assert passport.json()["serial"] == "S-1"


def test_the_timeline_of_an_order_tells_of_lost_parcels_recalls_and_withdrawn_certificates(inspected: JobWorld) -> None:
    owner, url = inspected.owner, handed_over(inspected)
    said(inspected, url, "lost", parcel=1, place="Ulm", hours=0)
    waited = owner.post(f"{url}/loss", json={"decision": "wait", "reason": "the carrier looks for it"})
    assert waited.status_code == 200
    recall = {"lot_id": "lot_1", "reason": "contaminated"}
    assert inspected.operator.post("/v1/recalls", json=recall).status_code in (200, 201)
    (certificate,) = owner.get(f"{inspected.job}/conformity-certificates").json()["data"]

    found = {it["what"]: it for it in owner.get(f"/v1/orders/{inspected.order_id}/timeline?limit=200").json()["data"]}
    lost, decided = found["parcel.lost"], found["shipment.loss_decided"]
    assert (lost["figures"]["place"], lost["figures"]["parcel"], lost["job_id"]) == ("Ulm", 1, inspected.job_id)
    assert (decided["by"], decided["figures"]["decision"]) == ("person", "wait")
    assert decided["figures"]["reason"] == "the carrier looks for it"
    touched, withdrawn = found["job.parts_recalled"], found["conformity.withdrawn"]
    assert (touched["figures"]["reason"], touched["figures"]["outcome"]) == ("contaminated", "shipped")
    assert withdrawn["figures"] == {"certificate": certificate["id"], "reason": "material recalled: contaminated"}
    assert withdrawn["position"] == 1


def test_parts_of_recalled_material_are_neither_certified_nor_sent_out(inspected: JobWorld) -> None:
    url = f"/v1/shipments/{given_shipment(inspected)['id']}"
    in_transaction(inspected.api.engine, lambda session: rows(session, RECALLED))
    gone = Refusal(status=409, code="parts_recalled")

    assert refusal_of(inspected.bureau.post(f"{inspected.job}/conformity-certificate")) == gone
    assert refusal_of(inspected.bureau.get(f"{url}/packing-slip.pdf")) == gone
    assert refusal_of(inspected.bureau.get(f"{url}/label.pdf")) == gone
    refused = inspected.bureau.post(f"{url}/handover")
    assert (refusal_of(refused), inspected.owner.get(url).json()["state"]) == (gone, "prepared")
    assert "(contaminated), GET /v1/recalls/rcl_1 tells" in refused.json()["detail"]
