"""A maintenance team orders a legacy spare: from an old number or an asset to a promise; and what goes wrong."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import MOST_BYTES, assert_good, page_weight
from tests.console.conftest import Visit, sign_in
from tests.console.looks import Look, every_look, of_a_story
from tests.factories.console import ServedConsole
from tests.factories.console_spares import ASSET, NAME, OLD_NUMBER, LegacySpare, a_legacy_spare
from tests.factories.people import PASSWORD

LONG = "Dichtungsringhalterung" * 9
RIGHT_TO_LEFT = "حلقة إحكام للمضخة الشمالية"
CHINESE = "北方泵站密封圈支架"
TERMS = {"quantity": "2", "city": "Hamburg", "country": "DE", "need_by": "", "criticality": "", "packaging": "plain"}


@pytest.fixture
def spare(console: ServedConsole) -> LegacySpare:
    return a_legacy_spare(console)


def asked(surf: httpx.Client, **changes: str) -> httpx.Response:
    """Fill in the form of the second step and send it."""
    page = surf.get("/console/order-a-part/terms?part=RL-0001")
    return surf.post("/console/order-a-part/quotes", data=hidden_fields(page, "terms") | TERMS | changes)


def quoted(surf: httpx.Client, **changes: str) -> str:
    """Return the path of a quote, without the quantity that it is looked at for."""
    answer = asked(surf, **changes)
    assert answer.status_code == 303, answer.text
    path, _, quantity = answer.headers["Location"].partition("?quantity=")
    assert quantity == changes.get("quantity", TERMS["quantity"])
    return path


def confirmed(surf: httpx.Client, path: str, **typed: str) -> httpx.Response:
    """Send the form of the third step."""
    page = surf.get(f"{path}/order?offer=cheapest")
    return surf.post(f"{path}/order", data=hidden_fields(page, "confirm") | typed)


@pytest.mark.timeout(600)
@of_a_story
def test_a_legacy_spare_is_ordered_from_its_asset_to_a_promise(visit: Visit, spare: LegacySpare, look: Look) -> None:
    page = visit("/console/", who="buyer")
    page.get_by_role("link", name="Order a part", exact=True).first.click()
    assert_good(page, "order-a-part-empty", look)
    page.get_by_role("searchbox").fill(ASSET.lower())
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text(f"in {ASSET} · 4")).to_be_visible()
    assert_good(page, "order-a-part-found", look)

    page.get_by_role("link", name=f"Compare offers for {NAME}").click()
    assert_good(page, "order-a-part-terms", look)
    page.get_by_label("How many").fill("2")
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").select_option("DE")
    page.get_by_role("button", name="Compare offers").click()
    expect(page.get_by_role("heading", name="Cheapest")).to_be_visible()
    expect(page.get_by_role("heading", name="Print it")).to_be_visible()
    assert_good(page, "order-a-part-offers", look)
    assert spare.orders() == []

    page.get_by_role("link", name=re.compile("^Choose ?: Cheapest")).click()
    page.get_by_label("Your reference").fill("WO-4711")
    assert_good(page, "order-a-part-confirm", look)
    page.get_by_role("button", name=re.compile("^Order for €")).click()
    page.wait_for_url(re.compile("/console/orders/ord_"))
    expect(page.get_by_text(re.compile("^Ordered: €.+, promised by "))).to_be_visible()
    ((order_id, price),) = spare.orders()
    assert page.url == f"{spare.console.url}/console/orders/{order_id}"
    assert price > 5_000


def test_everything_works_without_scripts(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part", who="buyer", scripts=False)
    page.get_by_role("searchbox").fill(OLD_NUMBER)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=f"Compare offers for {NAME}").click()
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").select_option("DE")
    page.get_by_role("button", name="Compare offers").click()
    page.get_by_role("link", name=re.compile("^Choose ?: Cheapest")).click()
    page.get_by_role("button", name=re.compile("^Order for €")).click()

    expect(page.get_by_text(re.compile("^Ordered: €"))).to_be_visible()
    assert len(spare.orders()) == 1


def test_words_are_looked_up_while_they_are_typed(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part", who="buyer")
    page.get_by_role("searchbox").press_sequentially("1987")

    expect(page.get_by_text(f"also known as {OLD_NUMBER}")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("1987")


@every_look
def test_names_of_every_length_and_script_fit(visit: Visit, spare: LegacySpare, look: Look) -> None:
    page = visit("/console/order-a-part", who="buyer")
    for name, title in ((LONG, "long"), (RIGHT_TO_LEFT, "rtl"), (CHINESE, "cjk")):
        spare.renamed(name)
        page.goto("/console/order-a-part?text=RL-0001")
        assert_good(page, f"order-a-part-{title}", look)
        page.goto("/console/order-a-part/terms?part=RL-0001")
        assert_good(page, f"order-a-part-terms-{title}", look)


@every_look
def test_what_can_t_be_taken_is_told_at_its_field_and_nothing_typed_is_lost(
    visit: Visit, spare: LegacySpare, look: Look
) -> None:
    page = visit("/console/order-a-part/terms?part=RL-0001", who="buyer")
    page.get_by_label("How many").fill("two")
    page.get_by_label("Country").select_option("PL")
    page.get_by_label("Needed by").fill("2020-01-01")
    page.get_by_role("button", name="Compare offers").click()

    expect(page.locator("#terms-quantity-wrong")).to_have_text("Error: Enter a whole number from 1 to 100,000.")
    expect(page.locator("#terms-city-wrong")).to_have_text("Error: Say to which city it goes.")
    expect(page.locator("#terms-need_by-wrong")).to_have_text("Error: Choose a day that is still to come.")
    expect(page.get_by_label("How many")).to_have_value("two")
    expect(page.get_by_label("Country")).to_have_value("PL")
    assert_good(page, "order-a-part-wrong", look)
    page.get_by_label("How many").fill("3")
    page.get_by_label("City").fill("Łódź")
    page.get_by_label("Needed by").fill("")
    page.get_by_role("button", name="Compare offers").click()
    expect(page.get_by_text("3 pieces to Łódź, Poland")).to_be_visible()
    expect(page.get_by_text("We don't know Łódź, Poland.")).to_be_visible()
    assert_good(page, "order-a-part-unknown-city", look)


def test_where_a_country_has_no_known_place_coordinates_are_asked_for(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        refused = asked(surf, city="Graz", country="AT")
        wrong = asked(surf, city="Graz", country="AT", position="north of Vienna")
        path = quoted(surf, city="Graz", country="AT", position="47.0707, 15.4395")
        page = surf.get(f"{path}?quantity=2")
        again = asked(surf, city="Graz", country="AT", known_place=hidden_fields(page, "terms")["known_place"])
        moved = asked(surf, city="Linz", country="AT", known_place=hidden_fields(page, "terms")["known_place"])

    assert "No place in Austria is known here: give the coordinates of Graz" in words_of(refused)
    assert 'id="terms-position-wrong"' in refused.text
    assert "Write latitude and longitude in degrees" in words_of(wrong)
    assert "2 pieces to Graz, Austria" in words_of(page)
    assert "We don't know Graz" not in words_of(page)
    assert [answer.status_code for answer in (refused, wrong, again, moved)] == [422, 422, 303, 422]


def test_a_city_that_nobody_knows_is_told_with_those_that_may_be_meant_before_it_is_ordered(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf, city="hambrug")
        offers, confirm = surf.get(f"{path}?quantity=2"), surf.get(f"{path}/order?offer=cheapest")
        meant = surf.post("/console/order-a-part/quotes", data=hidden_fields(offers, "city-1"))
        known = surf.get(meant.headers["Location"])
        lost = words_of(surf.get(quoted(surf, city="Atlantis")))

    told = "We don't know hambrug, Germany. Did you mean Hamburg ? Prices and days are reckoned to Berlin , the capital"
    assert [told in words_of(page) for page in (offers, confirm)] == [True, True]
    assert "2 pieces to Hamburg, Germany" in words_of(known)
    assert "We don't know" not in words_of(known)
    assert "We don't know Atlantis, Germany. Prices and days are reckoned to Berlin , the capital" in lost


def test_what_the_api_refuses_is_told_with_what_to_do(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        far = asked(surf, need_by="2099-01-01")
        free = asked(surf, max_price="0")
        path = quoted(surf)
        door = confirmed(surf, path, postal_code="20457!")
        spare.table("UPDATE part_revisions SET state = 'withdrawn' RETURNING id")
        gone = asked(surf)

    assert "Choose a day within the next ten years." in words_of(far)
    assert "Write the price in euros, over zero" in words_of(free)
    assert "Write it with letters A to Z, digits, spaces and hyphens" in words_of(door)
    assert [answer.status_code for answer in (far, free, door, gone)] == [422] * 4
    assert "/v1/" not in words_of(gone)
    assert spare.orders() == []


@every_look
def test_fewer_and_more_pieces_stand_beside_each_other_and_several_are_ordered(
    visit: Visit, spare: LegacySpare, look: Look
) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf, quantity="17", packaging="plain", max_price="2500")
    page = visit(f"{path}?quantity=17", who="buyer")

    rows = page.get_by_role("region", name="Fewer or more").locator("tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.locator("[aria-current=true]")).to_have_text("17")
    assert_good(page, "order-a-part-several", look)
    rows.get_by_role("link", name="50 pieces: see the offers").click()
    expect(page.get_by_text("50 pieces to Hamburg, Germany")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Choose ?: Cheapest")).click()
    page.get_by_role("button", name=re.compile("^Order for €")).click()
    expect(page.get_by_text(re.compile("^Ordered: €"))).to_be_visible()
    assert spare.table("SELECT quantity FROM order_lines") == [(50,)]


def test_where_so_many_can_t_be_made_fewer_are_offered(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        page = surf.get(quoted(surf, quantity="100000") + "?quantity=100000")
        fewer = re.search(r'<a class="button" href="([^"]+)">[0-9,]+.pieces for €', page.text)
        shown = words_of(surf.get(fewer[1].replace("&amp;", "&"))) if fewer else ""

    assert "Nothing can be offered as asked Fewer can be made:" in words_of(page)
    assert "Choose : Cheapest" in shown


def test_a_day_can_be_hard_or_soft_and_what_comes_later_says_so(spare: LegacySpare) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    with surfing(spare.console, "buyer") as surf:
        hard = words_of(surf.get(quoted(surf, need_by=tomorrow)))
        soft = surf.get(quoted(surf, need_by=tomorrow, lateness="late"))

    assert "Nothing can be offered as asked" in hard
    assert "later than needed" in words_of(soft)
    assert '<option value="late" selected>' in soft.text


def test_where_only_the_price_is_in_the_way_it_is_asked_for_with_that_price(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        refused = surf.get(quoted(surf, max_price="1"))
        fields = hidden_fields(refused, "ask-1")
        asked_again = surf.post("/console/order-a-part/quotes", data=fields)
        shown = words_of(surf.get(asked_again.headers["Location"]))

    assert "Ask with that price" in words_of(refused)
    assert float(fields["max_price"]) > 1
    assert "Choose : Cheapest" in shown


def test_a_session_that_ended_in_mid_form_loses_nothing(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part/terms?part=RL-0001", who="buyer")
    page.get_by_label("How many").fill("17")
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").select_option("DE")
    page.context.clear_cookies()
    page.get_by_role("button", name="Compare offers").click()
    expect(page.get_by_text("You were signed out meanwhile.")).to_be_visible()
    page.get_by_label("E-mail address").fill("buyer@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_label("How many")).to_have_value("17")
    expect(page.get_by_label("City")).to_have_value("Hamburg")
    page.get_by_role("button", name="Compare offers").click()
    expect(page.get_by_text("17 pieces to Hamburg, Germany")).to_be_visible()


def test_a_form_that_is_sent_twice_orders_once(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf)
        fields = hidden_fields(surf.get(f"{path}/order?offer=cheapest"), "confirm") | {"reference": "WO-1"}
        send: Callable[[int], httpx.Response] = lambda _: surf.post(f"{path}/order", data=fields)  # noqa: E731
        with ThreadPoolExecutor(2) as pool:
            answers = [*pool.map(send, range(2)), send(3)]

    ((order_id, _),) = spare.orders()
    assert [answer.headers.get("Location") for answer in answers] == [f"/console/orders/{order_id}"] * 3


def test_the_address_of_the_last_order_is_there_the_next_time_and_says_so_but_not_for_whom_it_was(
    spare: LegacySpare,
) -> None:
    with surfing(spare.console, "buyer") as surf:
        first = surf.get(f"{quoted(surf)}/order?offer=cheapest").text
        address = {"street": "Am Kai 7", "postal_code": "20457"}
        order_path = confirmed(surf, quoted(surf), name="Jo Miller", **address).headers["Location"]
        terms = surf.get("/console/order-a-part/terms?part=RL-0001").text
        again = surf.get(f"{quoted(surf)}/order?offer=cheapest").text
        elsewhere = surf.get(f"{quoted(surf, city='Berlin')}/order?offer=cheapest").text

    shown = [
        [f'name="{name}" value="{value}"' in page for name, value in address.items()] for page in (again, elsewhere)
    ]
    assert shown == [[True] * 2, [False] * 2]
    told = f'<a href="{order_path}">your organisation\'s last order</a>'
    assert [told in page for page in (first, again, elsewhere)] == [False, True, False]
    assert "Jo Miller" not in again
    assert "City and country are those of your organisation's last order: change them" in terms


def test_a_quote_that_was_ordered_leads_to_its_order(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf)
        order = confirmed(surf, path).headers["Location"]
        again, offers = surf.get(f"{path}/order?offer=cheapest"), surf.get(path)
        refused = surf.post(
            f"{path}/order",
            data=hidden_fields(surf.get("/console/order-a-part/terms?part=RL-0001"), "terms")
            | {"page": f"{path}/order"},
        )

    assert f'href="{order}"' in again.text
    assert "This quote was ordered." in words_of(offers)
    assert refused.status_code == 409
    assert len(spare.orders()) == 1


@every_look
def test_an_offer_that_lapsed_is_renewed_with_what_changed_and_what_was_typed(
    visit: Visit, spare: LegacySpare, look: Look
) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf)
    page = visit(f"{path}/order?offer=cheapest", who="buyer")
    page.get_by_label("Your reference").fill("WO-4711")
    spare.expire_quotes()
    spare.network_changed("UPDATE nodes SET minimum_order_minor = 9000 RETURNING id")
    page.get_by_role("button", name=re.compile("^Order for")).click()

    expect(page.get_by_text("The offer is not good any more. Nothing was ordered.")).to_be_visible()
    expect(page.get_by_text("+€40.00", exact=False).first).to_be_visible()
    expect(page.get_by_label("Your reference")).to_have_value("WO-4711")
    assert spare.orders() == []
    assert_good(page, "order-a-part-lapsed", look)
    page.get_by_role("button", name=re.compile("^Order for")).click()
    expect(page.get_by_text(re.compile("^Ordered: €"))).to_be_visible()
    assert spare.table("SELECT reference FROM orders") == [("WO-4711",)]


def test_expired_offers_are_renewed_beside_what_they_were(spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf)
        spare.expire_quotes()
        spare.network_changed("UPDATE nodes SET minimum_order_minor = 9000 RETURNING id")
        expired = surf.get(path)
        renewed = surf.post(f"{path}/renew", data=hidden_fields(expired, "renew"))
        shown = words_of(surf.get(renewed.headers["Location"]))

    assert "These offers are not good any more." in words_of(expired)
    assert renewed.headers["Location"].endswith(f"?quantity=1&was={path.rpartition('/')[2]}")
    assert "Beside the offer before: +€40.00" in shown


@every_look
def test_where_nothing_is_offered_the_nearest_changes_are_told(visit: Visit, spare: LegacySpare, look: Look) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf, need_by=tomorrow)
    page = visit(path, who="buyer")

    expect(page.get_by_role("heading", name="Nothing can be offered as asked")).to_be_visible()
    expect(page.get_by_text("it may arrive by").first).to_be_visible()
    assert_good(page, "order-a-part-routable-if", look)
    page.get_by_role("button", name="Ask with that day").first.click()
    expect(page.get_by_role("link", name=re.compile("^Choose ?: "))).not_to_have_count(0)


def test_where_one_lacks_a_right_nothing_can_be_ordered(spare: LegacySpare) -> None:
    with surfing(spare.console, "viewer") as surf:
        found = surf.get("/console/order-a-part?text=RL-0001")
    with surfing(spare.console, "production") as surf:
        refused = surf.get("/console/order-a-part")

    assert "Compare offers for" not in words_of(found)
    assert refused.status_code == 403


def test_pages_are_light(visit: Visit, spare: LegacySpare) -> None:
    with surfing(spare.console, "buyer") as surf:
        path = quoted(surf)
    page = visit("/console/sign-in")
    sign_in(page, spare.console, "buyer")
    url = spare.console.url
    pages = ("/console/order-a-part?text=RL", "/console/order-a-part/terms?part=RL-0001", path, f"{path}/order")

    assert {address: page_weight(page, url + address) < MOST_BYTES for address in pages} == dict.fromkeys(pages, True)
