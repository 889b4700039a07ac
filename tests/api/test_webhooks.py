"""Webhook endpoints and the event feed over HTTP, on one API for the module."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.outbox.service import record_all
from fabroute.webhooks.rules.catalogue import CATALOGUE
from fabroute.webhooks.rules.forms import FORMS
from fabroute.webhooks.service.sequencing import sequence_events
from tests.factories.api import Api
from tests.factories.databases import in_transaction, rows
from tests.factories.documents import whole
from tests.factories.organisations import NOW
from tests.factories.webhooks import an_event, deliver
from tests.fakes.senders import FAILED, TAKEN, FakeSender

URL = "https://hooks.example.com/fabroute"
Json = dict[str, Any]


@pytest.fixture
def other(standing_api: Api) -> Iterator[httpx.Client]:
    """A client of another organisation."""
    with unit_of_work(standing_api.engine) as session:
        organisation_id = create_organisation(session, name="Other", kind="owner", now=NOW)
        key = issue_api_key(session, organisation_id=organisation_id, name="test", scopes=ALL_SCOPES, now=NOW)
    with standing_api.as_(key.token) as client:
        yield client


def added(api: Api, **asked: object) -> Json:
    answer = api.client.post("/v1/webhook-endpoints", json={"url": URL, "types": ["*"]} | asked)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def path_of(found: Json) -> str:
    return f"/v1/webhook-endpoints/{found['endpoint']['id']}"


@pytest.fixture(autouse=True)
def no_endpoints(standing_api: Api) -> None:
    """Begin without endpoints."""
    with standing_api.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM webhook_endpoints")


def deliver_with(api: Api, sender: FakeSender) -> None:
    """Deliver what is due now, with the secrets of the API."""
    deliver(api.engine, sender, now=utc_now, sealer=api.resources.people.sealer)


def told(api: Api, *names: str, subject_id: str = "ord_1") -> None:
    """Tell the API's owner of events."""
    owner = api.owner.organisation_id
    with unit_of_work(api.engine) as session:
        record_all(session, [an_event(name, organisation_id=owner, subject_id=subject_id) for name in names])
    sequence_events(api.engine, now=utc_now())


def test_an_endpoint_is_added_with_a_secret_that_is_shown_once(standing_api: Api) -> None:
    answer = standing_api.client.post(
        "/v1/webhook-endpoints",
        json={"url": URL, "types": ["order.*", "job.held"], "description": "ERP", "ed25519": True},
    )

    found = answer.json()
    endpoint, secrets = found["endpoint"], found["secrets"]
    assert answer.headers["location"] == path_of(found)
    assert answer.headers["cache-control"] == "no-store"
    assert (endpoint["state"], endpoint["types"], endpoint["pending"]) == ("enabled", ["job.held", "order.*"], 0)
    assert [it["kind"] for it in secrets] == ["v1", "v1a"]
    assert secrets[0]["secret"].startswith("whsec_")
    assert (secrets[1]["secret"], secrets[1]["public_key"][:5]) == ("", "whpk_")
    read = standing_api.client.get(path_of(found)).text
    assert secrets[0]["secret"] not in read
    assert secrets[1]["public_key"] in read


def test_no_secret_is_in_the_database_in_clear(standing_api: Api) -> None:
    secret = added(standing_api)["secrets"][0]["secret"]
    query = "SELECT sealed FROM webhook_secrets"
    [(sealed,)] = in_transaction(standing_api.engine, lambda session: rows(session, query))

    assert secret not in str(sealed)
    assert secret.removeprefix("whsec_") not in str(sealed)


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"url": "https://169.254.169.254/"}, "unusable_url", "/url"),
        ({"url": "http://example.com/"}, "unusable_url", "/url"),
        ({"types": ["order.place"]}, "unknown_event_type", "/types/0"),
        ({"types": []}, "validation_failed", "/types"),
        ({"secret": "whsec_x"}, "validation_failed", "/secret"),
    ],
)
def test_what_can_not_be_an_endpoint_is_refused(standing_api: Api, asked: Json, code: str, pointer: str) -> None:
    answer = standing_api.client.post("/v1/webhook-endpoints", json={"url": URL, "types": ["*"]} | asked)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_twenty_first_endpoint_is_one_too_many(standing_api: Api) -> None:
    for _ in range(20):
        added(standing_api)
    answer = standing_api.client.post("/v1/webhook-endpoints", json={"url": URL, "types": ["*"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhook_endpoints")
    page = standing_api.client.get("/v1/webhook-endpoints", params={"limit": 15}).json()
    assert (len(page["data"]), page["has_more"]) == (15, True)


def test_an_endpoint_is_changed_by_whoever_has_seen_it_as_it_is(standing_api: Api) -> None:
    found = added(standing_api)
    tag = standing_api.client.get(path_of(found)).headers["etag"]

    def change(tag: str | None, **asked: object) -> httpx.Response:
        headers = {} if tag is None else {"If-Match": tag}
        return standing_api.client.patch(path_of(found), json=asked, headers=headers)

    changed = change(tag, url="https://new.example.com/", types=["job.*"])
    assert (changed.status_code, changed.json()["url"]) == (200, "https://new.example.com/")
    assert changed.json()["types"] == ["job.*"]
    assert (change(tag, description="late").status_code, change(None).status_code) == (412, 428)
    assert change("*", url="https://10.0.0.1/").json()["code"] == "unusable_url"
    assert (
        standing_api.client.get(path_of(found), headers={"If-None-Match": changed.headers["etag"]}).status_code == 304
    )


def test_a_secret_is_rotated_with_an_overlap_and_two_live_at_most(standing_api: Api) -> None:
    found = added(standing_api)
    secrets = {found["secrets"][0]["secret"]}
    for _ in range(2):
        rotated = standing_api.client.post(f"{path_of(found)}/secret", json={"overlap_seconds": 3600})
        secrets.add(rotated.json()["secrets"][0]["secret"])

    keys = rotated.json()["endpoint"]["signing_keys"]
    assert rotated.headers["cache-control"] == "no-store"
    assert len(secrets) == 3
    assert [it["expires_at"] is None for it in keys] == [True, False]
    assert standing_api.client.post(f"{path_of(found)}/secret", json={"overlap_seconds": 604_801}).status_code == 422
    alone = standing_api.client.post(f"{path_of(found)}/secret", json={"overlap_seconds": 0}).json()
    assert len(alone["endpoint"]["signing_keys"]) == 1


def test_the_test_button_reaches_that_endpoint_alone(standing_api: Api) -> None:
    sequence_events(standing_api.engine, now=utc_now())  # what was told before
    mine, another = added(standing_api, types=["job.held"]), added(standing_api, url="https://another.example.com/")
    answer = standing_api.client.post(f"{path_of(mine)}/test")
    sequence_events(standing_api.engine, now=utc_now())
    sender = FakeSender()
    deliver_with(standing_api, sender)

    [sent] = sender.sent
    assert (answer.status_code, answer.json()["event_id"]) == (202, sent.message_id)
    assert FORMS["webhook_endpoint.tested"].model_validate_json(sent.body).id == sent.message_id
    [delivery] = standing_api.client.get(f"{path_of(mine)}/deliveries").json()["data"]
    assert (delivery["state"], delivery["event_id"]) == ("delivered", sent.message_id)
    assert standing_api.client.get(f"{path_of(another)}/deliveries").json()["data"] == []


def test_a_delivery_shows_its_attempts_and_is_replayed_under_the_same_id(standing_api: Api) -> None:
    found = added(standing_api, types=["order.*"])
    told(standing_api, "order.placed")
    deliver_with(standing_api, FakeSender(lambda _: FAILED))
    [delivery] = standing_api.client.get(f"{path_of(found)}/deliveries", params={"state": "pending"}).json()["data"]
    path = f"/v1/webhook-deliveries/{delivery['id']}"
    early = standing_api.client.post(f"{path}/replay")
    with standing_api.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE webhook_deliveries SET next_attempt_at = now()")
    sender = FakeSender()
    deliver_with(standing_api, sender)
    detail = standing_api.client.get(path).json()
    replay = standing_api.client.post(f"{path}/replay")
    deliver_with(standing_api, sender)

    assert (early.status_code, early.json()["code"]) == (409, "webhook_delivery_pending")
    assert [(it["number"], it["status"], it["failure"]) for it in detail["attempts"]] == [
        (1, 500, "status"),
        (2, 204, ""),
    ]
    assert detail["attempts"][0]["answer"] == "sorry"
    assert (replay.status_code, replay.json()["replay_of"]) == (202, delivery["id"])
    assert sender.ids() == [delivery["event_id"]] * 2
    assert sender.sent[0].body == sender.sent[1].body


def test_everything_since_an_instant_is_sent_again_in_its_order(standing_api: Api) -> None:
    found = added(standing_api, types=["order.*"])
    since = utc_now().isoformat()
    told(standing_api, "order.placed", "order.parked", "order.cancelled", subject_id="ord_again")
    first, second = FakeSender(), FakeSender()
    deliver_with(standing_api, first)
    answer = standing_api.client.post(f"{path_of(found)}/replays", json={"since": since})
    deliver_with(standing_api, second)
    some = standing_api.client.post(f"{path_of(found)}/replays", json={"since": since, "types": ["order.parked"]})

    assert (answer.status_code, answer.json()["deliveries"], answer.json()["is_whole"]) == (202, 3, True)
    assert second.ids() == first.ids()
    assert some.json()["deliveries"] == 1
    kinds = [it["type"] for it in standing_api.client.get(f"{path_of(found)}/deliveries").json()["data"]]
    assert kinds[1:4] == ["order.cancelled", "order.parked", "order.placed"]


def test_a_disabled_endpoint_is_sent_nothing_until_it_is_enabled(standing_api: Api) -> None:
    found = added(standing_api)
    disabled = standing_api.client.post(f"{path_of(found)}/disable", json={"reason": "moving house"}).json()
    told(standing_api, "order.placed")
    refused = standing_api.client.post(f"{path_of(found)}/test")
    enabled = standing_api.client.post(f"{path_of(found)}/enable").json()
    kinds = {it["type"] for it in standing_api.client.get(f"{path_of(found)}/deliveries").json()["data"]}

    assert (disabled["state"], disabled["disabled_cause"]) == ("disabled", "owner")
    assert disabled["disabled_reason"] == "moving house"
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_disabled")
    assert (enabled["state"], enabled["disabled_reason"]) == ("enabled", "")
    assert kinds == set()


def test_another_organisation_finds_nothing_of_it(standing_api: Api, other: httpx.Client) -> None:
    found = added(standing_api)
    told(standing_api, "order.placed")
    [delivery] = standing_api.client.get(f"{path_of(found)}/deliveries").json()["data"]
    delivery_path = f"/v1/webhook-deliveries/{delivery['id']}"

    asked = [
        other.get(path_of(found)),
        other.patch(path_of(found), json={}, headers={"If-Match": "*"}),
        other.delete(path_of(found)),
        other.post(f"{path_of(found)}/secret", json={}),
        *(other.post(f"{path_of(found)}/{what}") for what in ("test", "enable")),
        other.post(f"{path_of(found)}/disable", json={"reason": "x"}),
        other.post(f"{path_of(found)}/replays", json={"since": "2026-01-01T00:00:00Z"}),
        other.get(f"{path_of(found)}/deliveries"),
        other.get(delivery_path),
        other.post(f"{delivery_path}/replay"),
        other.get(f"/v1/events/{delivery['event_id']}"),
    ]

    assert [answer.status_code for answer in asked] == [404] * 12
    assert other.get("/v1/webhook-endpoints").json()["data"] == []
    assert other.get("/v1/events").json()["data"] == []
    assert standing_api.client.get(path_of(found)).json()["state"] == "enabled"


def test_an_endpoint_is_removed_and_its_events_stay(standing_api: Api) -> None:
    found = added(standing_api)
    told(standing_api, "order.placed")

    assert standing_api.client.delete(path_of(found)).status_code == 204
    assert standing_api.client.get(path_of(found)).status_code == 404
    assert standing_api.client.get("/v1/events").json()["data"] != []


def test_the_feed_goes_on_from_its_cursor_under_the_ids_of_the_webhooks(standing_api: Api) -> None:
    cursor = end_of(standing_api)
    added(standing_api, types=["order.*"])
    told(standing_api, "order.placed", "order.parked", "order.cancelled", subject_id="ord_feed")
    sender = FakeSender()
    deliver_with(standing_api, sender)

    first = standing_api.client.get("/v1/events", params={"cursor": cursor, "limit": 2})
    second = standing_api.client.get("/v1/events", params={"cursor": first.json()["next_cursor"], "limit": 2})
    events = first.json()["data"] + second.json()["data"]

    assert [it["id"] for it in events] == sender.ids()
    assert events == [sent.event for sent in sender.sent]
    assert (first.json()["has_more"], second.json()["has_more"]) == (True, False)
    assert 'rel="next"' in first.headers["link"]
    assert "link" not in second.headers
    assert standing_api.client.get(f"/v1/events/{events[0]['id']}").json() == events[0]


def end_of(api: Api) -> str:
    """Return the cursor after the last event that is there."""
    cursor: str | None = None
    while True:
        params = {"limit": 200} | ({} if cursor is None else {"cursor": cursor})
        page = api.client.get("/v1/events", params=params).json()
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return str(cursor)


def test_a_feed_is_filtered_and_what_can_not_be_asked_for_is_refused(standing_api: Api) -> None:
    cursor = end_of(standing_api)
    told(standing_api, "order.placed", "order.parked", subject_id="ord_filter")

    def get(**params: str | int | list[str]) -> httpx.Response:
        asked: dict[str, Any] = {"cursor": cursor} | params
        return standing_api.client.get("/v1/events", params=asked)

    assert [it["type"] for it in get(type=["order.parked", "job.*"]).json()["data"]] == ["order.parked"]
    assert len(get(subject="ord_filter").json()["data"]) == 2
    assert get(subject="ord_nobody").json()["data"] == []
    assert get(since="2099-01-01T00:00:00Z").json()["data"] == []
    assert get(type="order.place").json()["code"] == "unknown_event_type"
    assert (get(wait=26).status_code, get(cursor="bm8").json()["code"]) == (422, "unusable_cursor")


def test_a_long_poll_is_answered_as_soon_as_there_is_an_event(standing_api: Api) -> None:
    cursor, answers = end_of(standing_api), []
    client = standing_api.as_(standing_api.owner.token)

    def poll() -> None:
        answers.append(client.get("/v1/events", params={"cursor": cursor, "wait": 25}))

    thread = threading.Thread(target=poll)
    thread.start()
    while standing_api.resources.feed.parked == 0:
        thread.join(0.01)
    told(standing_api, "order.placed", subject_id="ord_polled")
    thread.join(20)

    assert [it["subject"]["id"] for it in answers[0].json()["data"]] == ["ord_polled"]
    assert standing_api.resources.feed.parked == 0
    nothing = standing_api.client.get("/v1/events", params={"cursor": end_of(standing_api), "wait": 1}).json()
    assert (nothing["data"], nothing["next_cursor"]) == ([], end_of(standing_api))
    client.close()


def test_the_catalogue_is_listed_with_examples(standing_api: Api) -> None:
    listed = standing_api.client.get("/v1/event-types").json()["data"]

    assert [it["name"] for it in listed] == list(CATALOGUE)
    placed = next(it for it in listed if it["name"] == "order.placed")
    assert (placed["concerns_you"], placed["form"]) == (True, "OrderPlacedEvent")
    assert FORMS["order.placed"].model_validate(placed["example"]).type == "order.placed"


def test_every_message_is_in_the_openapi_document_with_form_headers_and_example(standing_api: Api) -> None:
    document = whole(standing_api.client.get("/openapi.json").json())

    assert list(document["webhooks"]) == list(CATALOGUE)
    for name, item in document["webhooks"].items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        form = content["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][form]
        assert schema["properties"]["type"]["const"] == name
        assert FORMS[name].model_validate(content["example"]).type == name
        headers = [it["name"] for it in item["post"]["parameters"]]
        assert headers == ["webhook-id", "webhook-timestamp", "webhook-signature"]


def test_a_delivered_message_leaves_the_endpoint_healthy(standing_api: Api) -> None:
    found = added(standing_api, types=["order.*"])
    told(standing_api, "order.placed")
    deliver_with(standing_api, FakeSender(lambda _: TAKEN))
    endpoint = standing_api.client.get(path_of(found)).json()

    assert (endpoint["failures_in_a_row"], endpoint["failing_since"], endpoint["pending"]) == (0, None, 0)
    assert endpoint["last_success_at"] is not None
    assert endpoint["last_failure_at"] is None
