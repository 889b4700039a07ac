"""What all forms of the console have in common: tokens, keys, refusals, and that nothing typed is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import expect

from fabroute.database import unit_of_work
from tests.console import a_screen
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.people import PASSWORD

pytestmark = pytest.mark.usefixtures("screen")


@pytest.fixture
def screen(console: ServedConsole) -> None:
    """The screen with forms, on the console of the test."""
    if all(getattr(route, "path", "") != a_screen.PATH for route in console.app.state.operations):
        console.app.include_router(a_screen.router)
        console.app.state.operations.extend(a_screen.router.routes)


@pytest.fixture
def surf(console: ServedConsole) -> Iterator[httpx.Client]:
    """An owner who surfs."""
    with surfing(console, "owner") as client:
        yield client


def noted(console: ServedConsole) -> list[str]:
    with unit_of_work(console.engine) as session:
        rows = session.connection().exec_driver_sql(
            "SELECT subject_id FROM audit_entries WHERE action = 'test.noted' ORDER BY id"
        )
        return [row[0] for row in rows]


def filled_in(surf: httpx.Client, **fields: str) -> dict[str, str]:
    return hidden_fields(surf.get(a_screen.PATH), "note") | {"subject": "pumps"} | fields


def end_sessions(console: ServedConsole) -> None:
    with unit_of_work(console.engine) as session:
        session.connection().exec_driver_sql("DELETE FROM person_sessions")
    console.resources.people.sessions._seen.clear()


def test_a_form_is_taken_and_the_next_page_says_so_once(surf: httpx.Client, console: ServedConsole) -> None:
    taken = surf.post(a_screen.PATH, data=filled_in(surf))

    assert (taken.status_code, taken.headers["Location"]) == (303, a_screen.PATH)
    assert "Kept: pumps" in words_of(surf.get(a_screen.PATH))
    assert "Kept: pumps" not in words_of(surf.get(a_screen.PATH))
    assert noted(console) == ["pumps"]


@pytest.mark.parametrize("token", ["", "wrong", "fs_ä"])
def test_without_the_csrf_token_nothing_is_done(surf: httpx.Client, console: ServedConsole, token: str) -> None:
    refused = surf.post(a_screen.PATH, data=filled_in(surf, csrf_token=token))

    assert refused.status_code == 403
    assert "X-CSRF-Token" not in words_of(refused)
    assert noted(console) == []


def test_a_token_reads_differently_in_each_answer_and_each_of_them_is_taken(
    surf: httpx.Client, console: ServedConsole
) -> None:
    first, second = (filled_in(surf) for _ in range(2))
    taken = surf.post(a_screen.PATH, data=first)
    by_header = surf.post(
        a_screen.PATH, data=second | {"csrf_token": ""}, headers={"X-CSRF-Token": first["csrf_token"]}
    )

    assert first["csrf_token"] != second["csrf_token"]
    assert (taken.status_code, by_header.status_code) == (303, 303)


def test_a_token_of_somebody_else_is_refused(surf: httpx.Client, console: ServedConsole) -> None:
    with surfing(console, "buyer") as other:
        theirs = filled_in(other)["csrf_token"]
    refused = surf.post(a_screen.PATH, data=filled_in(surf, csrf_token=theirs))

    assert refused.status_code == 403
    assert noted(console) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused(
    surf: httpx.Client, console: ServedConsole, headers: dict[str, str]
) -> None:
    refused = surf.post(a_screen.PATH, data=filled_in(surf), headers=headers)

    assert refused.status_code == 403
    assert "This form was not sent from a page of this console" in words_of(refused)
    assert noted(console) == []


def test_a_form_that_is_sent_twice_is_taken_once(surf: httpx.Client, console: ServedConsole) -> None:
    form = filled_in(surf)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: surf.post(a_screen.PATH, data=form), range(4)))
    again = surf.post(a_screen.PATH, data=form)

    assert {answer.status_code for answer in answers} <= {303, 409}
    assert (again.status_code, again.headers["Location"]) == (303, a_screen.PATH)
    assert noted(console) == ["pumps"]


def test_a_form_that_was_sent_already_is_not_taken_with_other_words(surf: httpx.Client, console: ServedConsole) -> None:
    form = filled_in(surf)
    surf.post(a_screen.PATH, data=form)

    refused = surf.post(a_screen.PATH, data=form | {"subject": "valves"})

    assert refused.status_code == 422
    assert "This form was sent already" in words_of(refused)
    assert noted(console) == ["pumps"]


def test_a_refused_form_is_shown_again_with_what_was_typed_and_nothing_was_done(
    surf: httpx.Client, console: ServedConsole
) -> None:
    form = filled_in(surf, subject="nothing", words='with "quotes" & <b>', kind="b", pace="fast", sure="yes")
    form["password"] = "not to be seen"

    shown = surf.post(a_screen.PATH, data=form)

    assert shown.status_code == 422
    assert 'id="note-subject" name="subject" value="nothing"' in shown.text
    assert "with &#34;quotes&#34; &amp; &lt;b&gt;</textarea>" in shown.text
    assert '<option value="b" selected>' in shown.text
    assert 'value="fast" checked' in shown.text
    assert 'name="sure" value="yes" checked' in shown.text
    assert 'aria-describedby="note-subject-hint note-subject-wrong" aria-invalid="true"' in shown.text
    assert "Error: Nothing is not enough." in words_of(shown)
    assert "not to be seen" not in shown.text
    assert hidden_fields(shown, "note")["idempotency_key"] != form["idempotency_key"]
    assert noted(console) == []


@every_look
def test_an_expired_session_loses_nothing_that_was_typed(visit: Visit, console: ServedConsole, look: Look) -> None:
    page = visit(a_screen.PATH, who="owner")
    page.get_by_label("Subject").fill("pumps of the north yard")
    page.get_by_label("Words").fill("line one\nline two")
    page.get_by_label("Kind").select_option("b")
    page.get_by_label("Fast").check()
    page.get_by_label("Password").fill("never carried along")
    end_sessions(console)

    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "never carried along" not in page.content()
    assert_good(page, "signed-out-in-mid-form", look)
    page.get_by_label("E-mail address").fill(console.people.by_role["owner"].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    assert page.get_by_label("Subject").input_value() == "pumps of the north yard"
    assert page.get_by_label("Words").input_value() == "line one\nline two"
    assert page.get_by_label("Kind").input_value() == "b"
    assert page.get_by_label("Fast").is_checked()
    assert page.get_by_label("Password").input_value() == ""
    assert_good(page, "form-after-signing-in-again", look)
    assert noted(console) == []
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Kept: pumps of the north yard")).to_be_visible()
    assert noted(console) == ["pumps of the north yard"]


def test_a_wrong_password_in_between_loses_nothing_either(surf: httpx.Client, console: ServedConsole) -> None:
    form = filled_in(surf, words="kept")
    end_sessions(console)
    asked = surf.post(a_screen.PATH, data=form)
    typed = next(line for line in asked.text.splitlines() if 'name="typed"' in line)

    refused = surf.post("/console/sign-in", data={"email": "owner@example.com", "password": "wrong"} | typed_of(asked))

    assert asked.status_code == refused.status_code == 401
    assert typed in refused.text
    assert noted(console) == []


def typed_of(answer: httpx.Response) -> dict[str, str]:
    return {"typed": hidden_fields_of_page(answer)["typed"]}


def hidden_fields_of_page(answer: httpx.Response) -> dict[str, str]:
    marked = answer.text.replace('action="/console/sign-in" class="form"', 'action="" id="form-x"')
    return hidden_fields(httpx.Response(200, text=marked), "x")


@every_look
def test_a_form_with_a_mistake_says_so_at_the_field(visit: Visit, look: Look) -> None:
    page = visit(a_screen.PATH, who="owner")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("alert").get_by_text("Say what it is about.")).to_be_visible()
    assert page.get_by_label("Subject").get_attribute("aria-invalid") == "true"
    assert_good(page, "form-with-a-mistake", look)


def test_forms_work_without_scripts(visit: Visit, console: ServedConsole) -> None:
    page = visit(a_screen.PATH, who="owner", scripts=False)
    page.get_by_label("Subject").fill("without scripts")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Kept: without scripts")).to_be_visible()
    page.get_by_text("Remove…").click()
    page.get_by_role("button", name="Yes, remove it").click()
    expect(page.get_by_text("Kept: removed")).to_be_visible()
    page.get_by_role("button", name="At once").click()
    expect(page.get_by_text("Kept: at once")).to_be_visible()

    assert noted(console) == ["without scripts", "removed", "at once"]
