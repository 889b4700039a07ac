"""One's own account: another password, a second factor with its recovery codes, and where one is signed in."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from playwright.sync_api import Page, expect

from fabroute.database import unit_of_work
from fabroute.identity.service.people import second_factor
from fabroute.kernel.time import utc_now
from tests.console.browsing import hidden_fields, surfing, words_of
from tests.console.checks import assert_good
from tests.console.conftest import Visit, sign_in
from tests.console.looks import Look, every_look
from tests.factories.console import ServedConsole
from tests.factories.people import PASSWORD

ANOTHER = "seven quiet herons"
CODE = re.compile(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){3}")


def sent(surf: httpx.Client, path: str, form: str, **typed: str) -> httpx.Response:
    """Fill in a form of the account page and send it."""
    return surf.post(path, data=hidden_fields(surf.get("/console/account"), form) | typed)


def given_second_factor(console: ServedConsole, who: str) -> str:
    """Give somebody a second factor; return its secret. The code of the step before is used."""
    person, sealer, now = console.people.by_role[who], console.resources.people.sealer, utc_now()
    with unit_of_work(console.engine) as session:
        secret = second_factor.start_second_factor(session, person_id=person.person_id, sealer=sealer).secret
        code = second_factor.code_at(secret, second_factor.step_at(now) - 1)
        second_factor.confirm_second_factor(session, person_id=person.person_id, code=code, sealer=sealer, now=now)
    return secret


def secret_on(page: Page) -> str:
    """Return the secret as somebody types it off the page."""
    return "".join(page.get_by_label("Secret").inner_text().split())


@every_look
def test_a_second_factor_is_set_up_used_and_turned_off(visit: Visit, console: ServedConsole, look: Look) -> None:
    page = visit("/console/account", who="buyer")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    assert_good(page, "account-second-factor", look)
    page.get_by_label("Code that the app shows now").fill("000000")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator("#confirm-code-wrong")).to_contain_text("This code is wrong, or was used")
    page.get_by_label("Code that the app shows now").fill(pyotp.TOTP(secret_on(page)).now())
    page.get_by_role("button", name="Turn it on").click()

    expect(page.get_by_text("The second factor is on.")).to_be_visible()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem").all_inner_texts()
    assert len(codes) == 10
    assert all(CODE.fullmatch(code) for code in codes)
    assert_good(page, "account-recovery-codes", look)
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("you have 10 of 10 left")).to_be_visible()
    page.goto("/console/account/recovery-codes")
    expect(page.get_by_text("Recovery codes are shown once.")).to_be_visible()
    page.get_by_text("Turn it off…").click()
    assert_good(page, "account", look)
    page.locator("#form-removal").get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_text("The second factor is off")).to_be_visible()


def test_the_qr_code_the_link_and_the_letters_say_the_same(console: ServedConsole) -> None:
    with surfing(console, "buyer") as surf:
        begun = sent(surf, "/console/account/second-factor", "begin", present_password=PASSWORD)
        page = surf.get(begun.headers["Location"])
    told = parse_qs(urlsplit(re.search(r'href="(otpauth://[^"]+)"', page.text)[1].replace("&amp;", "&")).query)  # type: ignore[index]
    groups = re.findall(r"<span>([A-Z2-7]{4})</span>", page.text)

    assert begun.headers["Location"] == "/console/account/second-factor"
    assert told["secret"] == ["".join(groups)]
    assert told["issuer"] == ["fabroute"]
    assert "".join(groups) not in str(begun.headers)
    assert 'class="qr-modules"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_only_who_knows_the_password_changes_anything(console: ServedConsole) -> None:
    with surfing(console, "buyer") as surf:
        wrong = sent(surf, "/console/account/second-factor", "begin", present_password="not it")
        empty = sent(surf, "/console/account/second-factor", "begin")
        password = sent(surf, "/console/account/password", "password", present_password="not it", password=ANOTHER)
        alone = surf.get("/console/account/second-factor")

    assert [it.status_code for it in (wrong, empty, password)] == [403, 422, 403]
    assert 'id="begin-present_password-wrong"' in wrong.text
    assert "Your present password is wrong." in words_of(wrong)
    assert "Error: Enter your password." in words_of(empty)
    assert 'id="password-present_password-wrong"' in password.text
    assert ANOTHER not in password.text
    assert (alone.status_code, alone.headers["Location"]) == (303, "/console/account#second-factor")


@pytest.mark.parametrize(
    ("password", "words"),
    [("short", "take at least 12 characters"), ("password1234", "one of the first passwords that anybody would try")],
)
def test_a_password_that_is_easily_guessed_is_told_at_its_field(
    console: ServedConsole, password: str, words: str
) -> None:
    with surfing(console, "buyer") as surf:
        refused = sent(surf, "/console/account/password", "password", present_password=PASSWORD, password=password)

    assert refused.status_code == 422
    assert 'id="password-password-wrong"' in refused.text
    assert words in words_of(refused).replace("Take", "take")


def test_another_password_leaves_one_signed_in_here_and_nowhere_else(console: ServedConsole) -> None:
    with surfing(console, "buyer") as here, surfing(console, "buyer") as there:
        changed = sent(here, "/console/account/password", "password", present_password=PASSWORD, password=ANOTHER)
        shown = here.get("/console/account")
        console.resources.people.sessions._seen.clear()
        outside = there.get("/console/account")
        old, new = (
            there.post("/console/sign-in", data={"email": "buyer@example.com", "password": it})
            for it in (PASSWORD, ANOTHER)
        )

    assert (changed.status_code, changed.headers["Location"]) == (303, "/console/account")
    assert "Your password is changed. Everywhere else you are signed out." in words_of(shown)
    assert outside.headers["Location"] == "/console/sign-in?next=/console/account"
    assert (old.status_code, new.status_code) == (401, 303)


def test_a_recovery_code_lets_in_and_new_ones_make_the_old_void(console: ServedConsole) -> None:
    secret = given_second_factor(console, "buyer")
    with httpx.Client(base_url=console.url, headers={"Accept": "text/html"}) as surf:
        first = surf.post("/console/sign-in", data={"email": "buyer@example.com", "password": PASSWORD})
        step = re.search(r'name="step" value="([^"]+)"', first.text)
        surf.post("/console/sign-in", data={"step": step[1] if step else "", "code": pyotp.TOTP(secret).now()})
        made = sent(surf, "/console/account/recovery-codes", "codes", present_password=PASSWORD)
        codes = re.findall(r'<li class="code">([^<]+)</li>', surf.get(made.headers["Location"]).text)
        surf.cookies.delete("fabroute_session")
        first = surf.post("/console/sign-in", data={"email": "buyer@example.com", "password": PASSWORD})
        step = re.search(r'name="step" value="([^"]+)"', first.text)
        let_in = surf.post("/console/sign-in", data={"step": step[1] if step else "", "code": codes[0].upper()})
        left = words_of(surf.get("/console/account"))

    assert made.headers["Location"] == "/console/account/recovery-codes"
    assert len(codes) == 10
    assert let_in.status_code == 303
    assert "you have 9 of 10 left" in left


@every_look
def test_one_sees_where_one_is_signed_in_and_signs_out_there(visit: Visit, console: ServedConsole, look: Look) -> None:
    with surfing(console, "buyer") as laptop, surfing(console, "buyer") as tablet:
        page = visit("/console/account", who="buyer")
        places = page.get_by_role("region", name="Where you are signed in").get_by_role("listitem")
        expect(places).to_have_count(3)
        expect(places.first).to_contain_text("here")
        assert_good(page, "account-sessions", look)
        places.nth(1).get_by_role("button", name="Sign out there").click()
        expect(places).to_have_count(2)
        page.goto("/console/account")
        sign_in_again = visit("/console/sign-in")
        sign_in(sign_in_again, console, "buyer")
        page.reload()
        page.get_by_role("button", name="Sign out everywhere but here").click()
        expect(places).to_have_count(1)
        console.resources.people.sessions._seen.clear()
        outside = [surf.get("/console/account").status_code for surf in (laptop, tablet)]

    assert outside == [303, 303]


def test_nobody_signs_others_out(console: ServedConsole) -> None:
    with surfing(console, "buyer") as mine, surfing(console, "owner") as other:
        form = re.search(r"/console/account/sessions/(ses_[a-z0-9]+)/end", mine.get("/console/account").text)
        assert form is None  # one's own is ended by signing out
        with unit_of_work(console.engine) as session:
            ids = session.connection().exec_driver_sql(
                "SELECT id FROM person_sessions WHERE person_id = %s", (console.people.by_role["buyer"].person_id,)
            )
            (session_id,) = ids.scalars()
        token = hidden_fields(other.get("/console/account"), "password")
        refused = other.post(f"/console/account/sessions/{session_id}/end", data=token)
        still_in = mine.get("/console/account").status_code

    assert refused.status_code == 404
    assert still_in == 200
