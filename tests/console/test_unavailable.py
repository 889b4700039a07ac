"""What people see where the server can't answer: no database, a mistake, too much at once. They lose nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import Request, Response
from playwright.sync_api import expect
from sqlalchemy import QueuePool
from structlog.testing import capture_logs

from fabroute.api.dependencies import ReadSession, get_resources
from fabroute.console.rendering import ForPeople, templates
from fabroute.console.routes import console_router
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.console_spares import LegacySpare, a_legacy_spare
from tests.factories.databases import allow_connections, refuse_connections

TERMS = "/console/order-a-part/terms?part=RL-0001"
TYPED = {"quantity": "17", "city": "Hamburg", "country": "DE", "password": "never kept"}
faulty = console_router()


@faulty.get("/faulty")
def show_a_mistake(console: ForPeople) -> Response:
    """Fail before anything is shown."""
    raise ZeroDivisionError("a mistake")


@faulty.post("/faulty")
def make_a_mistake(console: ForPeople) -> Response:
    """Fail after the form was read."""
    raise ZeroDivisionError("a mistake")


@faulty.get("/faulty/in-the-view")
def count_in_the_view(request: Request, console: ForPeople, session: ReadSession) -> Response:
    """Show how many connections are in use while the view runs."""
    session.connection()
    return console.page(templates().from_string("{{ it }}"), it=_pool(request).checkedout())


@faulty.get("/faulty/on-the-page")
def count_on_the_page(request: Request, console: ForPeople, session: ReadSession) -> Response:
    """Show how many connections are in use while the page is drawn."""
    session.connection()
    return console.page(templates().from_string("{{ it() }}"), it=_pool(request).checkedout)


@faulty.get("/faulty/in-the-model")
def count_in_the_model(request: Request, console: ForPeople, session: ReadSession) -> Response:
    """Show how many connections are in use while the page's view model is made."""
    session.connection()
    return console.made(templates().from_string("{{ it }}"), _pool(request).checkedout)


def _pool(request: Request) -> QueuePool:
    pool = get_resources(request).tenants.pool
    assert isinstance(pool, QueuePool)
    return pool


@pytest.fixture
def spare(console: ServedConsole) -> LegacySpare:
    return a_legacy_spare(console)


@contextmanager
def stopped_database(console: ServedConsole) -> Iterator[None]:
    """Take the database away for as long as the block lasts, as a restart of its server does."""
    url = console.engine.url.render_as_string(hide_password=False)
    refuse_connections(url)
    console.resources.people.sessions._seen.clear()
    try:
        yield
    finally:
        allow_connections(url)


@pytest.mark.timeout(300)
@every_look
def test_without_a_database_what_was_typed_is_kept_and_can_be_sent_again(
    visit: Visit, spare: LegacySpare, look: Look
) -> None:
    page = visit(TERMS, who="buyer", expects="status of 503")
    page.get_by_label("How many").fill("17")
    page.get_by_label("City").fill("Hamburg")
    page.get_by_label("Country").select_option("DE")
    with stopped_database(spare.console):
        page.get_by_role("button", name="Compare offers").click()
        expect(page.get_by_role("heading", name="Not available just now")).to_be_visible()
        assert_good(page, "unavailable", look)
        page.get_by_role("button", name="Send it again").click()
        expect(page.get_by_role("heading", name="Not available just now")).to_be_visible()
    page.get_by_role("button", name="Send it again").click()

    expect(page.get_by_text("17 pieces to Hamburg, Germany")).to_be_visible()


def test_a_page_without_its_database_can_be_opened_again(visit: Visit, console: ServedConsole) -> None:
    page = visit("/console/account", who="owner", expects="status of 503")
    with stopped_database(console):
        page.goto("/console/orders?state=routed")
        expect(page.get_by_role("heading", name="Not available just now")).to_be_visible()
        expect(page.get_by_text("psycopg")).to_have_count(0)
    page.get_by_role("link", name="Try again").click()

    expect(page).to_have_url(f"{console.url}/console/orders?state=routed")
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()


def test_an_open_page_says_that_the_server_is_away_and_goes_on_by_itself(visit: Visit, spare: LegacySpare) -> None:
    page = visit("/console/order-a-part", who="buyer", expects="503")
    with stopped_database(spare.console):
        page.get_by_role("searchbox").press_sequentially("RL")
        expect(page.get_by_text("The server does not answer just now.")).to_be_visible()
    page.get_by_role("searchbox").press_sequentially("-0001")

    expect(page.get_by_role("link", name="Compare offers for Pump cover")).to_be_visible()
    expect(page.get_by_text("The server does not answer just now.")).to_be_hidden()


@every_look
def test_a_mistake_of_ours_is_told_in_words_with_the_id_to_name(
    visit: Visit, console: ServedConsole, look: Look
) -> None:
    with_faulty(console)
    page = visit("/console/account", who="owner", expects="status of 500")
    with capture_logs() as logged:
        answer = page.goto("/console/faulty")

    assert answer is not None
    assert answer.status == 500
    assert [it["request_id"] for it in logged] == [answer.headers["x-request-id"]]
    expect(page.get_by_role("heading", name="This is our mistake")).to_be_visible()
    expect(page.get_by_text(answer.headers["x-request-id"], exact=True)).to_be_visible()
    assert "ZeroDivisionError" not in page.content()
    assert_good(page, "mistake", look)


def test_after_a_mistake_of_ours_the_form_is_kept_but_for_passwords(console: ServedConsole) -> None:
    with_faulty(console)
    with surfing(console, "owner") as surf:
        fields = hidden_fields(surf.get("/console/account"), "password") | TYPED
        with capture_logs() as logged:
            failed = surf.post("/console/faulty", data=fields)

    kept = hidden_fields(failed, "kept")
    assert failed.status_code == 500
    assert "never kept" not in str(logged)
    assert kept == {name: value for name, value in fields.items() if name != "password"}
    assert 'action="/console/faulty"' in failed.text


def test_a_form_that_is_turned_away_at_the_gate_is_kept(
    console: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    with surfing(console, "owner") as surf:
        fields = hidden_fields(surf.get("/console/account"), "password") | TYPED
        monkeypatch.setattr(type(console.resources.turns), "enter", _no_turn)
        refused = surf.post("/console/order-a-part/quotes", data=fields)

    assert refused.status_code == 429
    assert "Too much at once" in words_of(refused)
    assert hidden_fields(refused, "kept")["city"] == "Hamburg"
    assert "never kept" not in refused.text


def test_no_connection_is_held_while_a_page_is_drawn(console: ServedConsole) -> None:
    with_faulty(console)
    with surfing(console, "owner") as surf:
        seen = [surf.get(f"/console/faulty/{when}").text for when in ("in-the-view", "in-the-model", "on-the-page")]

    assert seen == ["1", "0", "0"]


def with_faulty(console: ServedConsole) -> None:
    if all(getattr(route, "path", "") != "/console/faulty" for route in console.app.state.operations):
        console.app.include_router(faulty)
        console.app.state.operations.extend(faulty.routes)


async def _no_turn(*_: object, **__: object) -> None:
    return None
