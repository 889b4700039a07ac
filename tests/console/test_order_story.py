"""The Order screen of an order that had a hard time: why it left its nodes, who was told, and news while one types."""

import re
from datetime import datetime, timedelta

from playwright.sync_api import expect

from fabroute.database import unit_of_work
from fabroute.network.service import StatusChange
from fabroute.production.service import take_back_held
from fabroute.production.service.holds import revoke_certificate
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.rerouting import outages
from fabroute.webhooks.ports import Answer
from fabroute.webhooks.service.endpoints import NewEndpoint, add_endpoint
from fabroute.webhooks.service.sequencing import sequence_events
from tests.console.browsing import in_a_thread, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.decided_orders import CITIES, given_console_works, order_placed
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY
from tests.factories.rerouting import Works
from tests.factories.webhooks import a_desk, deliver
from tests.fakes.senders import FAILED, TAKEN, FakeSender, Sent

FOUR_CITIES = (*CITIES, ("Porto", 41.15, -8.61))


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def node_goes_down(works: Works, node_id: str, *, now: datetime) -> None:
    change = StatusChange(status="down", reason="power cut", expected_version=None)
    works.do(lambda s: outages.set_node_status(s, node_id=node_id, change=change, actor="key_bureau", now=now))


def job_is_declined(works: Works, *, now: datetime) -> None:
    (job_id,) = works.jobs()
    why = Decline(reason="capacity", text="no operator until Monday")
    works.do(lambda s: decline_job(s, principal=BUREAU_KEY, job_id=job_id, decline=why, lease=None, now=now))


def certificate_is_revoked(works: Works, node_id: str, *, now: datetime) -> None:
    name, reason = f"crt_{node_id}", "audit failed"
    works.do(lambda s: revoke_certificate(s, certificate_id=name, reason=reason, principal=OPERATOR_KEY, now=now))
    works.do(lambda s: take_back_held(s, limit=10, now=now))


def order_with_a_hard_time(console: ServedConsole) -> tuple[Works, str]:
    """Route an order that loses three nodes, each for another cause, and ends at the fourth."""
    works = given_console_works(console, cities=FOUR_CITIES)
    order_id = order_placed(works)
    node_goes_down(works, "N101", now=after(10))
    works.route(now=after(11))
    job_is_declined(works, now=after(20))
    works.route(now=after(21))
    certificate_is_revoked(works, "N103", now=after(30))
    works.route(now=after(31))
    assert works.where() == ["N104"]
    return works, order_id


def given_endpoint_that_fails_once_in_a_while(console: ServedConsole) -> None:
    """Tell an endpoint of the owner of all that happened; what became of a promise it does not take."""

    def judge(sent: Sent) -> Answer:
        return FAILED if sent.event["type"] == "order.promise_changed" else TAKEN

    with unit_of_work(console.engine) as session:
        desk = a_desk(console.people.owner.organisation_id)
        new = NewEndpoint(url="https://erp.example.com/fabroute", description="ERP", types=("order.*",))
        add_endpoint(session, desk, new)
    sequence_events(console.engine, now=NOW)
    for _ in range(8):
        in_a_thread(lambda: deliver(console.engine, FakeSender(judge), now=lambda: NOW + timedelta(seconds=1)))


@every_look
def test_each_re_route_is_told_with_its_cause_and_what_became_of_it(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    works, order_id = order_with_a_hard_time(console)
    given_endpoint_that_fails_once_in_a_while(console)
    works.table("UPDATE webhook_deliveries SET state = 'given_up' WHERE state = 'pending' RETURNING 1")

    page = visit(f"/console/orders/{order_id}", who="owner")

    story = re.sub("[\u2068\u2069]", "", page.locator("#story").inner_text())
    assert "Berlin (N101): the node went down. The node is down: power cut" in story
    assert "Leipzig (N102): the node declined it. Capacity: no operator until Monday" in story
    assert "München (N103): a certificate or another proof was lost. Held before it was started" in story
    assert "(audit failed); required certificate absent: has no ISO9001 for MJF:PA12-MJF" in story
    assert story.count("Routed again, dearer than promised") == 3
    out = page.locator("#ruled-out")
    expect(out).to_contain_text("node or machine unavailable: the node is down: power cut")
    expect(out).to_contain_text("declined this line on 15 Jun 2026: capacity: no operator until Monday")
    expect(out).to_contain_text("required certificate absent")
    for code in ("NODE_DOWN", "DECLINED", "CERTIFICATE_MISSING"):
        expect(out.get_by_text(code, exact=True)).to_be_visible()
    hooks = page.locator("#webhooks")
    expect(hooks.get_by_text("answered 204").first).to_be_visible()
    expect(hooks.get_by_text("answered 500").first).to_be_visible()
    assert_good(page, "order-rerouted", look)


def test_the_decision_stands_there_as_json_and_so_does_what_happened(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    ((decision_id,),) = works.table("SELECT decision_id FROM order_lines")

    with surfing(console, "owner") as client:
        page = client.get(f"/console/orders/{order_id}")
        decision = client.get(f"/v1/decisions/{decision_id}")
        story = client.get(f"/v1/orders/{order_id}/timeline")

    assert f'href="/v1/decisions/{decision_id}"' in page.text
    assert (decision.status_code, decision.json()["id"]) == (200, decision_id)
    assert [it["what"] for it in story.json()["data"]] == ["order.placed", "line.decided", "job.offered"]
    assert "59.97 EUR" not in words_of(page)


def test_news_take_nothing_from_who_is_typing(visit: Visit, console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    works.accepted(works.jobs()[0])
    works.table("UPDATE jobs SET state = 'suspect' RETURNING 1")
    page = visit(f"/console/orders/{order_id}", who="owner")
    field = page.get_by_label("What do you know?")
    field.fill("Nobody answers")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    field.focus()

    works.table("UPDATE jobs SET state = 'accepted' RETURNING 1")
    expect(page.get_by_text("Something happened to this order.")).to_be_in_viewport(timeout=20_000)

    expect(field).to_be_focused()
    expect(field).to_have_value("Nobody answers")
    page.keyboard.type(" the phone")
    expect(field).to_have_value("Nobody answers the phone")
    expect(page.get_by_role("link", name="Show it")).to_have_attribute("href", f"/console/orders/{order_id}?line=1")
