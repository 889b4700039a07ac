"""The Network screen: the operator watches it, a bureau takes its node down and up, owners see what they may."""

import pytest
from playwright.sync_api import expect

from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_network import NetworkAtWork, a_network_at_work


@pytest.fixture
def work(console: ServedConsole) -> NetworkAtWork:
    made = a_network_at_work(console)
    made.route(good=2, bad=3)
    made.use_material(grams=9_000)
    made.certify("N101", days_left=12)
    made.take_down("N103", "the building is flooded; nobody knows for how long")
    return made


@every_look
def test_the_operator_watches_the_network_and_opens_a_node(visit: Visit, work: NetworkAtWork, look: Look) -> None:
    page = visit("/console/network", who="operator")

    expect(page.get_by_role("heading", level=1)).to_have_text("Network")
    expect(page.get_by_text("6\N{NO-BREAK SPACE}nodes up, 1 down; all 6\N{NO-BREAK SPACE}machines up.")).to_be_visible()
    expect(page.get_by_text("Required certificate absent").first).to_be_visible()
    expect(page.get_by_text("the building is flooded; nobody knows for how long", exact=True)).to_be_visible()
    assert_good(page, "network", look)
    page.get_by_role("link", name="Łódź").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Łódź")
    expect(page.get_by_text("12 d left").first).to_be_visible()
    assert_good(page, "node", look)


@every_look
def test_a_bureau_takes_its_node_down_and_up_again(visit: Visit, work: NetworkAtWork, look: Look) -> None:
    page = visit("/console/network/N101", who="bureau")

    page.get_by_text("Take it down…", exact=True).first.click()
    box = page.locator("#form-node-status")
    assert_good(page, "node-taken-down", look)
    box.get_by_label("Why").fill("power cut")
    box.get_by_role("button", name="Take it down").click()
    expect(page.get_by_text("It is down: it gets no jobs.")).to_be_visible()
    expect(page.get_by_text("The node is down.")).to_be_visible()
    page.get_by_text("Take it up again…", exact=True).first.click()
    page.locator("#form-node-status").get_by_label("Why").fill("power is back")
    page.locator("#form-node-status").get_by_role("button", name="Take it up").click()
    expect(page.get_by_text("The node is up.")).to_be_visible()

    assert work.table("SELECT status, status_reason FROM nodes WHERE id = 'N101'") == [("up", "power is back")]


def test_without_scripts_days_of_a_machine_are_cut_and_the_machine_goes_down(visit: Visit, work: NetworkAtWork) -> None:
    page = visit("/console/network/N101", who="bureau", scripts=False)

    page.get_by_text("Cut its days…", exact=True).click()
    page.get_by_label("From").fill(f"{work.today}")
    page.get_by_label("Through").fill("2099-01-01")
    page.locator("#cut-N101-A-reason").fill("holidays")
    page.get_by_role("button", name="Cut these days").click()
    expect(page.get_by_text("give a last day from the first one on").first).to_be_visible()
    expect(page.locator("#cut-N101-A-reason")).to_have_value("holidays")
    page.get_by_label("Through").fill(f"{work.today}")
    page.get_by_role("button", name="Cut these days").click()
    expect(page.get_by_text("The days of machine N101-A are cut.")).to_be_visible()
    page.get_by_text("Take it down…", exact=True).nth(1).click()
    page.locator("#machine-N101-A-reason").fill("the laser is dead")
    page.locator("#form-machine-N101-A").get_by_role("button", name="Take it down").click()
    expect(page.get_by_text("Machine N101-A is down.")).to_be_visible()

    assert work.table("SELECT status FROM machines WHERE id = 'N101-A'") == [("down",)]


def test_each_sees_of_a_node_what_the_api_shows_them(work: NetworkAtWork) -> None:
    seen = {}
    for who, node_id in (("operator", "N102"), ("owner", "N102"), ("bureau", "N102"), ("bureau", "N101")):
        with surfing(work.console, who) as client:
            words = words_of(client.get(f"/console/network/{node_id}"))
        seen[who, node_id] = tuple(
            title in words for title in ("Machines", "Store", "Certificates", "How it did", "Open jobs", "Take it down")
        )

    assert seen == {
        ("operator", "N102"): (True, True, True, True, True, True),
        ("owner", "N102"): (True, False, True, True, True, False),
        ("bureau", "N102"): (True, False, False, False, True, False),
        ("bureau", "N101"): (True, True, True, True, True, True),
    }


def test_who_only_looks_is_refused_what_the_page_does_not_offer(work: NetworkAtWork) -> None:
    with surfing(work.console, "owner") as client:
        page = client.get("/console/account")
        fields = {"csrf_token": page.text.partition('name="csrf_token" value="')[2].partition('"')[0]}
        answer = client.post("/console/network/N101/status", data=fields | {"status": "down", "reason": "spite"})

    assert answer.status_code == 403
    assert work.table("SELECT status FROM nodes WHERE id = 'N101'") == [("up",)]


def test_a_page_that_was_open_too_long_does_not_change_a_node(work: NetworkAtWork) -> None:
    with surfing(work.console, "operator") as client:
        fields = hidden_fields(client.get("/console/network/N101"), "node-status")
        work.table("UPDATE nodes SET version = version + 1 WHERE id = 'N101' RETURNING id")
        answer = client.post("/console/network/N101/status", data=fields | {"reason": "late"})

    assert answer.status_code == 412
    assert work.table("SELECT status FROM nodes WHERE id = 'N101'") == [("up",)]


def test_a_machine_that_is_down_is_named_where_all_nodes_are_up(work: NetworkAtWork) -> None:
    work.table("UPDATE machines SET status = 'down' WHERE id = 'N101-A' RETURNING id")
    with surfing(work.console, "owner") as client:
        page = client.get("/console/network")

    assert "1 of 6 machines down: N101-A" in words_of(page).replace("\N{NO-BREAK SPACE}", " ")
    assert '<a href="/console/network/N101#machines">' in page.text


def test_an_empty_network_says_who_adds_the_first_node(visit: Visit) -> None:
    page = visit("/console/network", who="owner")

    expect(page.get_by_text("No node yet")).to_be_visible()


def test_the_network_is_light_enough_for_a_phone(visit: Visit, work: NetworkAtWork) -> None:
    page = visit("/console/network", who="operator")

    assert page_weight(page, page.url) < 200_000
