"""How the console is served: in the API's process, unless it is switched off; with a provider where there is one."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.conftest import WITH_PEOPLE, Visit
from tests.factories.api import client_on
from tests.factories.console import People, ServedConsole, served_console
from tests.factories.people import given_invitation
from tests.factories.processes import a_process, wait_until
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, an_openid_provider


@pytest.mark.parametrize(("setting", "status"), [("true", 200), ("false", 404)])
def test_one_process_serves_api_and_console(database: Database, tmp_path: Path, setting: str, status: int) -> None:
    path = tmp_path / "api.sock"
    settings = {
        "FABROUTE_DATABASE_URL": database.url,
        "FABROUTE_PROFILE": "embedded",
        "FABROUTE_CONSOLE": setting,
        "FABROUTE_SIGNING_KEY_FILE": str(tmp_path / "signing-key.pem"),
        "FABROUTE_SECRET_KEY_FILE": str(tmp_path / "secret-key"),
        "FABROUTE_STORAGE_URL": "memory://",
    }
    with (
        a_process("fabroute.console", "--uds", str(path), environment=settings, log=tmp_path / "log"),
        client_on(str(path), None, {}) as client,
    ):
        assert wait_until(path.exists)
        assert client.get("/readyz").status_code == 200
        assert client.get("/console/sign-in").status_code == status
        assert client.get("/v1/orders").headers["Content-Type"] == "application/problem+json"


def test_without_a_provider_nobody_is_sent_to_one(visit: Visit, console: ServedConsole) -> None:
    page = visit("/console/sign-in")
    with httpx.Client(base_url=console.url, headers={"Accept": "text/html"}) as client:
        refused = client.get("/v1/oidc/start")

    assert page.get_by_role("link", name="Sign in with your organisation's account").count() == 0
    assert refused.status_code == 404
    assert refused.headers["Content-Type"] == "text/html; charset=utf-8"


def test_with_a_provider_the_sign_in_page_leads_there(servers: EmbeddedServers, migrated_template: str) -> None:
    urls = servers.postgres.create_database("console_with_provider", template=migrated_template)
    with an_openid_provider() as provider:
        stated: dict[str, Any] = {
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
        }
        with served_console(urls.url, **stated) as served, httpx.Client(base_url=served.url) as client:
            shown = client.get("/console/sign-in")
            away = client.get("/v1/oidc/start?return_to=/console/")
    servers.postgres.drop_database("console_with_provider")

    assert 'href="/v1/oidc/start?return_to=/console/"' in shown.text
    assert away.headers["Location"].startswith(f"{provider.issuer}/authorize?")


def test_pages_and_files_are_compressed_for_browsers_that_take_them_so(console: ServedConsole) -> None:
    with surfing(console, "owner") as client:
        page = client.get("/console/orders", headers={"Accept-Encoding": "gzip"})
        plain = client.get("/console/orders", headers={"Accept-Encoding": "identity"})
        style = re.findall(r'"(/console/static/[^"]+/console.css)"', page.text)[0]
        styles = client.get(style, headers={"Accept-Encoding": "gzip"})

    assert [it.headers.get("Content-Encoding") for it in (page, plain, styles)] == ["gzip", None, "gzip"]
    assert {it.headers["Vary"] for it in (page, styles)} == {"Accept-Encoding"}
    assert page.num_bytes_downloaded == int(page.headers["Content-Length"]) < len(page.content) / 2
    assert len(plain.content) == int(plain.headers["Content-Length"])


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_that_another_site_asks_for_does_not_tell_by_its_length_what_it_repeats(
    console: ServedConsole, site: str
) -> None:
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": site}
    with surfing(console, "owner") as client:
        page = client.get("/console/orders?text=guessed", headers=headers)

    assert "Content-Encoding" not in page.headers
    assert page.num_bytes_downloaded == len(page.content)


def test_what_programs_get_is_as_long_as_it_is(console: ServedConsole) -> None:
    with surfing(console, "owner") as client:
        answer = client.get("/v1/orders", headers={"Accept-Encoding": "gzip", "Accept": "application/json"})

    assert (answer.status_code, "Content-Encoding" in answer.headers) == (200, False)


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with an_openid_provider() as running:
        yield running


@pytest.fixture
def behind_provider(
    servers: EmbeddedServers, people_in_template: People, provider: FakeProvider
) -> Iterator[ServedConsole]:
    """A console whose people also sign in at a provider."""
    urls = servers.postgres.create_database("console_behind_provider", template=WITH_PEOPLE)
    stated: dict[str, Any] = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
    }
    with served_console(urls.url, people=people_in_template, **stated) as served:
        yield served
    servers.postgres.drop_database("console_behind_provider")


def invited(console: ServedConsole, email: str) -> None:
    given_invitation(console.engine, organisation_id=console.people.owner.organisation_id, email=email, role="buyer")


def through_provider(surf: httpx.Client, provider: FakeProvider, link: str) -> httpx.Response:
    """Follow a link to the provider, sign in there and come back."""
    away = surf.get(link)
    return surf.get("/v1/oidc/callback", params=provider.sign_in(away.headers["Location"]))


def test_somebody_signs_in_at_the_provider_and_lands_where_they_were_going(
    behind_provider: ServedConsole, provider: FakeProvider
) -> None:
    invited(behind_provider, "ada@example.com")
    with surfing(behind_provider) as surf:
        asked = surf.get("/console/order-a-part")
        door = surf.get(asked.headers["Location"])
        back = through_provider(surf, provider, _way_to_provider(door))
        there = surf.get(back.headers["Location"])
        account = words_of(surf.get("/console/account"))

    assert (back.status_code, back.headers["Location"]) == (303, "/console/order-a-part")
    assert there.status_code == 200
    assert "at your organisation's account" in account
    assert "its password and its second factor are set there" in account


def test_who_the_provider_does_not_let_in_is_told_in_words(
    behind_provider: ServedConsole, provider: FakeProvider
) -> None:
    with surfing(behind_provider) as surf:
        away = surf.get("/v1/oidc/start?return_to=/console/")
        state = provider.sign_in(away.headers["Location"])["state"]
        refused = surf.get("/v1/oidc/callback", params={"error": "access_denied", "state": state})
        stranger = through_provider(surf, provider, "/v1/oidc/start?return_to=/console/")

    assert (refused.status_code, stranger.status_code) == (401, 403)
    assert "The provider did not let you in" in words_of(refused)
    assert 'href="/console/sign-in"' in refused.text
    assert "/v1/" not in words_of(stranger)


def test_a_form_waits_while_somebody_signs_in_at_the_provider(
    behind_provider: ServedConsole, provider: FakeProvider
) -> None:
    invited(behind_provider, "ada@example.com")
    typed = {"page": "/console/order-a-part/terms?part=RL-0001", "form_name": "terms", "city": "Hamburg"}
    with surfing(behind_provider) as surf:
        door = surf.post("/console/order-a-part/quotes", data=typed)
        kept = hidden_fields(door, "resume")
        too_early = surf.post("/console/resume", data=kept)
        through_provider(surf, provider, _way_to_provider(door))
        shown = surf.post("/console/resume", data=hidden_fields(too_early, "resume"))

    assert (door.status_code, too_early.status_code, shown.status_code) == (401, 401, 200)
    assert "You are not signed in yet. Your form is still kept." in words_of(too_early)
    assert "Nothing was sent yet." in words_of(shown)
    assert 'name="city" value="Hamburg"' in shown.text


def _way_to_provider(page: httpx.Response) -> str:
    found = re.search(r'href="(/v1/oidc/start[^"]*)"', page.text)
    assert found is not None
    return html.unescape(found[1])
