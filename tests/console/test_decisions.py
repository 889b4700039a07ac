"""The Decisions screen: what was decided and what bound it, overrides, and what another rule had made of a time."""

import pytest
from playwright.sync_api import expect

from fabroute.kernel.time import utc_now
from fabroute.routing.service.shadow_work import ShadowLimits, work_on_shadow_runs
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_network import NetworkAtWork, a_network_at_work


@pytest.fixture
def work(console: ServedConsole) -> NetworkAtWork:
    made = a_network_at_work(console)
    made.route(good=3, bad=2)
    return made


def decided_again(work: NetworkAtWork) -> int | None:
    """Do what the worker does; return how many runs were decided again."""
    return work_on_shadow_runs(work.console.engine, limits=ShadowLimits(), now=utc_now())


def given_override(work: NetworkAtWork) -> None:
    """Somebody let N102 have a line again."""
    owner = work.console.people.owner.organisation_id
    person = work.console.people.by_role["buyer"].person_id
    ((order_id,),) = work.table("SELECT id FROM orders WHERE reference = 'PO-1'")
    work.table(
        "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
        " VALUES (:owner, :now, :person, 'order.exclusion_lifted', 'order', :order_id, CAST(:data AS jsonb))"
        " RETURNING id",
        owner=owner,
        now=utc_now(),
        person=person,
        order_id=order_id,
        data='{"lifted": "N102"}',
    )


@every_look
def test_an_owner_sees_what_was_decided_and_what_bound_it(visit: Visit, work: NetworkAtWork, look: Look) -> None:
    given_override(work)
    page = visit("/console/decisions", who="owner")

    expect(page.get_by_text("5 decisions in a week: 3 found a place, 2 did not.")).to_be_visible()
    expect(page.get_by_role("link", name="Required certificate absent")).to_have_count(2)
    expect(page.get_by_text("None of 7 nodes can make it: required certificate absent.").first).to_be_visible()
    expect(page.get_by_text("let N102 have a line again")).to_be_visible()
    assert_good(page, "decisions", look)
    page.locator("#binding").get_by_role("link", name="Required certificate absent").click()
    expect(page.locator("#list tbody tr")).to_have_count(2)


@every_look
def test_an_owner_asks_what_a_cap_had_cost(visit: Visit, work: NetworkAtWork, look: Look) -> None:
    page = visit("/console/decisions/what-if?days=1", who="owner")

    assert_good(page, "what-if", look)
    page.locator("#cap-percent").fill("50")
    page.locator("#form-cap").get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No more than 50% of lines at any one node.")
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    assert_good(page, "what-if-waiting", look)
    assert decided_again(work) == 1
    expect(page.get_by_text("What would have been different")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Lines elsewhere", exact=True)).to_be_visible()
    expect(page.get_by_text("Delivery days", exact=True)).to_be_visible()
    expect(page.locator("#lines tbody tr").first).to_contain_text("→")
    assert_good(page, "what-if-done", look)


def test_without_scripts_the_operator_leaves_a_node_out(visit: Visit, work: NetworkAtWork) -> None:
    page = visit("/console/decisions/what-if?days=1", who="operator", scripts=False)

    page.locator("#without-node").select_option("N101")
    page.locator("#form-without").get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Without N101.")
    decided_again(work)
    page.reload()
    expect(page.get_by_text("What would have been different")).to_be_visible()


def test_what_is_typed_wrongly_is_told_at_its_field(visit: Visit, work: NetworkAtWork) -> None:
    page = visit("/console/decisions/what-if?days=1", who="owner")

    page.locator("#carbon-euro").fill("much")
    page.locator("#form-carbon").get_by_role("button", name="Try it").click()

    expect(page.locator("#carbon-euro-wrong")).to_contain_text("Enter an amount, such as 1.50.")
    expect(page.locator("#carbon-euro")).to_have_value("much")


def test_an_owner_supposes_no_other_network_and_sees_no_other_owners_questions(work: NetworkAtWork) -> None:
    with surfing(work.console, "operator") as client:
        fields = hidden_fields(client.get("/console/decisions/what-if"), "without")
        asked = client.post("/console/decisions/what-if", data=fields | {"node": "N101"})
    with surfing(work.console, "owner") as client:
        own = hidden_fields(client.get("/console/decisions/what-if"), "cap")
        refused = client.post("/console/decisions/what-if", data=own | {"suppose": "without", "node": "N101"})
        other = client.get(asked.headers["location"])

    assert (asked.status_code, refused.status_code, other.status_code) == (303, 403, 404)


def test_decisions_are_narrowed_and_paged(work: NetworkAtWork) -> None:
    work.route(good=30)
    with surfing(work.console, "owner") as client:
        first = client.get("/console/decisions")
        following = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        second = client.get(following.replace("&amp;", "&"))
        bad = client.get("/console/decisions?outcome=no_route")
        text = client.get("/console/decisions?text=PO-29")
        none = client.get("/console/decisions?text=100%25")

    assert [page.text.count('<th scope="row"') for page in (first, second, bad, text)] == [25, 10, 2, 1]
    assert "No decision is like that" in words_of(none)


def test_a_bureau_may_not_see_decisions(work: NetworkAtWork) -> None:
    with surfing(work.console, "bureau") as client:
        assert client.get("/console/decisions").status_code == 403


def test_decisions_are_light_enough_for_a_phone(visit: Visit, work: NetworkAtWork) -> None:
    page = visit("/console/decisions", who="owner")

    assert page_weight(page, page.url) < 200_000
