"""Webhook endpoints: added with a secret that is shown once, looked at, paused, sent to again, removed."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.console.browsing import hidden_fields, in_a_thread, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import NOW
from tests.factories.webhooks import an_event, deliver, tell
from tests.fakes.senders import FAILED, TAKEN, FakeSender

PATH = "/console/webhooks"
URL = "https://erp.example.com/fabroute/events"


def table(console: ServedConsole, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(console.engine, lambda session: rows(session, sql))


def given_endpoint(console: ServedConsole) -> str:
    """Add an endpoint as its owner does; return its id."""
    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(PATH), "add")
        client.post(PATH, data=fields | {"url": URL, "description": "ERP", "types": "order.*"})
    ((endpoint_id,),) = table(console, "SELECT id FROM webhook_endpoints")
    return str(endpoint_id)


def told(console: ServedConsole, *subjects: str, fails: bool = False) -> None:
    """Tell the owner of orders; its endpoint takes it or fails."""
    owner = console.people.owner.organisation_id
    tell(console.engine, *(an_event(subject_id=it, organisation_id=owner) for it in subjects))
    sender = FakeSender(lambda sent: FAILED if fails else TAKEN)
    sealer = console.resources.people.sealer
    in_a_thread(lambda: deliver(console.engine, sender, now=lambda: NOW + timedelta(minutes=1), sealer=sealer))


@every_look
def test_an_endpoint_is_added_and_its_secret_shown_once(visit: Visit, console: ServedConsole, look: Look) -> None:
    page = visit("/console/account", who="owner")
    page.locator(".menu summary").click()
    page.locator(".menu").get_by_role("link", name="Webhooks").click()
    expect(page.get_by_text("No endpoint yet")).to_be_visible()
    page.get_by_label("Address").fill("http://192.168.0.1/x")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("link", name="Must not point into a private network.")).to_be_visible()
    assert_good(page, "webhooks-refused", look)
    page.get_by_label("Address").fill(URL)
    page.get_by_label("What it is for").fill("ERP of the works in Rotterdam, 名古屋")
    page.get_by_label("Orders", exact=True).check()
    page.get_by_role("button", name="Add it").click()
    secret = page.locator(".secret").inner_text()
    assert secret.startswith("whsec_")
    assert_good(page, "webhooks-secret", look)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(URL)
    assert secret not in page.content()
    page.goto(PATH)
    expect(page.locator("#endpoints tbody")).to_contain_text("orders")
    assert_good(page, "webhooks", look)
    assert table(console, "SELECT url, types, state FROM webhook_endpoints") == [(URL, ["order.*"], "enabled")]


@every_look
def test_deliveries_stand_there_with_their_answers_and_are_sent_again(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    endpoint_id = given_endpoint(console)
    told(console, "ord_1", "ord_2")
    told(console, "ord_3", fails=True)
    table(console, "UPDATE webhook_deliveries SET state = 'given_up' WHERE state = 'pending' RETURNING 1")

    page = visit(f"{PATH}/{endpoint_id}", who="owner")

    expect(page.locator("#deliveries tbody tr")).to_have_count(3)
    expect(page.locator("#deliveries tbody tr").first).to_contain_text("first try: answered 500 in 7 ms")
    expect(page.locator("#deliveries tbody tr").last).to_contain_text("first try: answered 204 in 3 ms")
    assert_good(page, "webhooks-endpoint", look)
    page.locator("#deliveries").get_by_role("link", name="Failed").click()
    expect(page.locator("#deliveries tbody tr")).to_have_count(1)
    page.locator("#deliveries tbody a").first.click()
    expect(page.locator("#attempts")).to_contain_text("sorry")
    assert_good(page, "webhooks-delivery", look)
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("It is sent again, under the same id.")).to_be_visible()
    assert table(console, "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'") == [(1,)]


def test_without_scripts_an_endpoint_is_tried_paused_and_removed(visit: Visit, console: ServedConsole) -> None:
    endpoint_id = given_endpoint(console)
    page = visit(f"{PATH}/{endpoint_id}", who="owner", scripts=False)

    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("A test is on its way")).to_be_visible()
    page.get_by_text("Pause it…").click()
    page.get_by_label("Why").fill("The ERP moves house")
    page.get_by_role("button", name="Pause it").click()
    expect(page.get_by_text("It is sent nothing.")).to_be_visible()
    expect(page.get_by_text("The ERP moves house")).to_be_visible()
    page.get_by_role("button", name="Go on sending").click()
    page.get_by_role("button", name="Send it all again").click()
    expect(page.get_by_text("Nothing happened in that time.")).to_be_visible()
    page.get_by_text("Remove it…").click()
    page.get_by_role("button", name="Yes, remove it").click()
    expect(page.get_by_text("The endpoint is removed.")).to_be_visible()
    assert table(console, "SELECT count(*) FROM webhook_endpoints") == [(0,)]


def test_a_form_that_is_sent_twice_adds_one_endpoint_and_its_secret_is_kept_from_others(
    console: ServedConsole,
) -> None:
    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(PATH), "add") | {"url": URL}
        first, second = client.post(PATH, data=fields), client.post(PATH, data=fields)

    assert (first.status_code, first.text) == (200, second.text)
    assert table(console, "SELECT count(*) FROM webhook_endpoints") == [(1,)]
    ((kept, is_sealed),) = table(console, "SELECT body, is_sealed FROM idempotency_keys WHERE body <> ''")
    assert (is_sealed, b"whsec_" in bytes(kept)) == (True, False)  # type: ignore[call-overload]


def test_a_new_secret_is_shown_once_and_the_one_before_signs_on(console: ServedConsole) -> None:
    endpoint_id = given_endpoint(console)
    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(f"{PATH}/{endpoint_id}"), "secret")
        shown = client.post(f"{PATH}/{endpoint_id}/secret", data=fields)
        after = client.get(f"{PATH}/{endpoint_id}")

    assert "whsec_" in shown.text
    assert "signs as well for one more day" in words_of(shown)
    assert "whsec_" not in after.text
    assert words_of(after).count("Secret since") == 2


def test_endpoints_of_others_are_not_there_and_those_who_may_not_see_none(console: ServedConsole) -> None:
    endpoint_id = given_endpoint(console)
    with surfing(console, "operator") as client:
        assert client.get(f"{PATH}/{endpoint_id}").status_code == 404
        assert client.get(f"{PATH}/deliveries/whd_none").status_code == 404
    with surfing(console, "buyer") as client:
        assert client.get(PATH).status_code == 403
        assert PATH not in client.get("/console/account").text
