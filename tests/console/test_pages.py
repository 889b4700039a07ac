"""What every page of the console owes: its headers, its errors in words, its weight; and the list of orders."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from fabroute.api.app import build_app as build_api
from fabroute.console.rendering import templates
from fabroute.console.static_files import static_files
from tests.console.browsing import surfing, words_of
from tests.console.checks import MOST_BYTES, assert_good, page_weight
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.orders import given_orders, make_order

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
LONG = "Dichtungsringhalterung" * 9
RIGHT_TO_LEFT = "حلقة إحكام للمضخة الشمالية"
CHINESE = "北方泵站密封圈支架"


@pytest.mark.parametrize(
    "path", ["/console/sign-in", "/console/orders", "/console/nothing", "/console/orders?cursor=!"]
)
def test_every_page_protects_itself(console: ServedConsole, path: str) -> None:
    with surfing(console, "owner") as surf:
        headers = surf.get(f"/console{path}").headers

    assert headers["Content-Security-Policy"] == POLICY
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_no_template_holds_a_script_a_style_or_a_handler() -> None:
    loader = templates().loader
    assert loader is not None
    sources = {
        name: re.sub(r"\{[%{#].*?[%}#]\}", "", loader.get_source(templates(), name)[0], flags=re.DOTALL)
        for name in templates().list_templates()
    }
    inline = re.compile(
        r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on|hx-vals\s*=\s*[\"']js:|<script(?![^>]*\ssrc=)"
    )
    elsewhere = re.compile(r"(?:src|href|action)=\"(?:https?:)?//")

    assert [name for name, source in sources.items() if inline.search(source) or elsewhere.search(source)] == []
    assert len(sources) > 9


def test_static_files_are_kept_for_good_under_urls_that_name_their_content(console: ServedConsole) -> None:
    style = static_files()["console.css"]
    with httpx.Client(base_url=console.url) as client:
        found, missing = client.get(style.url), client.get(style.url.replace(style.digest, "0" * 12))

    assert found.content == style.content
    assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert found.headers["Content-Type"] == "text/css; charset=utf-8"
    assert missing.status_code == 404


def test_browsers_are_led_to_the_console_and_programs_to_the_handbook(console: ServedConsole) -> None:
    with httpx.Client(base_url=console.url) as client:
        browser = client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
        program = client.get("/", headers={"Accept": "application/json"})

    assert browser.headers["Location"] == "/console/"
    assert program.headers["Location"] == "/docs"


def test_the_openapi_document_knows_nothing_of_the_console(console: ServedConsole) -> None:
    assert console.app.openapi() == build_api(None).openapi()


def test_programs_get_problems_where_people_get_pages(console: ServedConsole) -> None:
    with httpx.Client(base_url=console.url) as client:
        program, person = client.get("/v1/orders"), client.get("/console/orders")

    assert program.headers["Content-Type"] == "application/problem+json"
    assert (person.status_code, person.headers["Location"]) == (303, "/console/sign-in?next=/console/orders")


def test_what_is_not_there_or_not_theirs_is_said_in_words(console: ServedConsole) -> None:
    with surfing(console, "production") as surf:
        missing, foreign = surf.get("/console/nothing"), surf.get("/console/webhooks")

    assert (missing.status_code, foreign.status_code) == (404, 403)
    assert "There is nothing here" in words_of(missing)
    assert "This is not yours to see or do" in words_of(foreign)
    assert missing.headers["X-Request-Id"] in words_of(missing)


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("bureau", "Your organisation makes them: what it is asked to make stands under Jobs."),
        ("operator", "Your organisation runs the network: what waits for a person stands on its first page"),
    ],
)
def test_who_orders_nothing_is_invited_to_nothing_and_told_why_where_they_come_by_an_old_link(
    console: ServedConsole, who: str, words: str
) -> None:
    pages = ("/console/orders", "/console/order-a-part", "/console/order-a-part/terms?part=RL-0001", "/console/parts")
    with surfing(console, who) as surf:
        refused = [surf.get(path) for path in pages]
        home = surf.get("/console/", follow_redirects=True).text

    assert [answer.status_code for answer in refused] == [403] * len(pages)
    assert all("This page is for those who order parts" in words_of(answer) for answer in refused)
    assert all(words in words_of(answer) for answer in refused)
    assert [path for path in pages if f'href="{path}"' in home] == []


def test_where_too_much_is_asked_at_once_people_are_told_to_wait(
    console: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    with surfing(console, "owner") as surf:
        monkeypatch.setattr(type(console.resources.turns), "enter", _no_turn)
        refused = surf.get("/console/orders")

    assert refused.status_code == 429
    assert "Too much at once" in words_of(refused)
    assert refused.headers["Content-Security-Policy"] == POLICY
    assert int(refused.headers["Retry-After"]) >= 1


async def _no_turn(*_: object, **__: object) -> None:
    return None


@every_look
def test_the_list_of_orders_holds_names_of_every_length_and_script(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    owner = console.people.owner
    given_orders(
        console.engine,
        *(make_order(owner, reference=name, quantities=(3, 2)) for name in (LONG, RIGHT_TO_LEFT, CHINESE, "PO-4711")),
    )
    page = visit("/console/orders", who="owner")

    expect(page.get_by_text(CHINESE)).to_be_visible()
    assert_good(page, "orders", look)
    page.get_by_role("searchbox").fill("po-47")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("PO-4711")).to_be_visible()
    expect(page.get_by_text(CHINESE)).to_have_count(0)
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No order is like that")).to_be_visible()
    assert_good(page, "orders-none", look)


def test_orders_are_paged_and_found_by_state_part_and_reference(console: ServedConsole) -> None:
    owner = console.people.owner
    given_orders(console.engine, *(make_order(owner, reference=f"PO-{number:03}") for number in range(30)))
    with surfing(console, "owner") as surf:
        first = surf.get("/console/orders")
        older = surf.get(re.search(r'href="([^"]+)" rel="next"', first.text)[1].replace("&amp;", "&"))  # type: ignore[index]
        found = [len(re.findall("<tr>", surf.get(f"/console/orders?{query}").text)) - 1 for query in QUERIES]

    pages = [re.findall(r"PO-\d+", answer.text) for answer in (first, older)]
    assert [len(page) for page in pages] == [25, 5]
    assert sorted(pages[0] + pages[1]) == [f"PO-{number:03}" for number in range(30)]
    assert found == [10, 25, 25, -1]


QUERIES = ("text=PO-01", "text=rl-0001", "state=pending", "state=routed")


@every_look
def test_the_start_page_and_errors_look_good(visit: Visit, look: Look) -> None:
    page = visit("/console/", who="owner")
    assert_good(page, "start-empty", look)
    page.goto("/console/nothing")
    assert_good(page, "not-found", look)
    page.goto("/console/account")
    assert_good(page, "account", look)


def test_pages_are_light(visit: Visit, console: ServedConsole) -> None:
    page = visit("/console/sign-in", who="owner")
    assert page_weight(page, f"{console.url}/console/orders") < MOST_BYTES
