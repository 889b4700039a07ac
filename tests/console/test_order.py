"""The Order screen: why this node, what else there was, what happened, and what people do about it."""

import re

from playwright.sync_api import Page

from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import MOST_BYTES, assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, both_widths, every_look, of_a_story
from tests.factories.console import ServedConsole
from tests.factories.decided_orders import LONG_NAME, MANY_CITIES, OTHER_CITIES, given_console_works, order_placed
from tests.factories.rerouting import Works, a_leaving


def path_of(order_id: str) -> str:
    return f"/console/orders/{order_id}"


def card(page: Page, name: str) -> str:
    """The text of a card, without the marks that keep the direction of names."""
    return re.sub("[\u2068\u2069]", "", page.locator(f"#{name}").inner_text())


def lost_by(works: Works, times: int) -> None:
    """Have so many nodes decline the line, one after the other."""
    for _ in range(times):
        works.lost(works.jobs()[0], a_leaving())
        works.route()


@of_a_story
def test_the_owner_sees_why_this_node(visit: Visit, console: ServedConsole, look: Look) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)

    page = visit(path_of(order_id), who="owner")

    assert "Berlin, because it is the cheapest of 3 qualified nodes: €" in card(page, "why")
    assert "less than the next best (Leipzig)" in card(page, "why")
    assert page.locator("#candidates tbody tr").count() == 3
    assert page.locator("#candidates tr.chosen th").inner_text().startswith("Berlin chosen")
    assert page.get_by_role("img", name="Map: from Berlin to Hamburg").is_visible()
    assert page.get_by_role("img", name="Plot: price and day of each candidate").is_visible()
    assert "Proven to be the best plan." in card(page, "why")
    assert [it.inner_text() for it in page.locator(".event-title strong").all()] == [
        "Order placed",
        "Routed",
        "Offered",
    ]
    assert page.get_by_role("link", name="This decision as JSON").is_visible()
    assert_good(page, "order", look)


@every_look
def test_a_line_without_a_route_says_what_would_make_it_routable(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    works = given_console_works(console)
    order_id = order_placed(works, 100_000)

    page = visit(path_of(order_id), who="owner")

    assert "None of the 3 nodes can make it as it is ordered" in card(page, "why")
    assert "too little material" in card(page, "ruled-out")
    assert page.get_by_role("button", name="Route it again").is_visible()
    assert_good(page, "order-no-route", look)


@every_look
def test_a_parked_line_is_sent_on_its_way_again(visit: Visit, console: ServedConsole, look: Look) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    lost_by(works, 3)

    page = visit(path_of(order_id), who="owner")

    assert page.get_by_text("It waits for a person.").is_visible()
    assert_good(page, "order-parked", look)
    page.get_by_role("checkbox", name="N102").check()
    page.get_by_role("button", name="Route it again").click()
    assert page.get_by_text("The line is being routed again.").is_visible()
    works.route()
    assert works.where() == ["N101"]
    assert works.table("SELECT node_id FROM line_exclusions") == [("N102",)]


@every_look
def test_somebody_decides_about_a_node_that_fell_silent(visit: Visit, console: ServedConsole, look: Look) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    works.accepted(works.jobs()[0])
    works.table("UPDATE jobs SET state = 'suspect' RETURNING 1")

    page = visit(path_of(order_id), who="owner")

    assert page.get_by_text("Berlin has not been heard of.").is_visible()
    assert_good(page, "order-suspect", look)
    page.get_by_label("Have it made elsewhere").check()
    page.get_by_role("button", name="Decide").click()
    assert page.get_by_role("link", name="Say in a few words what you know: it stands in the record.").is_visible()
    page.get_by_label("What do you know?").fill("Nobody answers the telephone")
    page.get_by_role("button", name="Decide").click()
    assert page.get_by_text("The line goes to another node.").is_visible()
    assert works.reroutes("cause, node_id") == [("suspect", "N101")]


@both_widths
def test_names_in_any_writing_and_of_any_length_stay_in_their_place(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    works = given_console_works(console, cities=OTHER_CITIES)
    order_id = order_placed(works, 1, 2, name=LONG_NAME[:200])

    page = visit(path_of(order_id), who="owner")

    assert page.locator("nav[aria-label='Lines of this order'] a").count() == 2
    assert_good(page, "order-names", look)


@every_look
def test_a_dozen_candidates_have_their_bars_labels_and_figures(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    works = given_console_works(console, cities=MANY_CITIES)
    order_id = order_placed(works)

    page = visit(path_of(order_id), who="owner")

    assert page.locator("#candidates tbody tr").count() == 12
    assert page.locator("#candidates .cost-bar").count() == 12
    page.get_by_text("4 more candidates").click()
    assert_good(page, "order-dozen", look)


def test_fastest_instead_has_the_order_routed_again(visit: Visit, console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    works.table(
        "UPDATE routing_decisions SET document = jsonb_set(document, '{alternatives}', jsonb_build_array("
        "jsonb_build_object('label', 'fastest', 'candidate', document -> 'candidates' -> 1, 'difference',"
        " jsonb_build_object('landed_minor', 980, 'hours', -31, 'co2e_g', -2200)))) RETURNING 1"
    )

    page = visit(path_of(order_id), who="owner")
    page.get_by_role("button", name="Fastest instead: +€9.80, −1 d 7 h, −2.2 kg CO₂e").click()

    assert page.get_by_text("The order is being routed again: fastest from now on.").is_visible()
    assert page.get_by_text("It is being routed.").is_visible()
    works.route()
    page.get_by_text("Why this node?").wait_for()
    assert "qualified nodes: €59.97" in card(page, "why")
    assert works.table("SELECT objective FROM orders") == [("fastest",)]
    assert "Left its node" in card(page, "story")
    assert "you asked for it" in card(page, "story")


def test_without_scripts_the_order_is_read_and_cancelled(visit: Visit, console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)

    page = visit(path_of(order_id), who="owner", scripts=False)
    page.get_by_text("Cancel the order…").click()
    page.get_by_role("button", name="Yes, cancel it").click()

    assert page.get_by_text("The order is cancelled.", exact=True).is_visible()
    assert works.table("SELECT state FROM orders") == [("cancelled",)]


@every_look
def test_the_operator_sees_any_order_but_cancels_none(visit: Visit, console: ServedConsole, look: Look) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    lost_by(works, 1)

    page = visit(path_of(order_id), who="operator")

    assert "the node declined it" in card(page, "story")
    assert "Routed again" in card(page, "story")
    assert page.get_by_role("button", name="Let it have the line again").is_visible()
    assert page.get_by_text("Cancel the order…").count() == 0
    assert page.locator("#requests").is_visible()
    assert_good(page, "order-operator", look)


def test_somebody_who_only_looks_is_offered_no_change(console: ServedConsole) -> None:
    order_id = order_placed(given_console_works(console))

    with surfing(console, "viewer") as client:
        answer = client.get(path_of(order_id))
        refused = client.post(f"{path_of(order_id)}/cancel", data={})

    assert answer.status_code == 200
    assert '<form method="post" action="/console/orders' not in answer.text
    assert "Requests" not in words_of(answer)
    assert refused.status_code == 403


def test_a_decision_is_made_again_on_request(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)

    with surfing(console, "buyer") as client:
        page = client.get(path_of(order_id))
        fields = hidden_fields(page, "replay")
        ((decision_id,),) = works.table("SELECT decision_id FROM order_lines")
        asked = client.post(f"{path_of(order_id)}/decisions/{decision_id}/replay", data=fields)
        again = client.post(f"{path_of(order_id)}/decisions/{decision_id}/replay", data=fields)
        shown = client.get(asked.headers["Location"].partition("#")[0])

    assert asked.status_code == 303
    assert asked.headers["Location"] == again.headers["Location"]
    assert "It is being made again." in words_of(shown)


def test_an_open_page_hears_of_news(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)

    with surfing(console, "owner") as client:
        text = client.get(path_of(order_id)).text
        news = text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
        quiet = client.get(news)
        works.accepted(works.jobs()[0])
        told = client.get(news)
        waiting = client.get(f"{news}&waits=true")

    assert (quiet.status_code, quiet.text) == (204, "")
    assert "Something happened to this order." in told.text
    assert waiting.headers["HX-Refresh"] == "true"


def test_orders_of_others_and_lines_that_are_not_there_are_not_found(console: ServedConsole) -> None:
    order_id = order_placed(given_console_works(console))

    with surfing(console, "owner") as client:
        assert client.get(path_of("ord_00000000000000000000000000")).status_code == 404
        assert client.get(f"{path_of(order_id)}?line=7").status_code == 404
        assert client.post(f"{path_of(order_id)}/objective", data={"objective": "x"}).status_code == 403
    with surfing(console, "bureau") as client:
        assert client.get(path_of(order_id)).status_code == 403


def test_an_order_that_is_being_routed_says_so(console: ServedConsole) -> None:
    order_id = order_placed(given_console_works(console), routed=False)

    with surfing(console, "buyer") as client:
        words = words_of(client.get(path_of(order_id)))

    assert "It is being routed." in words


def test_the_page_is_light(visit: Visit, console: ServedConsole) -> None:
    order_id = order_placed(given_console_works(console))
    page = visit("/console/orders", who="owner")
    assert page_weight(page, f"{console.url}{path_of(order_id)}") <= MOST_BYTES


def test_a_node_gets_the_line_again_and_a_held_job_leaves_its_node(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)
    lost_by(works, 1)
    (job_id,) = works.jobs()
    works.table(
        "UPDATE jobs SET state = 'held', held_reason = 'CERTIFICATE_MISSING' WHERE id = :id RETURNING 1", id=job_id
    )

    with surfing(console, "owner") as client:
        page = client.get(path_of(order_id))
        lifted = client.post(f"{path_of(order_id)}/lines/1/exclusions/N101/lift", data=hidden_fields(page, "lift-N101"))
        silent = client.post(f"{path_of(order_id)}/jobs/{job_id}/take-back", data=hidden_fields(page, f"held-{job_id}"))
        taken = client.post(
            f"{path_of(order_id)}/jobs/{job_id}/take-back",
            data=hidden_fields(page, f"held-{job_id}") | {"reason": "it takes too long"},
        )

    assert lifted.status_code == 303
    assert works.table("SELECT node_id FROM line_exclusions") == []
    assert silent.status_code == 422
    assert "Say why, in a few words: it stands in the record." in words_of(silent)
    assert (taken.status_code, taken.headers["Location"]) == (303, f"{path_of(order_id)}?line=1")
    assert works.reroutes("cause")[-1] == ("owner",)


def test_an_objective_that_is_none_and_a_choice_that_is_none_are_told_at_the_form(console: ServedConsole) -> None:
    works = given_console_works(console)
    order_id = order_placed(works)

    with surfing(console, "owner") as client:
        fields = hidden_fields(client.get(path_of(order_id)), "replay")
        answer = client.post(f"{path_of(order_id)}/objective", data=fields | {"objective": "prettiest"})

    assert answer.status_code == 422
    assert works.table("SELECT objective FROM orders") == [("cheapest",)]
