"""A browser, a served console, and people who sign in to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from fabroute_embedded import EmbeddedServers
from tests.console.looks import DESK, ZONE, Look, chromium
from tests.factories.console import People, ServedConsole, Who, given_people, served_console
from tests.factories.databases import engine_for
from tests.factories.people import PASSWORD

WITH_PEOPLE = "template_with_people"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
_PATIENCE_MS = 30_000
_EXPECTED = ("the server responded with a status of 4",)
"""What the browser's console says of pages that are refused on purpose."""
_numbers = count(1)

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of a module.

    Not of the process: as long as Playwright is there, so is its event loop, and tests elsewhere could not run theirs.
    """
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def people_in_template(servers: EmbeddedServers, migrated_template: str) -> People:
    """People who stand in a database that each test's own is copied from."""
    urls = servers.postgres.create_database(WITH_PEOPLE, template=migrated_template)
    with engine_for(urls.url) as engine:
        return given_people(engine)


@pytest.fixture
def console(servers: EmbeddedServers, people_in_template: People) -> Iterator[ServedConsole]:
    """A served console on a database of its own."""
    name = f"console_{next(_numbers)}"
    urls = servers.postgres.create_database(name, template=WITH_PEOPLE)
    with served_console(urls.url, people=people_in_template) as served:
        yield served
    servers.postgres.drop_database(name)


@pytest.fixture
def look() -> Look:
    """At a desk in light, where a test is not marked with ``every_look`` or ``both_widths``."""
    return DESK


@pytest.fixture
def visit(browser: Browser, console: ServedConsole, look: Look) -> Iterator[Visit]:
    """Opens a window of its own: ``visit("/console/orders", who="owner")`` after signing in, without ``who`` before.

    Whatever the browser complains of (a blocked style, a broken script, a lost file) fails the test; so does any
    request to elsewhere. ``scripts=False`` switches JavaScript off, ``locale`` is the browser's language, ``expects``
    are words of complaints that belong to the test.
    """
    with ExitStack() as stack:
        opened: list[tuple[Page, list[str]]] = []

        expected = list(_EXPECTED)

        def open_page(
            path: str, *, who: Who | None = None, scripts: bool = True, locale: str = "en-GB", expects: str = ""
        ) -> Page:
            expected.extend([expects] if expects else [])
            context = stack.enter_context(_window(browser, console.url, look, scripts=scripts, locale=locale))
            page, complaints = context.new_page(), list[str]()
            opened.append((page, complaints))
            page.on(
                "console",
                lambda it: complaints.append(f"{it.text} {it.location['url']}") if it.type == "error" else None,
            )
            page.on("pageerror", lambda it: complaints.append(str(it)))
            page.on(
                "request",
                lambda it: None if it.url.startswith((console.url, "blob:", "data:")) else complaints.append(it.url),
            )
            if who is not None:
                sign_in(page, console, who)
            page.goto(path)
            return page

        yield open_page
        for _, complaints in opened:
            assert [it for it in complaints if not any(words in it for words in expected)] == []


@contextmanager
def _window(browser: Browser, url: str, look: Look, *, scripts: bool, locale: str) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": look.height},
        color_scheme=look.scheme,
        has_touch=look.is_phone,
        java_script_enabled=scripts,
        locale=locale,
        timezone_id=ZONE,
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MS)
    yield context
    context.close()


def sign_in(page: Page, console: ServedConsole, who: Who) -> None:
    """Sign somebody in by the page, and stay where they land."""
    page.goto("/console/sign-in")
    page.get_by_label("E-mail address").fill(console.people.by_role[who].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
