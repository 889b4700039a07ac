"""The start page: what needs a person now, on what really waits."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.production.service.phases import countering
from fabroute.production.service.phases.declining import Decline, decline_job
from tests.console.browsing import surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_jobs import BureauAtWork, a_bureau_at_work
from tests.factories.console_network import a_network_at_work
from tests.factories.databases import rows
from tests.factories.orders import given_orders, make_order


@pytest.fixture
def work(console: ServedConsole) -> BureauAtWork:
    return a_bureau_at_work(console)


def given_what_waits(work: BureauAtWork) -> None:
    """A counter-offer, a note, a silent node, a parked order, one without a route, a certificate that ends."""
    dear, odd, silent = work.offered(), work.offered(), work.accepted()
    now = utc_now()
    work.do(
        lambda session: countering.counter_job(
            session,
            principal=work.bureau,
            job_id=dear,
            wanted=countering.NewCounterOffer(price_minor=2_900, produce_by=None, reason="much support to remove"),
            lease=None,
            now=now,
        )
    )
    said = Decline(reason="not_manufacturable", text="the wall at the lug is only 0.4 mm")
    work.do(lambda session: decline_job(session, principal=work.bureau, job_id=odd, decline=said, lease=None, now=now))
    owner = work.console.people.owner
    parked, unrouted = given_orders(
        work.console.engine, make_order(owner, reference="PO-7"), make_order(owner, reference="PO-8")
    )
    with unit_of_work(work.console.engine) as session:
        rows(session, "UPDATE jobs SET state = 'suspect', suspect_since = :at WHERE id = :it RETURNING id",
             it=silent, at=now - timedelta(hours=3))  # fmt: skip
        for order, state, reason in (
            (parked, "parked", "3 nodes could not make it"),
            (unrouted, "no_route", "CERTIFICATE_MISSING"),
        ):
            rows(session, "UPDATE orders SET state = :state WHERE id = :it RETURNING id", it=order.id, state=state)
            rows(session, "UPDATE order_lines SET state = :state, state_reason = :reason WHERE order_id = :it"
                          " RETURNING id", it=order.id, state=state, reason=reason)  # fmt: skip
        rows(session, "UPDATE certificates SET valid_to = :day RETURNING id", day=now.date() + timedelta(days=4))


@every_look
def test_an_owner_sees_what_waits_and_where_it_is_settled(visit: Visit, work: BureauAtWork, look: Look) -> None:
    given_what_waits(work)
    page = visit("/console/", who="owner")

    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "Nodes that fell silent · 1",
        "Counter-offers to answer · 1",
        "Notes from nodes · 1",
        "Parked orders · 1",
        "Orders without a route · 1",
        "Proofs that run out · 1",
    ]
    expect(page.get_by_text("Required certificate absent", exact=True)).to_be_visible()
    expect(page.get_by_text("N101 asks for other terms")).to_be_visible()
    assert_good(page, "start", look)
    page.locator("#suspect").get_by_role("link").click()
    expect(page).to_have_url(f"{work.console.url}/console/jobs/{work.jobs[2]}")


def test_the_operator_sees_what_waits_for_anybody_and_others_their_own(work: BureauAtWork) -> None:
    given_what_waits(work)
    seen = {}
    for who in ("operator", "support", "buyer", "engineer"):
        with surfing(work.console, who) as client:
            answer = client.get("/console/")
            seen[who] = ("Parked orders · 1" in words_of(answer), "Counter-offers" in words_of(answer))

    assert seen == {
        "operator": (True, True),
        "support": (True, True),
        "buyer": (True, False),
        "engineer": (True, False),
    }


def test_what_waits_in_the_network_leads_to_its_place_on_the_nodes_page(console: ServedConsole) -> None:
    network = a_network_at_work(console)
    network.use_material(grams=50_000)
    network.certify("N101", days_left=12)
    network.take_down("N103", "the building is flooded")
    with surfing(console, "operator") as client:
        start = client.get("/console/").text
        paths = re.findall(r'class="button todo-do" href="([^"]+)"', start)
        shown = {path: client.get(path.partition("#")[0]).text for path in paths}

    assert sorted(paths) == [
        "/console/network/N101#certificates", "/console/network/N101#store", "/console/network/N103",
    ]  # fmt: skip
    assert all(f'id="{path.partition("#")[2]}"' in text for path, text in shown.items() if "#" in path)


def test_an_operator_is_led_to_orders_of_others_and_to_what_binds_them(console: ServedConsole) -> None:
    network = a_network_at_work(console)
    network.route(good=0, bad=2)
    with surfing(console, "operator") as client:
        start = client.get("/console/").text
        (path,) = re.findall(r'id="unrouted".*?todo-do" href="([^"]+)"', start, re.DOTALL)
        shown = client.get("/console/network")

    assert path == "/console/network#stuck"
    assert 'id="stuck"' in shown.text
